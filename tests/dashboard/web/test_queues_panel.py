"""The Queues page's live part: what each queue says, filter and order, and the four states of the list."""

import re
from datetime import timedelta

import pytest

from dashboard.records import QueueHead, Snapshot, UnackedMessage
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.factories import NOW, ago, make_queue, make_snapshot, make_source, make_worker

EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"
IDLE = make_worker(active=())


def row_of(queue, **sections):
    (row,) = rows_of("queues", make_snapshot(queues=(queue,), **({"workers": (IDLE,)} | sections)), "queues-rows")
    return row


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def names_of(snapshot, query=None):
    return [re.search(r"<bdi>(.*?)</bdi>", row)[1] for row in rows_of("queues", snapshot, "queues-rows", query)]


def test_row_says_what_waits_who_reads_and_how_fast():
    head = QueueHead(priority="0", mark="t", task_name="reports_refresh_all")
    queue = make_queue(ready=60, unacked=3, eta=2, in_per_s=1.0, out_per_s=3.0, grown=-9, oldest_at=ago(seconds=75), heads=(head,), samples=(1, 2, None, 4, 5))

    row = row_of(queue)

    assert "<b>60</b>" in row
    assert "3 · 2 later" in text_of(row)
    assert "worker-b@web-2" in row
    assert "1.0 in · 3.0 out" in text_of(row)
    assert "30 s" in row
    assert 'datetime="2026-11-23T14:06:26.000Z" data-count="up"' in row
    assert row.count("<polyline") == 2
    assert "it drains: 3.0/s leave it, 1.0/s come in" in text_of(row)
    assert "next is reports_refresh_all" in text_of(row)


def test_priorities_are_told_where_not_all_have_the_first():
    assert "by priority 0: 3, 9: 2" in text_of(row_of(make_queue(ready=5, ready_by_priority={"0": 3, "9": 2})))
    assert "by priority" not in row_of(make_queue(ready=5, ready_by_priority={"0": 5}))


def test_what_is_not_known_is_a_question_mark_and_not_zero():
    row = row_of(make_queue(ready=5, unacked=None, consumers=None, in_per_s=None, out_per_s=None))
    cells = {name: text_of(cell) for name, cell in re.findall(r'<td role="cell" class="lh-q-(\w+)".*?>(.*?)</td>', row, re.DOTALL)}
    assert {cells[name] for name in ("unacked", "readers", "rates", "drains", "oldest")} == {"?"}


def test_least_age_is_marked_as_such():
    assert "≥ " in row_of(make_queue(ready=1, oldest_at=ago(seconds=9), oldest_is_minimum=True))
    assert "≥ " not in row_of(make_queue(ready=1, oldest_at=ago(seconds=9)))


def test_row_does_not_change_from_second_to_second():
    snapshot = make_snapshot(queues=(make_queue(ready=3, oldest_at=ago(seconds=40)),))
    later = NOW + timedelta(seconds=1)
    assert rows_of("queues", snapshot, "queues-rows") == rows_of("queues", snapshot, "queues-rows", now=later)


def test_queue_without_a_reader_stands_out_and_says_it_once():
    row = row_of(make_queue(name="archive", ready=3, consumers=(), unread_since=ago(seconds=40)))
    assert "lh-v-no-reader" in row
    assert "no reader" in row
    assert text_of(row).count("nobody reads it, since 14:07:01 UTC") == 1
    assert "no worker has read it" not in row


def test_misspelt_queue_names_the_right_one_and_its_sender():
    odd = make_queue(name="reprots", ready=1, consumers=(), heads=(QueueHead(priority="0", mark="x", task_name="a", origin="gen9@web-7"),))
    rows = "".join(rows_of("queues", make_snapshot(queues=(odd, make_queue())), "queues-rows"))
    assert "it looks like a misspelt reports; what is next in it was sent by gen9@web-7" in text_of(rows)


def test_every_warning_has_a_badge():
    stranger = make_worker(active=(), tasks=("other",))
    queue = make_queue(
        ready=1, bound_with=("b",), heads=(QueueHead(priority="0", mark="x", task_name="a"), QueueHead(priority="3", mark="y", problem="not-json"))
    )
    row = row_of(queue, workers=(stranger,))
    assert all(word in row for word in ("bound twice", "task unknown", "bad message"))
    assert "which its reader worker-b@web-2 does not know" in text_of(row)


def test_hostile_name_is_text_and_what_it_hides_is_spelled_out():
    head = QueueHead(priority="0", mark="x", task_name=EVIL, origin=EVIL)
    queue = make_queue(name=EVIL, ready=1, consumers=(EVIL,), heads=(head,), bound_with=(EVIL,))
    html = "".join(pieces_of("queues", make_snapshot(queues=(queue,))).values()) + "".join(
        pieces_of("queue", make_snapshot(queues=(queue,)), {"id": queue.id}).values()
    )
    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\u200b" not in html
    assert "\\u202egnp.exe" in html


def test_filter_knows_queue_worker_task_and_warning():
    head = QueueHead(priority="0", mark="x", task_name="mail_send")
    queues = (make_queue(), make_queue(name="emails", ready=1, heads=(head,), consumers=("worker-a@web-1",)), make_queue(name="odd", wrong_type="hash"))
    snapshot = make_snapshot(queues=queues)
    found = {q: names_of(snapshot, {"q": q}) for q in ("EMAIL", "worker:web-1", "task:mail", "warning:wrong_type", '"rep"', "zzz")}
    assert found == {"EMAIL": ["emails"], "worker:web-1": ["emails"], "task:mail": ["emails"], "warning:wrong_type": ["odd"], '"rep"': ["reports"], "zzz": []}


def test_chips_count_and_choose():
    queues = (make_queue(), make_queue(name="archive", ready=2, consumers=(), unread_since=ago(seconds=9)), make_queue(name="busy", ready=1))
    snapshot = make_snapshot(queues=queues)
    chips = text_of(pieces_of("queues", snapshot)["queues-chips"])
    assert chips == "All 3 With a warning 1 No reader 1 With messages 2"
    assert names_of(snapshot, {"show": "no-reader"}) == ["archive"]
    assert names_of(snapshot, {"show": "nonsense"}) == ["archive", "busy", "reports"]


def test_columns_sort_both_ways_and_unknown_comes_last():
    queues = tuple(make_queue(name=name, ready=ready, unacked=unacked) for name, ready, unacked in (("a", 5, None), ("b", 1, 7), ("c", 9, 3)))
    snapshot = make_snapshot(queues=queues)
    assert names_of(snapshot, {"o": "ready"}) == ["b", "a", "c"]
    assert names_of(snapshot, {"o": "-ready"}) == ["c", "a", "b"]
    assert names_of(snapshot, {"o": "-unacked"}) == ["b", "c", "a"]


def test_four_states_are_said_in_words():
    assert "No queue is known" in pieces_of("queues", make_snapshot(queues=()))["queues-state"]
    assert "Nothing matches the filter" in pieces_of("queues", make_snapshot(), {"q": "zzz"})["queues-state"]
    assert "Not known" in pieces_of("queues", Snapshot())["queues-state"]
    away = make_source("broker", ok=False, since=ago(seconds=95), last_good_at=ago(seconds=96), reason="Connection refused")
    pieces = pieces_of("queues", make_snapshot(sources=(away,)))
    assert "broker is unavailable" in pieces["queues-state"]
    assert "Connection refused" in pieces["queues-state"]
    assert "but broker cannot be read" in pieces["queues-summary"]
    assert make_queue().id[:12] in "".join(pieces)


def test_navigation_counts_queues_and_those_that_nobody_reads():
    unread = make_queue(name="archive", ready=2, consumers=(), unread_since=ago(seconds=9))
    nav = pieces_of("queues", make_snapshot(queues=(make_queue(), unread)))["lh-nav"]
    assert re.search(r'data-page="queues" aria-current="page">Queues <span class="lh-count">2</span> <span class="lh-alarm">1', nav)


def test_long_list_says_how_much_of_it_is_shown():
    pieces = pieces_of("queues", make_snapshot(queues=tuple(make_queue(name=f"q{n}") for n in range(510))))
    assert sum(name.startswith("queue-") for name in pieces) == 500
    assert "The first 500 of 510" in pieces["queues-state"]


@pytest.mark.parametrize("name", ["queues", "queue"])
def test_each_piece_has_one_root_with_its_id(name):
    queue = make_queue(ready=1)
    for identity, html in pieces_of(name, make_snapshot(queues=(queue,)), {"id": queue.id}).items():
        assert re.match(rf'<\w+ id="{identity}"', html), identity


def test_one_queue_tells_when_its_fetched_messages_come_again():
    fetched = UnackedMessage(tag="t", task_id="e" * 36, task_name="reports_refresh_all", queue="reports", fetched_at=ago(minutes=10))
    other = UnackedMessage(tag="u", task_id="f" * 36, task_name="elsewhere", queue="mail", fetched_at=ago(minutes=10))
    snapshot = make_snapshot(queues=(make_queue(unacked=1),), unacked=(fetched, other), workers=(make_worker(visibility_timeout=timedelta(hours=2)),))
    html = pieces_of("queue", snapshot, {"id": make_queue().id})["queue-unacked"]
    assert "15:57:41 UTC" in html
    assert "2 h after they were fetched" in html
    assert "elsewhere" not in html


def test_unknown_visibility_timeout_is_said_to_be_a_guess():
    fetched = UnackedMessage(tag="t", task_id="e" * 36, task_name=None, queue="reports", fetched_at=None)
    html = pieces_of("queue", make_snapshot(queues=(make_queue(unacked=1),), unacked=(fetched,)), {"id": make_queue().id})["queue-unacked"]
    assert "no worker told its visibility timeout" in html


def test_queue_that_is_no_longer_known_says_so():
    assert "no longer known" in pieces_of("queue", make_snapshot(queues=()), {"id": "0" * 16}, may=VIEWER)["queue-head"]


def test_queue_with_a_nul_byte_in_its_name_says_why_no_line_counts_it():
    queue = make_queue(name="mail\0s")
    assert "a line would name another key" in pieces_of("queue", make_snapshot(queues=(queue,)), {"id": queue.id})["queue-proof"]

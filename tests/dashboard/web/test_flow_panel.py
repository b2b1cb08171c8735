"""The Flow page's live part and the same picture on the Overview: nodes, lines, movements, and a table that says the same."""

import re

import pytest
from django.test import Client
from redis import Redis

from dashboard import snapshot as snapshots
from dashboard.records import FlowEdge, FlowLine, FlowMove, FlowNode, FlowPicture, FlowReading, Snapshot
from dashboard.web.flow_drawing import HIGH, blocks, draw, height_px, segments, width_of
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.dashboard.web.test_views import person
from tests.factories import NOW, ago, make_lock, make_queue, make_snapshot, make_source, make_worker

EVIL = "<script>alert(1)</script>\u202egnp.exe\u200b\"'&"
WORKER = "worker-b@web-2"
FIELDS = ("flow-sent-lanes", "flow-received-lanes", "flow-locked-lanes")


def edge(way, source, target, count=1):
    return FlowEdge(way=way, source=source, target=target, count=count, last_at=ago(seconds=2))


def moving(*edges, **changes):
    known = {
        "since": ago(minutes=5),
        "edges": edges or (edge("sent", "gen1@web-3", "reports", 12), edge("received", "reports", WORKER, 11)),
        "telling": (WORKER,),
    }
    return FlowReading(**(known | changes))


def snapshot_of(**sections):
    return make_snapshot(**({"flow": moving()} | sections))


def text_of(html):
    html = re.sub(r'<bdi class="lh-cut" aria-hidden="true">.*?</bdi>', "", html)  # the name once more, for the eyes
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def nodes_of(column, snapshot, page="flow"):
    return [text_of(html) for html in rows_of(page, snapshot, f"flow-{column}-lanes")]


def all_lines(snapshot, page="flow"):
    return [html for field in FIELDS for html in rows_of(page, snapshot, field)]


def test_nodes_say_what_stands_in_them():
    snapshot = snapshot_of(queues=(make_queue(ready=1214, ready_by_priority={"0": 1000, "9": 214}),))

    assert nodes_of("sender", snapshot) == ["web-3 1 process"]
    assert nodes_of("queue", snapshot) == ["reports 1,214 ready"]
    assert nodes_of("worker", snapshot) == [f"{WORKER} 1 of 2 busy"]
    assert nodes_of("lock", snapshot) == ["lock_report_12 held"]


def test_queue_is_split_by_priority():
    (node,) = rows_of("flow", snapshot_of(queues=(make_queue(ready=4, ready_by_priority={"0": 3, "9": 1}),)), "flow-queue-lanes")

    assert 'x="0.0%" width="75.0%"' in node
    assert 'x="75.0%" width="25.0%"' in node
    assert 'aria-label="by priority 0: 3, 9: 1"' in node


def test_every_node_with_a_page_leads_to_it():
    queue, lock = make_queue(), make_lock()

    snapshot = snapshot_of(queues=(queue,), locks=(lock,))

    assert f'href="/queues/{queue.id}/"' in rows_of("flow", snapshot, "flow-queue-lanes")[0]
    assert f'href="/locks/{lock.id}/"' in rows_of("flow", snapshot, "flow-lock-lanes")[0]


def test_table_says_what_the_picture_shows_line_by_line():
    snapshot = snapshot_of()

    rows = rows_of("flow", snapshot, "flow-table-rows")
    drawn = all_lines(snapshot)

    assert [re.search(r'id="flow-row-(\w+)"', row)[1] for row in rows] == [re.search(r'id="flow-line-(\w+)"', line)[1] for line in drawn]
    assert [re.search(r"lh-f-(\w+)\"", row)[1] for row in rows] == [re.search(r"lh-f-(\w+)", line)[1] for line in drawn]
    assert text_of(rows[0]) == "web-3 reports 12 14:07:39 UTC flowing"
    assert text_of(drawn[0]) == "web-3 → reports: 12 within the last minute"
    assert f'<a href="/queues/{make_queue().id}/"><bdi>reports</bdi></a>' in rows[0]


def test_queue_without_a_reader_says_so_beside_it():
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2), oldest_at=ago(hours=2, minutes=4), oldest_is_minimum=True)

    node = next(html for html in rows_of("flow", snapshot_of(queues=(queue,)), "flow-queue-lanes") if "archive" in html)

    assert "no reader: 80 messages, oldest since 12:03:41 UTC" in text_of(node)
    assert 'data-with="oldest at least …"' in node
    assert "lh-flow-beside" in node


def test_silent_worker_says_since_when():
    silent = make_worker(last_heard_at=ago(seconds=40), answered_at=ago(seconds=40))

    (node,) = nodes_of("worker", snapshot_of(workers=(silent,)))

    assert node == f"{WORKER} silent since 14:07:01 UTC"


def test_broken_refused_and_unknown_are_told_in_words():
    lock = make_lock()
    flow = moving(edge("refused", WORKER, lock.id, 3), telling=())

    rows = [text_of(row) for row in rows_of("flow", snapshot_of(locks=(lock,), flow=flow), "flow-table-rows")]

    assert f"{WORKER} lock_report_12 3 14:07:39 UTC refused 3 runs refused within the last minute" in rows
    assert f"reports {WORKER} ? – not known reads; its rate is not known, for it sent no event of a task yet" in rows


def test_movements_are_there_once_each_with_the_line_that_draws_them():
    moves = tuple(FlowMove(number=n, way="received", source="reports", target=WORKER, at=ago(seconds=1)) for n in (7, 8))

    pieces = pieces_of("flow", snapshot_of(flow=moving(moves=moves, moved=2, number=8)))

    said = re.search(r'data-number="8" data-moves="(.*?)"', pieces["flow-moves"])[1].split(";")
    line = re.search(r'id="flow-line-(\w+)"', rows_of("flow", snapshot_of(), "flow-received-lanes")[0])[1]
    assert said == [f"{n}:{line}:{int(ago(seconds=1).timestamp() * 1000)}" for n in (7, 8)]


def test_sampling_is_said():
    moves = (FlowMove(number=9, way="received", source="reports", target=WORKER, at=ago(seconds=1)),)

    assert text_of(pieces_of("flow", snapshot_of(flow=moving(moves=moves, moved=1)))["flow-note"]) == ""
    assert "the dots are 1 of 5,240 movements of the last 3 s" in pieces_of("flow", snapshot_of(flow=moving(moves=moves, moved=5240)))["flow-note"]


def test_counts_of_less_than_a_minute_are_said_to_be_so():
    assert "Counted since 14:07:21 UTC only." in pieces_of("flow", snapshot_of(flow=moving(since=ago(seconds=20))))["flow-note"]


def test_nothing_is_known_without_an_observer():
    pieces = pieces_of("flow", Snapshot())

    assert "No observer has looked yet" in pieces["flow-state"]
    assert "nothing is known yet" in pieces["flow-summary"]


def test_nothing_there_is_said():
    empty = make_snapshot(locks=(), queues=(), workers=(), runs=(), flow=FlowReading(since=ago(minutes=5)))

    assert "Nothing is known to move" in pieces_of("flow", empty)["flow-state"]


def test_events_that_cannot_be_read_are_said_and_no_count_is_shown():
    sources = (make_source("broker"), make_source("workers"), make_source("events", ok=False, reason="it does not answer"))

    snapshot = snapshot_of(sources=sources, flow=moving(since=None))

    assert "events is unavailable" in text_of(pieces_of("flow", snapshot)["flow-state"])
    assert "No events are received" in pieces_of("flow", snapshot)["flow-note"]
    assert all(text_of(line).endswith("rate not known") for line in all_lines(snapshot))


def test_workers_that_send_no_events_are_said_with_the_fix():
    assert "start the workers with -E" in pieces_of("flow", snapshot_of(flow=moving(telling=())))["flow-note"]


def test_hostile_names_are_text():
    queue, worker = make_queue(name=EVIL, consumers=(EVIL,)), make_worker(name=EVIL)
    flow = moving(edge("sent", f"gen1@{EVIL}", EVIL), edge("received", EVIL, EVIL))

    html = "".join(pieces_of("flow", snapshot_of(queues=(queue,), workers=(worker,), flow=flow)).values())

    assert "<script>" not in html
    assert "\u202e" not in html
    assert "\\u202egnp.exe" in html


def test_overview_draws_a_picture_that_is_no_higher_than_seven_nodes():
    queues = tuple(make_queue(name=f"q{n}") for n in range(200))

    assert len(rows_of("overview", snapshot_of(queues=queues), "flow-queue-lanes")) == 7
    assert len(rows_of("flow", snapshot_of(queues=queues), "flow-queue-lanes")) <= 12


def test_group_leads_to_the_list_that_it_stands_for():
    queues = tuple(make_queue(name=f"tenant_{n:03}") for n in range(200))

    group = rows_of("flow", snapshot_of(queues=queues, flow=moving(edge("sent", "gen1@web-3", "tenant_001"))), "flow-queue-lanes")[-1]

    assert text_of(group) == "192 × tenant_… 0 ready"
    assert 'href="/queues/?q=tenant_"' in group


def test_nothing_is_pushed_for_what_did_not_change():
    snapshot = snapshot_of()

    assert pieces_of("flow", snapshot) == pieces_of("flow", snapshot)


def test_each_piece_has_one_root_with_its_id():
    for name, html in pieces_of("flow", snapshot_of()).items():
        assert re.match(rf'<\w+ id="{name}"', html), name


def line(source, target, count=1):
    return FlowLine(id=f"{source}{target}", source=source, target=target, state="flowing", count=count)


def test_lines_leave_a_node_side_by_side_and_do_not_cross():
    nodes = {name: FlowNode(id=name, column="queue" if name in "xy" else "sender", name=name) for name in "axy"}
    drawn = FlowPicture(columns={"sender": (nodes["a"],), "queue": (nodes["x"], nodes["y"])}, lines=(line("a", "y"), line("a", "x")))

    first, second = draw(drawn)

    assert (first.line.target, second.line.target) == ("x", "y")
    assert first.path.startswith("M0 471.2C50 471.2 50 250.0 100 250.0")
    assert second.path.startswith("M0 528.8C50 528.8 50 750.0 100 750.0")
    assert height_px(drawn) == 104


@pytest.mark.parametrize(("count", "width"), [(None, 0), (0, 0), (1, 1), (9, 1), (10, 2), (60, 3), (599, 3), (600, 4), (10**6, 4)])
def test_width_grows_by_the_logarithm_of_the_rate(count, width):
    assert width_of(count) == width


def test_bars_and_blocks():
    assert segments([("0", 3), ("9", 1)]) == [("0", 0.0, 75.0), ("9", 75.0, 25.0)]
    worker = FlowNode(id="w", column="worker", name="w", amount=1, of=2)
    assert blocks(worker) == [(0, True), (7, False)]
    assert blocks(FlowNode(id="w", column="worker", name="w", amount=None, of=2)) == []
    assert blocks(FlowNode(id="w", column="worker", name="w", amount=1, of=64)) == []
    assert HIGH == 1000


@pytest.mark.django_db
def test_page_has_the_table_for_who_does_not_see_the_picture(watching):
    snapshot = make_snapshot(flow=moving())
    snapshots.put(Redis.from_url(f"{watching}/2"), snapshot, dict.fromkeys(snapshots.SECTIONS, int(NOW.timestamp())), set(snapshots.SECTIONS), epoch=1)
    client = Client()
    client.force_login(person("view_locks"))

    page = client.get("/flow/").content.decode()

    assert page.count('id="flow-line-') == page.count('id="flow-row-') > 0
    assert 'aria-label="The flow as a table"' in page
    assert "style=" not in re.search(r'<div id="lh-live".*', page, re.DOTALL)[0]


@pytest.mark.django_db
def test_page_is_for_those_who_may_look(client):
    client.force_login(person())

    assert client.get("/flow/").status_code == 403

"""The trace as people see it: how far each message is, its steps with their links, hostile names as text, and the line to copy."""

import html
import re
from datetime import timedelta
from uuid import UUID, uuid5

from dashboard.records import Traced
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.factories import NOW, ago, make_claim, make_lock, make_queue, make_result, make_run, make_snapshot

ACT = UUID("5b0cf1de-7f6c-4f3e-9d53-6f7d3f2b7c11")
TASK = "reports_prepare_massive_report"
FIRST, SECOND, THIRD = (str(uuid5(ACT, str(index))) for index in range(3))
HOSTILE = "<script>alert(1)</script>\u202e"


def query(count=1):
    return {"id": str(ACT), "n": str(count)}


def make_trace(**changes):
    return (Traced(**({"act_id": str(ACT), "task": TASK, "queue": "reports", "count": 1, "sent_at": ago(seconds=90), "looked_at": NOW} | changes)),)


def snapshot(**sections):
    return make_snapshot(**({"runs": (), "locks": (), "traces": make_trace()} | sections))


def pieces(known, count=1):
    return pieces_of("trace", known, query(count))


def copied(found) -> str:
    (line,) = re.findall(r'data-copy="([^"]*)"', found["trace-copy"])
    return html.unescape(line)


def text(piece: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", piece)).split())


def test_message_that_waits_says_its_place_and_links_to_its_queue():
    queue = make_queue(ready=4, consumers=(), unread_since=ago(seconds=20))

    (row,) = rows_of("trace", snapshot(traces=make_trace(places={FIRST: 3}), queues=(queue,)), "trace-rows", query())

    assert "waiting" in text(row)
    assert "sent to reports" in text(row)
    assert "3 messages before it" in text(row)
    assert "nobody reads it" in text(row)
    assert f"/queues/{queue.id}/" in row


def test_active_run_names_its_worker_and_the_lock_that_it_holds():
    run, lock = make_run(task_id=FIRST), make_lock(claim=make_claim(task_id=FIRST))

    (row,) = rows_of("trace", snapshot(runs=(run,), locks=(lock,)), "trace-rows", query())

    assert "received by worker-b@web-2" in text(row)
    assert "holds the lock lock_report_12, until" in text(row)
    assert f"/locks/{lock.id}/" in row


def test_several_are_counted_by_how_far_they_are():
    ended = {"ended_at": NOW, "outcome": "SUCCESS", "runtime": timedelta(seconds=4)}
    refused = {**ended, "refused_by": "lock_report_12", "refused_at": NOW}
    runs = (make_run(task_id=FIRST, **ended), make_run(task_id=SECOND, **refused), make_run(task_id=THIRD, **refused))

    found = pieces(snapshot(runs=runs, traces=make_trace(count=3)), 3)

    assert "2 refused 1 succeeded" in text(found["trace-summary"])
    assert 'data-with="read … ago"' in found["trace-summary"]  # else it reads as the age of what stands before it
    assert len([name for name in found if name.startswith("run-")]) == 3
    assert copied(found) == f"{TASK} → reports: 2 refused, 1 succeeded; 2 × turned away by the lock lock_report_12; 1 × succeeded after 4 s."


def test_result_is_shown_with_its_time_to_live_and_its_page(settings):
    settings.LOCKHOUSE = {"RESULTS": {"server_{id}": {"task": "servers_retrieve_info"}}}
    run, result = make_run(task_id=FIRST, name="servers_retrieve_info", args="(7,)", ended_at=NOW, outcome="SUCCESS"), make_result()

    (row,) = rows_of("trace", snapshot(runs=(run,), results=(result,)), "trace-rows", query())

    assert "result cached as server_7 until" in text(row)
    assert f"/results/{result.id}/" in row


def test_line_to_copy_tells_all_steps_of_one_message_and_stays_while_nothing_happens():
    known = snapshot(traces=make_trace(places={FIRST: 0}))

    first, later = (copied(pieces_of("trace", known, query(), now=at)) for at in (NOW, NOW + timedelta(seconds=1)))

    assert first.startswith(f"{TASK} → reports: 1 waiting; sent to reports; next in its queue")
    assert first == later


def test_what_is_no_longer_known_is_said_and_not_shown_as_nothing():
    found = pieces(snapshot(traces=()))

    assert "1 not seen" in text(found["trace-summary"])
    assert "nobody has looked for it yet" in text(found[f"run-{FIRST[:13]}"])
    assert copied(found).startswith("? → ?: 1 not seen")


def test_names_with_markup_and_control_characters_are_text():
    run = make_run(task_id=FIRST, name=HOSTILE, queue=HOSTILE, worker=HOSTILE, refused_by=HOSTILE, refused_at=NOW)
    known = snapshot(runs=(run,), traces=make_trace(task=HOSTILE, queue=HOSTILE), queues=(make_queue(name=HOSTILE),))

    found = pieces(known)

    assert "<script>alert" not in "".join(found.values())
    assert "\u202e" not in "".join(found.values())
    assert copied(found).startswith("<script>alert(1)</script>\\u202e → ")


def test_address_with_anything_in_it_is_one_message_of_nobody():
    for given in ({"id": "../etc", "n": "-5"}, {"id": "", "n": "9" * 400}, {"id": str(ACT), "n": "1000000"}):
        found = pieces_of("trace", snapshot(), given)
        assert len([name for name in found if name.startswith("run-")]) in {0, 1, 100}

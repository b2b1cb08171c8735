"""The line for the incident channel of one lock, queue or result, and the way to see it for oneself."""

import html
import re
from datetime import timedelta

import pytest

from dashboard.records import Evidence, JudgedQueue
from dashboard.web.incident import of_queue
from dashboard.web.panels import LOCK, QUEUE, RESULT
from dashboard.web.panels.queue_row import queue_row
from tests.factories import NOW, make_lock, make_queue, make_result, make_snapshot, make_source

MAY = frozenset({"lockhouse.view_locks"})


def pieces(panel, identity, **sections):
    return {piece.id: piece.html for piece in panel.pieces(make_snapshot(**sections), {"id": identity}, MAY, NOW)}


def copied(head: str) -> str:
    [line] = re.findall(r'data-copy="([^"]*)"', head)
    return html.unescape(line)


def test_lock_is_told_with_its_verdict_holder_and_evidence():
    line = copied(pieces(LOCK, make_lock().id)["lock-head"])
    assert line.startswith("lock_report_12: held; holder exact: reports_prepare_massive_report · d9c26803 · worker-b@web-2 · pid 811; until ")
    assert line.endswith(".")


def test_line_of_a_lock_does_not_change_while_nothing_happens():
    def line(at):
        return copied(next(piece.html for piece in LOCK.pieces(make_snapshot(at=at), {"id": make_lock().id}, MAY, at) if piece.id == "lock-head"))

    assert line(NOW) == line(NOW + timedelta(seconds=1))


def test_queue_is_told_with_its_readers_and_why_it_waits():
    line = copied(pieces(QUEUE, make_queue().id, queues=(make_queue(ready=12, unacked=None),))["queue-head"])
    assert line.startswith("reports: 12 ready; ? unacked; read by worker-b@web-2; ")


@pytest.mark.parametrize(("consumers", "said"), [((), "nobody"), (None, "?")])
def test_nobody_is_not_the_same_as_not_known(consumers, said):
    row = queue_row(JudgedQueue(queue=make_queue(consumers=consumers), why=Evidence(code="queue_empty")), NOW)
    assert f"read by {said};" in of_queue(row)


def test_result_is_told_with_its_state():
    line = copied(pieces(RESULT, make_result().id, results=(make_result(),))["result-head"])
    assert line.startswith("server_7 (shop): ")
    assert "written by servers_retrieve_info" in line


def test_hostile_name_is_one_attribute():
    head = pieces(QUEUE, make_queue(name='"><script>\u202e').id, queues=(make_queue(name='"><script>\u202e'),))["queue-head"]
    assert "<script>" not in head
    assert copied(head).startswith('"><script>\\u202e: ')


def test_queue_says_how_to_count_for_oneself():
    proof = pieces(QUEUE, make_queue().id, sources=(make_source("broker", url="redis://redis-1:6379/0"),))["queue-proof"]
    assert "redis-cli -h redis-1 -p 6379 -n 0 LLEN reports" in proof
    assert "HLEN unacked" in proof
    assert "LRANGE" not in proof, "a message may hold secrets"

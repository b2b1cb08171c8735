"""The flow as a picture: places, lines, and why nothing gets through."""

from dashboard.records import QueueHead, ScheduleReading
from tests.dashboard.judge.pictures import WORKER, drawn, edge, flow, lines, names
from tests.factories import ago, make_claim, make_lane, make_lock, make_queue, make_run, make_source, make_worker


def test_message_flows_from_its_senders_host_through_the_queue_to_the_worker():
    found = drawn(flow=flow(edge("sent", "gen4711@web-3", "reports", 12), edge("received", "reports", WORKER, 11)))

    assert (names(found, "sender"), names(found, "queue"), names(found, "worker")) == (["web-3"], ["reports"], [WORKER])
    assert {pair: (line.state, line.count) for pair, line in lines(found).items()} == {
        ("web-3", "reports"): ("flowing", 12),
        ("reports", WORKER): ("flowing", 11),
    }


def test_processes_of_one_host_are_one_sender():
    found = drawn(flow=flow(edge("sent", "gen1@web-3", "reports", 3), edge("sent", "gen2@web-3", "reports", 4)))

    (sender,) = found.columns["sender"]
    assert (sender.name, sender.amount, sender.weight) == ("web-3", 2, 7)
    assert lines(found)["web-3", "reports"].count == 7


def test_sender_that_a_schedule_was_seen_sending_by_is_called_beat():
    schedule = ScheduleReading(id="s", name="s", source="rhythm", task="t", origin="gen9@web-3")

    found = drawn(schedules=(schedule,), flow=flow(edge("sent", "gen9@web-3", "reports"), edge("sent", "gen4711@web-3", "reports")))

    assert [(node.name, node.kind, node.amount) for node in found.columns["sender"]] == [("beat", "beat", 1), ("web-3", "host", 1)]


def test_what_was_sent_from_here_is_told_apart():
    found = drawn(flow=flow(edge("sent", "lockhouse77@web-3", "reports"), edge("sent", "gen4711@web-3", "reports")))

    assert [(node.name, node.kind) for node in found.columns["sender"]] == [("lockhouse", "lockhouse"), ("web-3", "host")]


def test_sender_that_was_not_seen_is_drawn_and_said():
    found = drawn(flow=flow(edge("sent", "", "reports")))

    assert found.columns["sender"][0].kind == "unseen"
    assert lines(found)["", "reports"].reason.code == "flow_unseen"
    assert lines(found)["", "reports"].state == "flowing"


def test_queue_that_is_read_and_in_which_nothing_moves_is_idle():
    line = lines(drawn())["reports", WORKER]

    assert (line.state, line.count) == ("idle", 0)


def test_rate_to_a_worker_that_tells_nothing_is_not_known():
    line = lines(drawn(flow=flow(telling=())))["reports", WORKER]

    assert (line.state, line.count, line.reason.code) == ("unknown", None, "flow_rate_unknown")


def test_rates_are_not_known_without_events():
    sources = (make_source("broker"), make_source("workers"), make_source("events", ok=False))

    line = lines(drawn(sources=sources, flow=flow(edge("received", "reports", WORKER, 7), since=None)))["reports", WORKER]

    assert (line.state, line.count, line.reason.code) == ("unknown", None, "flow_not_counted")


def test_receipts_that_could_not_be_placed_make_a_count_a_least_one():
    line = lines(drawn(flow=flow(edge("received", "reports", WORKER, 7), unplaced={WORKER: 2})))["reports", WORKER]

    assert (line.count, line.is_minimum, line.state) == (7, True, "flowing")


def test_queue_without_a_reader_is_broken_with_its_reason_and_so_is_the_way_into_it():
    head = QueueHead(priority="0", mark="m", origin="gen5@web-3")
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2), oldest_at=ago(hours=2), oldest_is_minimum=True, heads=(head,))

    found = drawn(queues=(queue,), workers=())

    (node,) = found.columns["queue"]
    assert (node.problem.code, node.problem.values["ready"], node.problem.values["is_minimum"]) == ("flow_no_reader", 80, True)
    assert lines(found)["web-3", "archive"].state == "broken"


def test_no_reader_is_not_said_while_the_silence_may_be_ours():
    queue = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2))

    found = drawn(queues=(queue,), sources=(make_source("broker"), make_source("workers", ok=False), make_source("events")))

    assert found.columns["queue"][0].problem is None


def test_silent_worker_breaks_the_lines_to_it():
    silent = make_worker(last_heard_at=ago(seconds=40), answered_at=ago(seconds=40))

    found = drawn(workers=(silent,))

    assert (found.columns["worker"][0].kind, found.columns["worker"][0].amount) == ("silent", None)
    assert (lines(found)["reports", WORKER].state, lines(found)["reports", WORKER].reason.code) == ("broken", "flow_silent")


def test_worker_that_is_gone_for_long_is_no_longer_drawn():
    gone = make_worker(last_heard_at=ago(minutes=30), connection_gone_at=ago(minutes=30))

    assert drawn(workers=(gone,), queues=(make_queue(consumers=()),), runs=()).columns["worker"] == ()


def test_task_that_its_reader_does_not_know_breaks_the_line():
    queue = make_queue(ready=1, heads=(QueueHead(priority="0", mark="m", task_name="unheard_of"),))

    line = lines(drawn(queues=(queue,)))["reports", WORKER]

    assert (line.state, line.reason.code, line.reason.values["task_name"]) == ("broken", "flow_unknown_task", "unheard_of")


def test_held_lock_is_connected_to_its_holders_worker():
    lock = make_lock()

    found = drawn(locks=(lock,), flow=flow(edge("locked", WORKER, lock.id)))

    assert (found.columns["lock"][0].kind, lines(found)[WORKER, lock.name].state) == ("held", "flowing")


def test_orphaned_lock_is_broken_with_its_reason():
    dead = make_worker(
        last_heard_at=ago(seconds=70), asked_at=ago(seconds=1), answered_at=ago(seconds=72), connection_known=True, connection_gone_at=ago(seconds=69)
    )
    lock = make_lock()

    found = drawn(locks=(lock,), workers=(dead,))

    assert found.columns["lock"][0].kind == "orphaned"
    assert (lines(found)[WORKER, lock.name].state, lines(found)[WORKER, lock.name].reason.code) == ("broken", "flow_orphaned")


def test_refused_runs_are_a_line_of_their_own():
    lock = make_lock()

    found = drawn(locks=(lock,), flow=flow(edge("locked", WORKER, lock.id), edge("refused", WORKER, lock.id, 3)))

    assert sorted((line.state, line.count) for line in found.lines if line.target == found.columns["lock"][0].id) == [("flowing", 1), ("refused", 3)]
    assert found.columns["lock"][0].refused == 3


def test_lock_that_was_let_go_within_the_minute_is_still_there():
    lock = make_lock()

    found = drawn(lanes=(make_lane(lock),), flow=flow(edge("locked", WORKER, lock.id)))

    assert [(node.name, node.kind) for node in found.columns["lock"]] == [(lock.name, "free")]
    assert drawn(lanes=(make_lane(lock),), flow=flow(edge("locked", WORKER, lock.id, 0))).columns["lock"] == ()


def test_lock_whose_holder_is_outside_any_worker_stands_alone():
    found = drawn(locks=(make_lock(claim=make_claim(worker=None, pid=1)),))

    assert len(found.columns["lock"]) == 1
    assert all(line.target != found.columns["lock"][0].id for line in found.lines)


def test_every_column_is_there_where_nothing_is():
    found = drawn(queues=(), workers=(), runs=())

    assert {column: nodes for column, nodes in found.columns.items() if nodes} == {}
    assert found.lines == ()


def test_run_that_still_runs_keeps_its_leaving_worker_in_the_picture():
    leaving = make_worker(said_offline_at=ago(minutes=5))

    assert names(drawn(workers=(leaving,), runs=(make_run(),)), "worker") == [WORKER]
    assert names(drawn(workers=(leaving,), runs=(make_run(ended_at=ago(minutes=4)),)), "worker") == []

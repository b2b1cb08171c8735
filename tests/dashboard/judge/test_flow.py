"""The flow as a picture: places, lines, why nothing gets through, groups, and an order that stays."""

from dataclasses import replace
from datetime import timedelta

from dashboard.judge import assess
from dashboard.judge.flow import COLUMNS, line_of, picture
from dashboard.judge.flow_nodes import Senders
from dashboard.judge.flow_order import crossings, ordered
from dashboard.records import FlowEdge, FlowMove, FlowReading, Policy, QueueHead, ScheduleReading
from tests.factories import NOW, ago, make_claim, make_lane, make_lock, make_queue, make_run, make_snapshot, make_source, make_worker

WORKER = "worker-b@web-2"
POLICY = Policy()


def edge(way, source, target, count=1, **changes):
    return FlowEdge(**({"way": way, "source": source, "target": target, "count": count, "last_at": ago(seconds=2)} | changes))


def flow(*edges, **changes):
    return FlowReading(**({"since": ago(minutes=5), "edges": edges, "telling": (WORKER,)} | changes))


def drawn(most=12, before=(), **sections):
    snapshot = make_snapshot(**({"locks": (), "flow": flow()} | sections))
    return picture(snapshot, assess(snapshot, NOW, POLICY), NOW, POLICY, most=most, before=before)


def names(found, column):
    return [node.name for node in found.columns[column]]


def lines(found):
    by_id = {node.id: node for nodes in found.columns.values() for node in nodes}
    return {(by_id[line.source].name, by_id[line.target].name): line for line in found.lines}


def ids(found):
    return tuple(tuple(node.id for node in found.columns[column]) for column in COLUMNS)


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


def many(count=200):
    queues = [make_queue(name=f"tenant_{n:03}", ready=n % 7, consumers=(WORKER,)) for n in range(count)]
    broken = make_queue(name="archive", ready=80, consumers=(), unread_since=ago(hours=2))
    return (*queues, broken)


def test_of_two_hundred_queues_the_troubled_and_the_busiest_stand_alone_and_the_others_are_counted():
    queues = many()
    busy = flow(edge("received", "tenant_050", WORKER, 900), edge("sent", "gen1@web-3", "tenant_007", 500))

    found = drawn(queues=queues, flow=busy)

    assert len(found.columns["queue"]) <= 12
    assert {"archive", "tenant_050", "tenant_007"} <= set(names(found, "queue"))
    assert sum(node.members for node in found.columns["queue"]) == len(queues)
    assert sum(node.amount for node in found.columns["queue"]) == sum(queue.ready for queue in queues)
    assert (found.columns["queue"][-1].kind, found.columns["queue"][-1].name) == ("group", "tenant_")


def test_lines_of_a_group_are_one():
    found = drawn(queues=many(), flow=flow(*(edge("received", f"tenant_{n:03}", WORKER, 1) for n in range(200))))

    group = found.columns["queue"][-1]
    (line,) = [line for line in found.lines if line.source == group.id]
    assert line.count == group.weight
    assert line.state == "flowing"


def test_movement_of_a_grouped_queue_is_drawn_on_the_groups_line():
    found = drawn(queues=many())
    move = FlowMove(number=1, way="received", source="tenant_199", target=WORKER, at=NOW)

    assert line_of(move, Senders(), found.drawn_as) in {line.id for line in found.lines}


def test_group_with_troubled_members_says_how_many():
    queues = tuple(make_queue(name=f"q{n}", ready=1, consumers=(), unread_since=ago(hours=1)) for n in range(30))

    group = drawn(queues=queues).columns["queue"][-1]

    assert (group.problem.code, group.problem.values["count"]) == ("flow_some_broken", group.members)


def test_one_that_is_shown_stays_until_another_is_clearly_busier():
    queues = tuple(make_queue(name=f"q{n:02}") for n in range(20))
    first = drawn(most=5, queues=queues, flow=flow(edge("received", "q19", WORKER, 10)))
    assert "q19" in names(first, "queue")

    rivals = flow(edge("received", "q19", WORKER, 10), *(edge("received", f"q1{n}", WORKER, 12) for n in range(5)))

    assert "q19" in names(drawn(most=5, queues=queues, flow=rivals, before=ids(first)), "queue")
    assert "q19" not in names(drawn(most=5, queues=queues, flow=rivals), "queue")


def test_order_does_not_change_with_rates():
    calm = drawn(flow=flow(edge("sent", "a@h1", "reports", 1), edge("sent", "b@h2", "reports", 1)))
    busy = drawn(flow=flow(edge("sent", "a@h1", "reports", 1), edge("sent", "b@h2", "reports", 999)))

    assert ids(calm) == ids(busy)


def test_order_crosses_few_lines():
    columns = (("a", "b", "c"), ("x", "y", "z"))
    pairs = frozenset({("a", "z"), ("b", "y"), ("c", "x")})

    assert crossings(columns, pairs) == 3
    assert crossings(ordered(columns, pairs), pairs) == 0


def test_order_that_was_shown_stays_while_it_crosses_little_more():
    columns = (("a", "b"), ("x", "y"))
    pairs = frozenset({("a", "y"), ("b", "x")})

    assert ordered(columns, pairs, columns) == columns
    assert crossings(ordered(columns, pairs), pairs) == 0


def test_new_node_comes_in_without_moving_the_others():
    before = (("b", "a"), ("x",))

    order = ordered((("a", "b", "c"), ("x",)), frozenset({("a", "x"), ("b", "x"), ("c", "x")}), before)

    assert [node for node in order[0] if node != "c"] == ["b", "a"]


def test_every_column_is_there_where_nothing_is():
    found = drawn(queues=(), workers=(), runs=())

    assert {column: nodes for column, nodes in found.columns.items() if nodes} == {}
    assert found.lines == ()


def test_run_that_still_runs_keeps_its_leaving_worker_in_the_picture():
    leaving = make_worker(said_offline_at=ago(minutes=5))

    assert names(drawn(workers=(leaving,), runs=(make_run(),)), "worker") == [WORKER]
    assert names(drawn(workers=(leaving,), runs=(make_run(ended_at=ago(minutes=4)),)), "worker") == []


def test_two_hundred_queues_and_fifty_workers_are_a_bounded_picture():
    workers = tuple(make_worker(name=f"w{n}@h", pid=n, queues=("tenant_000",)) for n in range(50))
    queues = tuple(replace(queue, consumers=tuple(worker.name for worker in workers)) for queue in many())

    found = drawn(queues=queues, workers=workers, flow=flow(telling=tuple(worker.name for worker in workers)), at=NOW - timedelta(seconds=1))

    assert all(len(nodes) <= 12 for nodes in found.columns.values())
    assert len(found.lines) <= 12 * 12

"""The flow as a picture that stays readable: groups of what is many, few crossings, and an order that stays."""

from dataclasses import replace
from datetime import timedelta

from dashboard.judge.flow import line_of
from dashboard.judge.flow_nodes import Senders
from dashboard.judge.flow_order import crossings, ordered
from dashboard.records import FlowMove
from tests.dashboard.judge.pictures import WORKER, drawn, edge, flow, ids, names
from tests.factories import NOW, ago, make_queue, make_worker


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


def test_two_hundred_queues_and_fifty_workers_are_a_bounded_picture():
    workers = tuple(make_worker(name=f"w{n}@h", pid=n, queues=("tenant_000",)) for n in range(50))
    queues = tuple(replace(queue, consumers=tuple(worker.name for worker in workers)) for queue in many())

    found = drawn(queues=queues, workers=workers, flow=flow(telling=tuple(worker.name for worker in workers)), at=NOW - timedelta(seconds=1))

    assert all(len(nodes) <= 12 for nodes in found.columns.values())
    assert len(found.lines) <= 12 * 12

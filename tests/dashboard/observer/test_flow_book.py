"""What moves, as the observer counts it: edges, single movements, and what nobody told."""

from datetime import timedelta

from dashboard.observer.flow_book import MAX_EDGES, MAX_MOVES, MAX_MOVES_OF_ONE, FlowBook
from dashboard.observer.observations import LocksRead, QueuesRead, Tick
from dashboard.observer.state import State
from dashboard.records import CatalogueEntry, Policy, Refusal
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import answered, event, good, read, state
from tests.dashboard.observer.told import Told
from tests.factories import NOW, ago, make_claim, make_lock, make_queue

WORKER, SENDER = "worker-b@web-2", "gen4711@web-3"


def flow_book():
    return Told(lambda runs: FlowBook())


def later(**span):
    return NOW + timedelta(**span)


def edges(book, at=NOW):
    return {(edge.way, edge.source, edge.target): edge.count for edge in book.reading(at, NOW).edges}


def sent(book, task_id, queue="reports", at=NOW, origin=SENDER):
    return book.event({"type": "task-sent", "uuid": task_id, "hostname": origin}, at, queue)


def received(book, task_id, queue="reports", at=NOW, worker=WORKER):
    return book.event({"type": "task-received", "uuid": task_id, "hostname": worker}, at, queue)


def test_message_is_counted_on_its_way_in_and_on_its_way_out():
    book = flow_book()

    assert sent(book, "a")
    assert received(book, "a")

    assert edges(book) == {("sent", SENDER, "reports"): 1, ("received", "reports", WORKER): 1}
    assert [(move.number, move.way) for move in book.reading(NOW, NOW).moves] == [(1, "sent"), (2, "received")]


def test_count_is_of_the_last_minute_and_the_edge_stays_a_while():
    book = flow_book()
    sent(book, "a")

    book.settle(later(seconds=90))

    assert edges(book, later(seconds=90)) == {("sent", SENDER, "reports"): 0}
    book.settle(later(minutes=11))
    assert edges(book, later(minutes=11)) == {}


def test_queue_that_is_told_late_is_counted_once():
    book = flow_book()
    received(book, "a", queue=None)

    sent(book, "a", at=later(seconds=1))
    book.settle(later(seconds=4))

    assert edges(book, later(seconds=4)) == {("sent", SENDER, "reports"): 1, ("received", "reports", WORKER): 1}
    assert book.reading(later(seconds=4), NOW).unplaced == {}


def test_sender_that_nobody_saw_is_an_edge_without_a_name():
    book = flow_book()
    received(book, "a")

    book.settle(later(seconds=4))

    assert edges(book, later(seconds=4)) == {("sent", "", "reports"): 1, ("received", "reports", WORKER): 1}


def test_receipt_of_which_nothing_else_is_known_is_counted_for_its_worker_alone():
    book = flow_book()
    received(book, "a", queue=None)

    book.settle(later(seconds=4))

    assert edges(book, later(seconds=4)) == {}
    assert book.reading(later(seconds=4), NOW).unplaced == {WORKER: 1}


def test_many_movements_are_cut_and_their_number_is_said():
    book = flow_book()
    for number in range(500):
        sent(book, f"a{number}")
    sent(book, "b", queue="emails")

    reading = book.reading(NOW, NOW)

    assert reading.moved == 501
    assert len(reading.moves) == MAX_MOVES_OF_ONE + 1 <= MAX_MOVES
    assert reading.number == 501


def test_movements_are_kept_for_seconds_only():
    book = flow_book()
    sent(book, "a")

    assert book.reading(later(seconds=9), NOW).moves == ()
    assert book.reading(later(seconds=9), NOW).moved == 0


def test_edges_are_bounded_and_the_oldest_goes():
    book = flow_book()
    for number in range(MAX_EDGES + 10):
        sent(book, f"{number}", queue=f"q{number}", at=later(milliseconds=number))

    assert len(edges(book)) == MAX_EDGES
    assert ("sent", SENDER, "q0") not in edges(book)


def test_lock_taken_by_a_token_that_names_its_worker_is_a_movement():
    made = state(read(make_lock(claim=make_claim(attempted_at=NOW))))

    flow = made.snapshot(NOW).flow
    assert [(edge.way, edge.source, edge.target, edge.count) for edge in flow.edges] == [("locked", WORKER, make_lock().id, 1)]


def test_same_token_read_again_is_no_movement_and_another_one_is():
    lock = make_lock(claim=make_claim(attempted_at=NOW))
    made = state(read(lock), read(lock, at=later(seconds=1)))
    assert made.snapshot(NOW).flow.moved == 1

    made.apply(read(make_lock(claim=make_claim(attempted_at=NOW), token_digest="another", expires_at=None)))

    assert made.snapshot(NOW).flow.moved == 2


def test_lock_that_was_already_held_when_we_looked_is_no_movement():
    old = LocksRead(cache="default", locks=[make_lock()], gone=[], live=False, at=NOW)

    assert state(old).snapshot(NOW).flow.edges == ()


def test_plain_lock_is_a_movement_of_its_likely_holder_a_tick_later():
    started = [event("task-received", uuid="r", name="reports"), event("task-started", uuid="r"), answered("stats", {WORKER: {"pid": 790}})]
    plain = make_lock(claim=make_claim(worker=None, pid=None, task_id=None, task_name=None, attempted_at=later(milliseconds=20)))
    made = state(*started, read(plain, at=later(milliseconds=21)))

    changed = made.apply(Tick(at=later(seconds=1)))

    assert "flow" in changed
    assert [(edge.way, edge.source) for edge in made.snapshot(later(seconds=1)).flow.edges if edge.way == "locked"] == [("locked", WORKER)]


def test_plain_lock_of_a_task_that_the_settings_name_is_no_movement_of_another_before_that_task_has_told():
    plain = make_claim(worker=None, pid=None, task_id=None, task_name=None, attempted_at=later(milliseconds=20))
    lock = make_lock(claim=plain, first_seen_at=later(milliseconds=21))
    known = [answered("stats", {WORKER: {"pid": 790}}), event("task-started", uuid="other", hostname="worker-a@web-1", pid=5), read(lock)]
    made = State([("default", ":1:"), ("broker", "")], Policy(catalogue=(CatalogueEntry(pattern="lock_report_{id}", owner="reports"),)))
    for one in [
        *known,
        Tick(at=later(seconds=1)),
        event("task-received", uuid="r", name="reports"),
        event("task-started", uuid="r"),
        Tick(at=later(seconds=2)),
    ]:
        made.apply(one)

    assert [edge.source for edge in made.snapshot(later(seconds=2)).flow.edges if edge.way == "locked"] == [WORKER]


def test_refused_attempt_is_a_movement_of_its_worker():
    lock = make_lock(id=lock_id("default", make_lock().raw_key))
    made = state(read(lock), event("lock-refused", key=":1:lock_report_12", uuid="r", task="reports"))

    assert ("refused", WORKER, lock.id) in {(edge.way, edge.source, edge.target) for edge in made.snapshot(NOW).flow.edges}


def test_events_that_are_not_received_make_counts_unknown_and_not_zero():
    assert state().snapshot(NOW).flow.since is None
    assert state(good("events"), event("task-sent", uuid="a", queue="reports")).snapshot(NOW).flow.since == NOW


def test_queue_of_an_event_is_the_one_that_the_queue_book_knows():
    made = state(good("events"), QueuesRead(queues=[make_queue()], unacked=[], at=NOW), event("task-sent", uuid="a", queue="reports", hostname=SENDER))

    made.apply(event("task-received", uuid="a", name="reports"))

    assert {(edge.way, edge.source, edge.target) for edge in made.snapshot(NOW).flow.edges} == {("sent", SENDER, "reports"), ("received", "reports", WORKER)}


def test_new_observer_knows_the_edges_and_counts_anew():
    old = flow_book()
    sent(old, "a")
    received(old, "a")
    book = flow_book()

    book.restore(old.reading(NOW, NOW))
    sent(book, "b", at=later(seconds=1))

    reading = book.reading(later(seconds=1), NOW)
    assert edges(book, later(seconds=1)) == {("sent", SENDER, "reports"): 1, ("received", "reports", WORKER): 0}
    assert (reading.moves[-1].number, reading.telling, reading.since) == (3, (WORKER,), NOW)


def test_garbage_moves_nothing():
    book = flow_book()

    for fields in ({"uuid": 7, "hostname": "w"}, {"uuid": "a", "hostname": None}, {"uuid": "a", "hostname": ["w"]}):
        assert not book.event({"type": "task-received", **fields}, NOW, "reports")
        assert not book.event({"type": "task-sent", **fields}, NOW, "reports")

    assert edges(book) == {}


def test_long_names_are_cut():
    book = flow_book()
    book.refused(Refusal(lock_id="l", cache="default", name="l", at=NOW))
    sent(book, "a", queue="q" * 10_000, origin="o" * 10_000)

    assert all(len(edge.source) <= 255 and len(edge.target) <= 512 for edge in book.reading(NOW, ago(seconds=1)).edges)

"""The feed that looks where messages wait that were sent from here."""

import threading
from datetime import UTC, datetime, timedelta
from queue import Queue
from uuid import UUID, uuid4

import pytest

from dashboard import connections
from dashboard.acts.delivery import task_ids
from dashboard.observer.traces_feed import SURELY_THERE, TracesFeed
from dashboard.records import Traced
from dashboard.sources.traced import remember
from tests.dashboard.sources.test_messages import message

PATIENCE_S = 20


def sent(count=2, before=timedelta(0)):
    """What an act writes down, and the ids of its messages."""
    traced = Traced(act_id=str(uuid4()), task="mail_send", queue="mail", count=count, sent_at=datetime.now(UTC) - before)
    remember(connections.own(), traced)
    return traced, task_ids(UUID(traced.act_id), count)


def deliver(redis, ids):
    redis.lpush("mail", *(message(headers={"task": "mail_send", "id": one}) for one in ids))


@pytest.fixture
def told(watching):
    """The next thing that the running feed says; it looks once a second."""
    said, stop = Queue(), threading.Event()
    thread = TracesFeed(said.put, stop).start()
    yield lambda: said.get(timeout=PATIENCE_S)
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def until(told, is_so):
    """The first of what is said that is so; the test's own time limit ends the wait."""
    while True:
        traces = {one.act_id: one for one in told().traces}
        if is_so(traces):
            return traces


def test_messages_are_followed_while_they_wait(told, redis):
    traced, ids = sent()
    deliver(redis, ["another", *ids])
    found = until(told, lambda traces: traces.get(traced.act_id) and traces[traced.act_id].places)[traced.act_id]
    assert found.places == {ids[0]: 1, ids[1]: 2}
    assert (found.beyond, found.looked_at is not None) == (None, True)

    redis.rpop("mail", 2)

    assert until(told, lambda traces: traces[traced.act_id].places != found.places)[traced.act_id].places == {ids[1]: 0}


def test_message_that_comes_late_is_found_all_the_same(told, redis):
    traced, ids = sent(count=1)
    until(told, lambda traces: traced.act_id in traces and traces[traced.act_id].looked_at)
    deliver(redis, ids)
    assert until(told, lambda traces: traces[traced.act_id].places)[traced.act_id].places == {ids[0]: 0}


def test_what_has_left_its_queue_is_no_longer_looked_for_but_still_told(told, redis):
    gone, _ = sent(before=SURELY_THERE + timedelta(seconds=5))
    first = until(told, lambda traces: gone.act_id in traces)[gone.act_id]
    waits, ids = sent()
    deliver(redis, ids)
    later = until(told, lambda traces: traces.get(waits.act_id) and traces[waits.act_id].places)
    assert later[gone.act_id] == first, "it was looked for once"


def test_nothing_sent_is_an_empty_list(told):
    assert told().traces == []

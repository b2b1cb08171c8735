"""The feed of events beside a real server."""

import threading

import pytest

from dashboard.observer.events_feed import EventsFeed
from dashboard.observer.observations import SourceSaid
from tests.dashboard.sources.test_event import STARTED, published
from tests.system import wait_for


@pytest.fixture
def feed(watching):
    """A feed that runs, with what it has told."""
    stop, told = threading.Event(), []
    running = EventsFeed(told.append, stop, lambda: None)
    thread = running.start()
    yield running, told
    stop.set()
    thread.join(20)


def test_events_are_received_since_they_were_subscribed_to_and_not_since_that_was_told(feed, redis):
    running, told = feed
    wait_for(lambda: redis.pubsub_numpat() == 1)
    seen = wait_for(lambda: redis.publish("/0.celeryev/task.started", published(STARTED)) and running.take())

    running.check()

    [said] = [one for one in told if isinstance(one, SourceSaid)]
    assert said.source.ok
    assert said.source.since <= seen.at <= said.source.last_good_at, "the last good moment is the one at which something was heard"

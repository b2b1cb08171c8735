"""A broker that an observer watches, somebody who may send, and a message: for the tests of sending."""

import itertools
import json
import time
from datetime import UTC, datetime

import pytest
from redis import Redis

from dashboard import connections, snapshot
from dashboard.records import Sending, Snapshot, SourceState, Worker
from tests.dashboard.acts.scene import make_user
from tests.factories import make_queue

SENDER = ("view_locks", "send_tasks")
SENDING = Sending(task="main_send_email", queue="emails", args=(7,), kwargs={"kind": "news"})
URL = "/send/"
_versions = itertools.count(time.time_ns())


def put(at=None, **sections):
    """An observer's snapshot: one worker that reads `emails` and knows one task."""
    now, number = at or datetime.now(UTC), next(_versions)
    worker = Worker(name="w@web-1", pid=1, first_heard_at=now, last_heard_at=now, queues=("emails",), tasks=("main_send_email",))
    sources = tuple(SourceState(name=name, ok=True, since=now, last_good_at=now) for name in ("broker", "cache shop", "workers", "events"))
    known = {"workers": (worker,), "queues": (make_queue(name="emails", consumers=("w@web-1",)), make_queue(name="archive", consumers=())), "sources": sources}
    written = Snapshot(at=now, version=number, **(known | sections))
    assert snapshot.put(connections.own(), written, dict.fromkeys(snapshot.SECTIONS, number), set(snapshot.SECTIONS), epoch=1)


@pytest.fixture
def broker(watching, redis) -> Redis:
    put()
    return redis


@pytest.fixture
def sender(db):
    return make_user("sonja", SENDER)


def messages(broker, queue="emails"):
    return [json.loads(raw) for raw in reversed(broker.lrange(queue, 0, -1))]

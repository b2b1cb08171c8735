"""What an observer may have read and been told, by values alone, and the state that the reducer makes of it."""

from datetime import timedelta

from dashboard.observer.observations import EventsSeen, LocksRead, SourceSaid, WorkersAnswered
from dashboard.observer.state import State
from dashboard.records import Policy, SourceState
from dashboard.sources.event import event_of
from tests.factories import NOW, make_lock

LOCK = make_lock(acquired_at=None, timeout=None, first_seen_at=NOW, seen_at=NOW)
RUN = "d9c26803-1111-4222-8333-444455556666"
IN_A_SECOND = NOW + timedelta(seconds=1)


def state(*seen):
    made = State([("default", ":1:"), ("broker", "")], Policy())
    for one in seen:
        made.apply(one)
    return made


def read(*locks, gone=(), live=True, at=NOW):
    return LocksRead(cache="default", locks=locks, gone=gone, live=live, at=at)


def event(kind, at=NOW, **fields):
    base = {"type": kind, "hostname": "worker-b@web-2", "pid": 790, "timestamp": at.timestamp()}
    return EventsSeen(events=(event_of(base | fields),), at=at)


def answered(command, replies, *, asked=("worker-b@web-2",), at=NOW):
    return WorkersAnswered(command=command, asked=asked, replies=replies, asked_at=at, at=at)


def good(name, at=NOW):
    return SourceSaid(source=SourceState(name=name, ok=True, since=at, last_good_at=at))

"""A worker is not heard: is its process gone? Only where everything else that makes a living one silent is ruled out."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts
from dashboard.records import Evidence, HeldLock, Worker

SHARED_FOR = timedelta(seconds=60)  # everybody is called every five seconds or so
TOGETHER = timedelta(seconds=5)  # two processes of one name heard this long beside each other are no restart
AT_ONCE = timedelta(seconds=20)  # the system closes the connections of a process that dies; what is closed later may be so for being idle (HAProxy: 30 s)

DEAF_FOR = timedelta(seconds=10)  # so long after the last event a subscription that brings nothing is found to be dead (sources.stream)


def name_is_shared(processes: list[Worker], facts: Facts) -> bool:
    """Whether two processes that are heard now call themselves the same."""
    if any(worker.shared_at is not None and facts.now - worker.shared_at <= SHARED_FOR for worker in processes):
        return True
    newest = processes[0]
    others = [worker for worker in processes[1:] if worker.said_offline_at is None]
    return any(worker.last_heard_at > newest.first_heard_at + TOGETHER and not facts.silent(worker) for worker in others)


def has_twin(mine: Worker, processes: list[Worker], since: datetime) -> bool:
    """Whether two have answered under its name since then, and no second process of that name is known: they have one pid, as in containers."""
    if mine.shared_at is None or mine.shared_at < since - SHARED_FOR:
        return False
    return not any(other is not mine and other.last_heard_at >= mine.shared_at - TOGETHER for other in processes)


def own_answer_at(mine: Worker, processes: list[Worker]) -> datetime | None:
    """When it was last asked for its runs and the answer can only be its own; None: another may have answered each time.

    Of two processes of one name the first that answers is heard, and one of them may send nothing else: only a call to everybody tells.
    """
    if mine.spoke_alone_at is None:
        return None
    since = mine.spoke_alone_at - TOGETHER
    is_shared = any(other is not mine and other.said_offline_at is None and other.last_heard_at >= since for other in processes)
    return None if is_shared else mine.spoke_alone_at


def silence_of(mine: Worker, processes: list[Worker], facts: Facts) -> tuple[bool, tuple[Evidence, ...]]:
    """Whether its silence proves that it is gone, and all that was found of it.

    A frozen one keeps its connection open; one that leaves closes it and says so before, where it sends heartbeats and we listened; a solo
    one that works is silent, and what lies between may close a connection for being idle.
    """
    calls, doubts = tuple(_calls(mine, processes)), tuple(_doubts(mine, facts))
    is_closed, connection = _connection(mine)
    silent = Evidence(code="worker_silent", values={"worker": mine.name, "last_heard_at": mine.last_heard_at})
    return bool(calls) and is_closed and not doubts, (silent, *calls, connection, *doubts)


def is_its_own(mine: Worker, told_at: datetime | None) -> bool:
    """Whether that was told by this process, as far as it is known when it began: one before may have had its name and pid, and other options."""
    return told_at is not None and (mine.started_after is None or told_at >= mine.started_after)


def sends_heartbeats(mine: Worker) -> bool:
    """Whether it has said that it came or that it beats: then it says as well that it leaves."""
    return any(is_its_own(mine, at) for at in (mine.vitals_at, *mine.online_at))


def _calls(mine: Worker, processes: list[Worker]) -> Iterator[Evidence]:
    """That it was asked and did not answer, or that another has taken its place."""
    newer = processes[0]
    if newer is not mine and newer.pid != mine.pid and newer.first_heard_at > mine.last_heard_at:
        yield Evidence(code="worker_replaced", values={"worker": mine.name, "pid": mine.pid, "new_pid": newer.pid, "since": newer.first_heard_at})
    elif mine.asked_at is not None and mine.asked_at > mine.last_heard_at:
        yield Evidence(code="worker_no_answer", values={"worker": mine.name, "asked_at": mine.asked_at})


def _connection(mine: Worker) -> tuple[bool, Evidence]:
    """Whether the connection of its heartbeats was closed as the system closes those of a process that dies, and what is known of it."""
    gone_at, last_at = mine.connection_gone_at, mine.last_event_at or mine.last_heard_at
    if gone_at is None or gone_at < mine.last_heard_at - TOGETHER:
        return False, Evidence(code="connection_open" if mine.connection_known else "connection_unknown", values={"worker": mine.name})
    if gone_at - last_at > AT_ONCE:
        return False, Evidence(code="connection_gone_late", values={"worker": mine.name, "at": gone_at, "last_event_at": last_at})
    return True, Evidence(code="connection_gone", values={"worker": mine.name, "at": gone_at})


def _doubts(mine: Worker, facts: Facts) -> Iterator[Evidence]:
    """Why a worker that leaves might not have been heard to say so, or may have used its connection since we heard it."""
    if not sends_heartbeats(mine):
        yield Evidence(code="worker_without_heartbeats", values={"worker": mine.name})
    if moved := moved_since(mine, mine.lock_moved_at):
        yield moved
    if not facts.are_told_since(mine.last_event_at or mine.last_heard_at) or not _are_events_coming(mine, facts):
        yield Evidence(code="events_missed", values={"worker": mine.name, "since": facts.snapshot.flow.since})


def seen_taken_at(lock: HeldLock) -> datetime | None:
    """When it was seen to be taken by its holder; None: that was not seen."""
    attempted_at = lock.claim.attempted_at if lock.claim else None
    return lock.acquired_at if lock.acquired_at != attempted_at and lock.put_back_at is None else None


def moved_at(lock: HeldLock) -> datetime | None:
    """When it was last seen to be taken, or to be put off by its holder; None: neither was seen."""
    return max(filter(None, (seen_taken_at(lock), lock.renewed_at)), default=None)


def moved_since(mine: Worker, at: datetime | None) -> Evidence | None:
    """That a lock of its runs moved after its connection was closed: it was cut off from the broker, and its runs go on."""
    if at is None or mine.connection_gone_at is None or at <= mine.connection_gone_at:
        return None
    return Evidence(code="lock_moved_since", values={"worker": mine.name, "at": at})


def _are_events_coming(mine: Worker, facts: Facts) -> bool:
    """Whether events were received since the connection was closed, or would by now be known not to be."""
    gone_at = mine.connection_gone_at
    if gone_at is None or facts.now - gone_at >= DEAF_FOR:
        return True
    return any(one.last_event_at is not None and one.last_event_at >= gone_at for one in facts.snapshot.workers)

"""Whom the feeds ask and what they look for, drawn up once a second from what the observer knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dashboard.conf import policy
from dashboard.judge.results import expected_names
from dashboard.records import Worker

if TYPE_CHECKING:
    from dashboard.observer.state import State

LOOKED_FOR = timedelta(hours=1)  # a worker that is silent
NEW_FOR = timedelta(seconds=30)  # one that answers no call by then is not waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What the feeds need to know of the state: whom to ask, which queues there are."""

    living: tuple[str, ...] = ()
    late: tuple[str, ...] = ()  # those of `living` that did not answer what they were asked last
    silent: tuple[str, ...] = ()
    new: tuple[str, ...] = ()  # those of `living` of which it is not known yet whether another has their name
    queues: tuple[str, ...] = ()
    results: tuple[str, ...] = ()  # names that active runs are going to write
    workers: tuple[Worker, ...] = ()


def call_the_roll(state: State, now: datetime) -> Roster:
    """The roster as it is now."""
    workers = tuple(state.workers.workers.values())
    heard = state.workers.living(now, policy().grace)
    living = {worker.name for worker in heard}
    missed = {worker.name for worker in workers if worker.said_offline_at is None and now - worker.last_heard_at < LOOKED_FOR}
    read = sorted({name for worker in workers for name in worker.queues or ()})
    return Roster(
        living=tuple(sorted(living)),
        late=tuple(sorted(living - {worker.name for worker in heard if worker.answers is not False})),
        silent=tuple(sorted(missed - living)),
        new=tuple(sorted({worker.name for worker in heard if _is_new(worker, now)})),
        queues=tuple(dict.fromkeys([*read, *state.queue_book.names.by_worth()])),
        results=expected_names(state.runs.running(), policy().results),
        workers=workers,
    )


def _is_new(worker: Worker, now: datetime) -> bool:
    return worker.alone_since is None and worker.shared_at is None and now - max((worker.first_heard_at, *worker.online_at[-1:])) < NEW_FOR

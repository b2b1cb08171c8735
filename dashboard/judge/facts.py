"""A snapshot indexed for the judge: runs by task id, workers by name. Built once per look at all locks."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from math import inf
from operator import itemgetter
from re import DOTALL, Pattern, escape, split, sub
from re import compile as compile_
from typing import Literal

from dashboard.judge.heirs import Heirs, heirs_in
from dashboard.records import (
    CatalogueEntry,
    Claim,
    Evidence,
    HeldLock,
    Loss,
    Policy,
    Refusal,
    Run,
    Snapshot,
    UnackedMessage,
    Wait,
    Word,
    Worker,
    digest_of_id,
    object_part,
)

STALE_AFTER = timedelta(seconds=5)  # the observer writes at least once a second
DEFAULT_VISIBILITY_TIMEOUT = timedelta(hours=1)  # kombu's


Place = tuple[str | None, str | None, int | None]  # host, boot and pid namespace, pid: one process at a time


Process = tuple[str, int | None]  # a worker's name and the pid of its own process
Begun = tuple[float, float, float, Run]  # when a run started, was received and ended in seconds by its own clock, as far back or on as can be if not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What can be said of the holder's life, and the facts that say it."""

    state: Literal["alive", "dead", "unknown"]
    evidence: tuple[Evidence, ...]


def say(state: Literal["alive", "dead", "unknown"], code: str, **values: Word) -> Life:
    """A life by one fact."""
    return Life(state=state, evidence=(Evidence(code=code, values=values),))


def goes_on(run: Run) -> bool:
    """Whether nothing tells that it ended or was lost: it runs, or waits."""
    return run.ended_at is None and run.outcome is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one moment's snapshot says, ready to be asked about."""

    snapshot: Snapshot
    now: datetime
    policy: Policy
    runs: dict[str, list[Run]]
    workers: dict[str, list[Worker]]  # by name, newest process first
    unacked: dict[str, UnackedMessage]
    next_in: dict[str, str]  # by task id of a message that its queue delivers next, so that it waits there: the queue
    refusals: dict[str, list[Refusal]]
    waits: dict[str, list[Wait]]  # by lock id, those that go on
    losses: dict[str, list[Loss]]
    longest: dict[str, timedelta]  # by task name: what 95 of 100 of its runs take at most
    skewed: dict[Process, timedelta]  # the processes whose clock is known to differ, and by how much it is ahead
    begun: list[Begun]  # filled when it is asked for
    lives: dict[Process, Life | None]  # what was made of a process already: many locks are held by runs of one
    ids: dict[str, str]  # of known runs and messages, by the digest that a token may have; filled where one has it
    heirs: Heirs
    names: set[str]  # of tasks that some worker knows; filled when it is asked for
    latest: dict[Place, Claim]  # of all tokens, that of the process which began last

    @property
    def is_stale(self) -> bool:
        return self.snapshot.at is None or self.now - self.snapshot.at > STALE_AFTER

    def are_told_since(self, at: datetime) -> bool:
        """Whether every event since then was taken in, so that what was not told did not happen."""
        since = self.snapshot.flow.since
        return since is not None and since <= at

    def pid_given_again(self, claim: Claim | None) -> datetime | None:
        """When a later process took a lock with the pid of the one in this token; None where none is known to have.

        One machine gives one pid to one process at a time: the earlier one is gone.
        """
        later = self.latest.get(_place(claim)) if claim is not None and claim.boot_id else None
        return later.attempted_at if later and claim and _ticks(later) > _ticks(claim) >= 0 else None

    def begun_until(self, seconds: float) -> list[Begun]:
        """The runs that had started by then, by their own clocks, in that order."""
        if not self.begun:
            self.begun.extend(_begun(self.snapshot.runs))
        return self.begun[: bisect_right(self.begun, seconds, key=itemgetter(0))]

    def by_our_clock(self, run: Run, at: datetime) -> datetime:
        """A time that the run's worker told."""
        return at - self.skewed.get((run.worker or "", run.parent_pid), timedelta(0))

    def is_nobodys(self, name: str) -> bool:
        """Whether no worker knows a task of that name, as far as they have told theirs: then it may be another's that runs under it."""
        if not self.names:
            self.names.update(chain.from_iterable(worker.tasks or () for worker in self.snapshot.workers))
        return bool(self.names) and name not in self.names

    def silent(self, worker: Worker) -> bool:
        """Not heard of for longer than the grace."""
        return self.now - worker.last_heard_at > self.policy.grace

    def catalogued(self, lock: HeldLock) -> CatalogueEntry | None:
        """What the settings say of locks with this name, its parts filled in: `the report of customer {data_id}` becomes `… 12`."""
        return _catalogued(self.policy.catalogue, lock.name)


@lru_cache(maxsize=8192)  # every lock is judged again with each push
def _catalogued(catalogue: tuple[CatalogueEntry, ...], name: str) -> CatalogueEntry | None:
    for entry in catalogue:
        if parts := _parts(entry.pattern, name):
            return _filled(entry, parts)
    return None


def _place(claim: Claim) -> Place:
    return claim.host, claim.boot_id, claim.pid


def _ticks(claim: Claim) -> int:
    """When the process began, in clock ticks since boot; -1 where it is not told."""
    told = claim.process_started or ""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else -1


def _latest(locks: Sequence[HeldLock]) -> dict[Place, Claim]:
    found: dict[Place, Claim] = {}
    for claim in (lock.claim for lock in locks if lock.claim and lock.claim.boot_id):
        before = found.setdefault(_place(claim), claim)
        if _ticks(claim) > _ticks(before):
            found[_place(claim)] = claim
    return found


def _filled(entry: CatalogueEntry, parts: dict[str, str]) -> CatalogueEntry:
    """The entry for one lock: its own parts in the texts, and its object where it is about one."""
    if entry.model and (key := parts.get(object_part(entry.pattern) or "")):
        entry = replace(entry, object_id=key)
        parts = {**parts, "object": f"{entry.model.rpartition('.')[2].lower()} {key}"}
    blocks, label = (sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), text) for text in (entry.blocks, entry.label))
    return replace(entry, blocks=blocks, label=label)


def _parts(pattern: str, name: str) -> dict[str, str] | None:
    """The parts of a name that fits `lock_report_{data_id}`; `*` fits anything as well.  None: it does not fit."""
    found = _compiled(pattern).fullmatch(name)
    return {"": name, **found.groupdict()} if found else None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Pattern[str]:
    expression, named = "", set()
    for piece in split(r"(\{[A-Za-z_]\w*\}|\*)", pattern):
        part = piece[1:-1]
        if not piece.startswith("{") or not piece.endswith("}"):
            expression += ".*" if piece == "*" else escape(piece)
        else:
            expression += f"(?P={part})" if part in named else f"(?P<{part}>.+)"
            named.add(part)
    return compile_(expression, DOTALL)


def gather(snapshot: Snapshot, now: datetime, policy: Policy) -> Facts:
    """The facts of this snapshot."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in snapshot.runs:
        runs[run.task_id].append(run)
    refusals: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in snapshot.refusals:
        refusals[refusal.lock_id].append(refusal)
    waits: dict[str, list[Wait]] = defaultdict(list)
    for wait in snapshot.waits:
        if wait.to_at is None:
            waits[wait.lock_id].append(wait)
    losses: dict[str, list[Loss]] = defaultdict(list)
    for loss in snapshot.losses:
        losses[loss.lock_id].append(loss)
    return Facts(
        snapshot=snapshot,
        now=now,
        policy=policy,
        runs=runs,
        workers=_by_name(snapshot.workers),
        unacked={message.task_id: message for message in snapshot.unacked if message.task_id},
        next_in=_next_in(snapshot),
        refusals=refusals,
        waits=waits,
        losses=losses,
        longest={task.name: task.p95_runtime for task in snapshot.tasks if task.p95_runtime is not None},
        skewed={(worker.name, worker.pid): worker.clock_skew for worker in snapshot.workers if worker.clock_skew},
        begun=[],
        lives={},
        ids=_ids(snapshot) if any(lock.claim and lock.claim.task_digest for lock in snapshot.locks) else {},
        heirs=heirs_in(snapshot.runs, [run for run in snapshot.runs if run.parent_id and goes_on(run)]),
        names=set(),
        latest=_latest(snapshot.locks),
    )


def _next_in(snapshot: Snapshot) -> dict[str, str]:
    """What the broker was read to deliver next; nothing while it does not answer."""
    if not any(source.name == "broker" and source.ok for source in snapshot.sources):
        return {}
    return {head.task_id: queue.name for queue in snapshot.queues for head in queue.heads if head.task_id}


def _begun(runs: Sequence[Run]) -> list[Begun]:
    def seconds(at: datetime | None, unknown: float) -> float:
        return at.timestamp() if at is not None else unknown

    found = [(run.started_at.timestamp(), seconds(run.received_at, -inf), seconds(run.ended_at, inf), run) for run in runs if run.started_at is not None]
    return sorted(found, key=lambda one: one[0])


def _ids(snapshot: Snapshot) -> dict[str, str]:
    known = {run.task_id for run in snapshot.runs} | {message.task_id for message in snapshot.unacked if message.task_id}
    return {digest_of_id(task_id): task_id for task_id in known}


def _by_name(workers: Sequence[Worker]) -> dict[str, list[Worker]]:
    found: dict[str, list[Worker]] = defaultdict(list)
    for worker in sorted(workers, key=lambda worker: worker.first_heard_at, reverse=True):
        found[worker.name].append(worker)
    return found

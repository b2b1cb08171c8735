"""Which runs matter to the locks that are held: those that a token names, and those that may have taken a plain one."""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dashboard.judge.holders import CLOCKS_DIFFER, STARTS_TOLD_LATE
from dashboard.observer.live_run import LiveRun
from dashboard.records import HeldLock, digest_of_id

LATE_S, APART_S = STARTS_TOLD_LATE.total_seconds(), CLOCKS_DIFFER.total_seconds()


@dataclass(frozen=True, slots=True)
class LockInterest:
    """Asked for every run that ends, so it looks things up and never goes through all locks."""

    task_ids: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()  # of tokens that may be task ids
    attempts: tuple[float, ...] = ()  # when plain locks were tried for, in order

    @classmethod
    def of(cls, locks: Iterable[HeldLock]) -> "LockInterest":
        claims = [lock.claim for lock in locks if lock.claim]
        attempts = sorted(claim.attempted_at.timestamp() for claim in claims if claim.attempted_at and not claim.task_id)
        digests = frozenset(claim.task_digest for claim in claims if claim.task_digest)
        return cls(frozenset(claim.task_id for claim in claims if claim.task_id), digests, tuple(attempts))

    def __bool__(self) -> bool:
        return bool(self.task_ids or self.digests or self.attempts)

    def names(self, run: LiveRun) -> bool:
        """A token names it."""
        return run.task_id in self.task_ids or (bool(self.digests) and digest_of_id(run.task_id) in self.digests)

    def is_heir(self, run: LiveRun, holders: Collection[str]) -> bool:
        """Whether it may have a lock, or be handed one: a run that a token names or that is among these, its next try, or what came of one."""
        ids = {run.task_id, run.parent_id, run.root_id}
        return any(one in self.task_ids or one in holders or (self.digests and digest_of_id(one) in self.digests) for one in ids if one is not None)

    def has(self, run: LiveRun) -> bool:
        """A token names it, or a plain lock was tried for while it ran, as the judge allows for late words of its start; one without an end may run on."""
        if self.names(run):
            return True
        if run.started_at is None:
            return False
        began = run.started_at - LATE_S if run.received_at is None else max(run.started_at - LATE_S, run.received_at - APART_S)
        place = bisect_left(self.attempts, began)
        return place < len(self.attempts) and (run.ended_at is None or self.attempts[place] <= run.ended_at)

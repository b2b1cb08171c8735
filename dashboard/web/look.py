"""One look at a snapshot with what the judge makes of it: every panel of one moment is rendered from one of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import judge
from dashboard.conf import policy
from dashboard.judge.facts import STALE_AFTER
from dashboard.records import Concern, JudgedLock, Policy, Run, Search, Snapshot, SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known, what it means, and when that was asked."""

    snapshot: Snapshot
    judged: Sequence[JudgedLock]
    concerns: Sequence[Concern]
    now: datetime
    policy: Policy

    @property
    def has_observer(self) -> bool:
        return self.snapshot.at is not None

    @property
    def is_stale(self) -> bool:
        return self.snapshot.at is not None and self.now - self.snapshot.at > STALE_AFTER

    @property
    def is_current(self) -> bool:
        return self.has_observer and not self.is_stale

    def away(self, *names: str) -> list[SourceState]:
        """The sources with these names, or of these kinds ("cache" for every cache), that do not answer."""
        return [source for source in self.snapshot.sources if not source.ok and (source.name in names or source.name.partition(" ")[0] in names)]

    @property
    def searched(self) -> dict[str, Search]:
        """The caches whose names are being looked through, and how far that is: what was not found there may be held."""
        return {source.name: source.search for source in self.snapshot.sources if source.ok and source.search}

    @property
    def are_locks_known(self) -> bool:
        """Whether all locks that are held are known, and not only some of them."""
        return self.has_observer and not self.searched and not self.away("cache", "broker")

    def knows_run(self, task_id: str) -> bool:
        """Whether it is among the runs that go on or ended lately."""
        return task_id in _ids_of(self.snapshot.runs)


_runs: tuple[Sequence[Run], frozenset[str]] = ((), frozenset())  # a snapshot of which the locks alone changed has the same runs


def _ids_of(runs: Sequence[Run]) -> frozenset[str]:
    global _runs  # noqa: PLW0603  # as below
    last = _runs
    if last[0] is not runs:
        last = _runs = runs, frozenset(run.task_id for run in runs)
    return last[1]


_last: Look | None = None  # a page and its title, and all views of one push, look at the same snapshot at the same moment


def look(snapshot: Snapshot, now: datetime) -> Look:
    """The judged snapshot.  Cost: one pass over the locks, no I/O; nothing when the same was asked just before."""
    global _last  # noqa: PLW0603  # threads may overwrite each other's: each goes on with its own
    thresholds, last = policy(), _last
    if last is None or last.snapshot is not snapshot or last.now != now or last.policy != thresholds:
        last = _last = _looked(snapshot, now, thresholds)
    return last


def _looked(snapshot: Snapshot, now: datetime, thresholds: Policy) -> Look:
    judged = judge.assess(snapshot, now, thresholds)
    return Look(snapshot=snapshot, judged=judged, concerns=judge.concerns(snapshot, judged, now, thresholds), now=now, policy=thresholds)

"""The runs that a filter leaves: those that go on, out of the snapshot, then those that ended, newest first, out of the history and page by page.

What the snapshot has is newer than what is written, so a run that both have is shown as the snapshot has it; one that is not written yet is there as well.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.history.locks import moments_of_runs
from dashboard.history.problems import AWAY, reason_of
from dashboard.history.read import gaps, id_at, recent_page, runs_of_identity
from dashboard.history.rows import STATES, US, Gap
from dashboard.history.search import Wanted
from dashboard.judge.query import words_of
from dashboard.judge.run_filter import FIELDS, is_in_state, matches_run, may_be_by_lock, time_of
from dashboard.judge.runs import WAITING, JudgedRun, judge_past, runs_of
from dashboard.records import LockMoment, Run, Snapshot

LAST = 2**63 - 1
AT_ONCE = 1000
MAX_GAPS = 3
ROUNDED = timedelta(microseconds=1)  # what an instant may lose in a snapshot
CODES: Mapping[str, frozenset[int]] = {
    **{state: frozenset({code}) for code, state in enumerate(STATES)},
    "unknown": frozenset({0, 1}),  # that it goes on was written, and nobody followed it any more
    **dict.fromkeys((*WAITING, "waiting", "active", "going"), frozenset()),
    "success": frozenset({7, 8}), "failure": frozenset({6}), "retry": frozenset({3}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One page of the runs that ended."""

    runs: Sequence[JudgedRun]
    older: int = 0  # where the next page begins; 0: there is none
    problem: str = ""  # why the history could not be read; then there are those of the snapshot alone


def going(judged: Sequence[JudgedRun], q: str, states: Collection[str] | None = None) -> list[JudgedRun]:
    """Those that go on and have every part of the query."""
    return [one for one in judged if one.is_going and _is_asked(one, q, states)]


def ended(
    known: Snapshot,
    judged: Sequence[JudgedRun],
    q: str,
    states: Collection[str] | None = None,
    *,
    matching: Iterable[JudgedRun] | None = None,
    before: int = LAST,
    limit: int,
) -> Ended:
    """A page of those that ended; `judged` is the whole snapshot, `matching` what of it has every part of the query, where the caller knows it.

    Cost: two statements that read indexes, once a second.
    """
    live = [one for one in (judged if matching is None else matching) if not one.is_going and _is_asked(one, q if matching is None else "", states)]
    try:
        found = recent_page(wanted(q, states, before), limit)
    except AWAY as error:
        return Ended(runs=live if before == LAST else (), problem=reason_of(error))
    live += _held_before(found.runs, judged, q, states) if may_be_by_lock(q) else []
    low = found.runs[-1].row if found.more else 0
    here = [one for one in live if low <= (one.run.row or LAST) < before or (not one.run.row and before == LAST)]
    past = [one for one in judge_past(_others(found.runs, judged), known) if not one.is_going or _is_asked(one, q, states)]
    listed = sorted([*here, *past], key=lambda one: one.run.row or LAST, reverse=True)
    if len(listed) > limit:
        return Ended(runs=listed[:limit], older=listed[limit - 1].run.row or LAST - 1)  # those that are not written within the second are on a first page alone
    return Ended(runs=listed, older=low)


def _held_before(found: Iterable[Run], judged: Iterable[JudgedRun], q: str, states: Collection[str] | None) -> list[JudgedRun]:
    """The snapshot's runs of which the history alone knows that they held the lock: it found them, and they do not say so any more."""
    rows = {run.row for run in found}
    held = (one for one in judged if one.run.row in rows and (states is None or one.state in states))
    return [one for one in held if is_in_state(one, q) and not matches_run(one, q)]


def _is_asked(one: JudgedRun, q: str, states: Collection[str] | None) -> bool:
    return (states is None or one.state in states) and matches_run(one, q)


def _others(found: Iterable[Run], judged: Iterable[JudgedRun]) -> list[Run]:
    """Those of the history that the snapshot does not have."""
    rows, unwritten = _written(judged)
    return [run for run in found if run.row not in rows and not _is_same(run, unwritten.get((run.task_id, run.retries)))]


_last: tuple[Iterable[JudgedRun], set[int], dict[tuple[str, int], Run]] | None = None  # all views of one push ask it of the same snapshot


def _written(judged: Iterable[JudgedRun]) -> tuple[set[int], dict[tuple[str, int], Run]]:
    """The rows of the history that these have, and those that have none yet, by task id and retry number."""
    global _last  # noqa: PLW0603  # threads may overwrite each other's: each goes on with its own
    last = _last
    if last is None or last[0] is not judged:
        runs = [one.run for one in judged]
        last = _last = judged, {run.row for run in runs if run.row}, {(run.task_id, run.retries): run for run in runs if not run.row}
    return last[1:]


def _is_same(row: Run, unwritten: Run | None) -> bool:
    """Whether this is the row of a run that the snapshot had before it was written; another delivery was received at another time."""
    if unwritten is None or unwritten.received_at is None or row.received_at is None:
        return unwritten is not None
    return abs(row.received_at - unwritten.received_at) <= ROUNDED


def every(known: Snapshot, judged: Sequence[JudgedRun], q: str, states: Collection[str] | None = None) -> Iterator[JudgedRun]:
    """All of them, read while they are taken."""
    yield from going(judged, q, states)
    before = LAST
    while before:
        one = ended(known, judged, q, states, before=before, limit=AT_ONCE)
        yield from one.runs
        before = one.older


def gaps_since(at: datetime) -> list[Gap]:
    """The times since then of which runs are missing, the latest first, three at most; none where the history cannot be read."""
    try:
        return [gap for gap in gaps(MAX_GAPS) if gap.to_us > at.timestamp() * US]
    except AWAY:
        return []


def executions(run_id: str, known: Snapshot, judged: Sequence[JudgedRun]) -> list[JudgedRun]:
    """Every execution under the task id that goes by this id in addresses, the latest first: the snapshot's, and others out of the history."""
    live = runs_of(run_id, judged)
    try:
        past = _others(runs_of_identity(run_id), live)
    except AWAY:
        return live
    found = [*live, *judge_past(past, known)]
    return sorted(found, key=lambda one: (one.run.retries, one.run.row or LAST), reverse=True) if past else live


def locks_of(found: Sequence[JudgedRun]) -> list[LockMoment]:
    """What is written of the locks of these executions; nothing where the history cannot be read."""
    try:
        return moments_of_runs({one.run.row for one in found if one.run.row})
    except AWAY:
        return []


def wanted(q: str, states: Collection[str] | None, before: int = LAST) -> Wanted:
    """The filter as the history takes it."""
    words, codes, since, until = [], _codes(states), 0, before
    for field, value in words_of(q, FIELDS):
        if field == "state":
            of_state = CODES.get(value, frozenset())
            codes = of_state if codes is None else codes & of_state
        elif field in {"since", "until"}:
            at = time_of(value)
            since = max(since, id_at(at) if at else LAST) if field == "since" else since
            until = min(until, id_at(at) if at else 0) if field == "until" else until
        else:
            words.append((field, value))
    return Wanted(words=tuple(words), codes=codes, since=since, until=until)


def _codes(states: Collection[str] | None) -> frozenset[int] | None:
    return None if states is None else frozenset[int]().union(*(CODES.get(state, frozenset()) for state in states))

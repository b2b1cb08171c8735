"""Overlaps: pairs of runs that one lock should have kept apart, worked out from what is written of locks and runs.

A lock that left its holder (it expired, was released by hand, flushed, or taken over) and was acquired by another run before the first one ended.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from dashboard.history.lock_rows import CODES, LEFT
from dashboard.history.lock_runs import run_at, runs_under, told_end
from dashboard.history.locks import LAST, events
from dashboard.history.rows import key_of_identity
from dashboard.records import LockMoment, Run

MAX_LEFT = 500  # locks that left their holder, on one page
MAX_ACQUIRED = 5000
MAX_LOOKED_AT = 50  # of these, after one that left
MAX_EACH = 5  # runs that one is paired with
MAX_PAIRS = 500  # on one page, give or take those of the last
MAX_STRAYS = 5
TOLD_LATE = timedelta(seconds=1)  # a lock that has another token at the next look may have been released before: then its run's end is told in a moment
LEAVING = ", ".join(str(CODES[what]) for what in LEFT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two runs of one lock name that were active together."""

    lock_id: str
    cache: str
    name: str
    why: str  # how the lock left the first: a LockMoment's `what`
    by: str | None  # the operator who released it
    first: Run
    first_certainty: str  # that it held the lock: "likely", "exact"
    second: LockMoment  # as it acquired the lock
    second_run: Run | None  # None: not written, or not known
    from_at: datetime
    to_at: datetime | None  # None: both go on, as far as was told


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The latest first; `older`: where the next page begins, 0 where there is none.

    `unnamed`: how many locks left a holder that nobody knows; `strays`: some of them. `cut`: after how many so much happened that not every run was paired.
    """

    overlaps: Sequence[Overlap]
    older: int
    unnamed: int = 0
    strays: Sequence[LockMoment] = ()
    cut: int = 0


def overlaps(before: int = LAST, limit: int = MAX_LEFT, alias: str = "default") -> Overlaps:
    """Among the latest locks that left their holder before this event.  Cost: three statements over indexes."""
    left = events(alias, f"what IN ({LEAVING}) AND id < {before:d} ORDER BY id DESC LIMIT {limit + 1:d}")
    older = left[limit - 1].row if len(left) > limit else 0
    first_left = {(one.lock_id, one.token_digest): one for one in left[:limit]}  # the earliest word of each: that it is lost is told later
    named = sorted((one for one in first_left.values() if one.task_id), key=lambda one: one.row, reverse=True)
    acquired, read_until = _acquired_after(named, alias)
    runs = runs_under({one.task_id for one in (*named, *(later for found in acquired.values() for later in found)) if one.task_id}, alias)
    found, cut = list[Overlap](), 0
    for one, after in zip_longest(named, named[1:]):
        pairs, is_cut = _pairs(one, acquired.get(one.lock_id, ()), runs, read_until)
        found, cut = [*found, *pairs], cut + is_cut
        if len(found) >= MAX_PAIRS and after is not None:
            older = one.row
            break
    unnamed = [one for one in first_left.values() if not one.task_id and one.row >= older]
    return Overlaps(sorted(found, key=lambda pair: pair.from_at, reverse=True), older, len(unnamed), _strays(unnamed), cut)


def _strays(unnamed: Iterable[LockMoment]) -> list[LockMoment]:
    """The latest of those that left a holder that nobody knows, each lock once."""
    by_lock = {one.lock_id: one for one in unnamed}
    return sorted(by_lock.values(), key=lambda one: one.row, reverse=True)[:MAX_STRAYS]


def _pairs(left: LockMoment, acquired: Sequence[LockMoment], runs: Mapping[str, Sequence[Run]], read_until: datetime | None) -> tuple[list[Overlap], bool]:
    """With the first runs that took it after it left this one; whether there may be more. `read_until`: what was acquired after that was not read."""
    begin = bisect_right(acquired, left.row, key=lambda one: one.row)
    found = dict[str, Overlap]()
    for looked_at, later in enumerate(acquired[begin : begin + MAX_LOOKED_AT + 1]):
        who = later.task_id or later.token_digest
        pair = _pair(left, later, runs) if who not in found else None
        if pair and (len(found) == MAX_EACH or looked_at == MAX_LOOKED_AT):
            return list(found.values()), True
        if pair:
            found[who] = pair
    first = run_at(left, runs)
    return list(found.values()), read_until is not None and first is not None and (told_end(first) or read_until) >= read_until


def _pair(left: LockMoment, later: LockMoment, runs: Mapping[str, Sequence[Run]]) -> Overlap | None:
    first, second = run_at(left, runs), run_at(later, runs)
    if first is None or later.row <= left.row or later.token_digest == left.token_digest or later.task_id == left.task_id:
        return None
    ended_at, second_ended_at = told_end(first), told_end(second) if second else None
    told_late = TOLD_LATE if left.what == "changed" else timedelta(0)
    if ended_at is not None and ended_at <= later.at + told_late:
        return None
    to_at = min((at for at in (ended_at, second_ended_at) if at is not None), default=None)
    return Overlap(
        lock_id=left.lock_id, cache=left.cache, name=left.name, why=left.what, by=left.by, first=first, first_certainty=left.certainty,
        second=later, second_run=second, from_at=later.at, to_at=to_at,
    )  # fmt: skip


def _acquired_after(left: Sequence[LockMoment], alias: str) -> tuple[Mapping[str, Sequence[LockMoment]], datetime | None]:
    """By lock, what took it after it first left somebody; until when that was read, None where all of it was."""
    found, read = defaultdict[str, list[LockMoment]](list), list[LockMoment]()
    if left:
        keys = sorted({key for one in left if (key := key_of_identity(one.lock_id)) is not None})
        since = min(one.row for one in left)
        of = f"lock IN ({', '.join(map(str, keys))}) AND id > {since:d} AND what = {CODES['acquired']:d} ORDER BY id LIMIT {MAX_ACQUIRED:d}"
        read = events(alias, of)
    for one in read:
        found[one.lock_id].append(one)
    return found, read[-1].at if len(read) == MAX_ACQUIRED else None

"""The lanes of a time that is over: who held each lock, who was refused and who waited, worked out from what is written of locks and runs."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.history.lock_rows import CODES, LEFT
from dashboard.history.lock_runs import run_at, runs_under, told_end
from dashboard.history.locks import events
from dashboard.history.read import EPOCH
from dashboard.records import HeldLock, Lane, LockMoment, Run, Span, Wait

MAX_EVENTS = 5000  # of the time asked for
MAX_ENDS = 2000  # after it, of what was held in it
ENDS = ("released", *(what for what in LEFT if what != "lost"))  # that it is lost is told after it was
LATER = timedelta(days=1)  # how long after it an end is looked for
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Past:
    """One lane a lock; `is_cut`: more happened than was read, so the beginning may be missing."""

    lanes: Sequence[Lane]
    is_cut: bool


def lanes_between(from_at: datetime, to_at: datetime, held: Sequence[HeldLock], alias: str = "default") -> Past:
    """Every lock of which something is known in that time; `held`: those that are held now, or left a run that goes on.  Cost: four statements over indexes."""
    codes = ", ".join(str(CODES[what]) for what in ENDS)
    inside = events(alias, f"id >= {_row(from_at):d} AND id < {_row(to_at):d} ORDER BY id DESC LIMIT {MAX_EVENTS + 1:d}")
    after = events(alias, f"what IN ({codes}) AND id >= {_row(to_at):d} AND id < {_row(to_at + LATER):d} ORDER BY id LIMIT {MAX_ENDS:d}")
    reaching = [one for one in after if one.span is not None and one.at - one.span < to_at]
    moments = [*reversed(inside[:MAX_EVENTS]), *reaching]
    runs = runs_under({one.task_id for one in moments if one.what in LEFT and one.task_id}, alias)
    told: dict[str, list[LockMoment]] = defaultdict(list)
    for moment in moments:
        told[moment.lock_id].append(moment)
    still = {lock.id: lock for lock in held if lock.lapsed_at is None and (lock.acquired_at or lock.first_seen_at) < to_at}
    left = frozenset(lock.token_digest for lock in held if lock.lapsed_at is not None)
    named = {lock_id: (found[0].cache, found[0].name) for lock_id, found in told.items()} | {one.id: (one.cache, one.name) for one in still.values()}
    lanes = [_lane(lock_id, *name, told.get(lock_id, ()), still.get(lock_id), left, runs, to_at) for lock_id, name in named.items()]
    return Past([lane for lane in lanes if lane.spans or lane.refused_at or lane.waits], len(inside) > MAX_EVENTS)


def _row(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND * 256


def _lane(
    lock_id: str, cache: str, name: str, told: Sequence[LockMoment], held: HeldLock | None, left: Collection[str], runs: Mapping[str, Sequence[Run]],
    to_at: datetime,
) -> Lane:  # fmt: skip
    return Lane(
        lock_id=lock_id,
        cache=cache,
        name=name,
        spans=tuple(sorted(_spans(told, held, left, runs), key=lambda span: span.from_at)),
        refused_at=tuple(one.at for one in told if one.what == "refused" and one.at < to_at),
        waits=tuple(_waits(lock_id, cache, name, told)),
    )


def _spans(told: Sequence[LockMoment], held: HeldLock | None, left: Collection[str], runs: Mapping[str, Sequence[Run]]) -> Iterator[Span]:
    """`left`: tokens whose runs go on without them."""
    ended, began = set[str](), dict[str, datetime]()
    for one in told:
        token = one.token_digest
        if one.what in {"acquired", "restored"}:
            began[token] = one.at
            ended.discard(token)
        elif one.what in ENDS and token not in ended:
            ended.add(token)
            is_going = token in left and one.what in LEFT
            until = None if is_going else _goes_on_until(one, runs)
            yield Span(
                from_at=began.pop(token, one.at - (one.span or timedelta(0))),
                to_at=None if is_going else until or one.at,
                token_digest=token,
                end=one.what,
                by=one.by,
                lapsed_at=one.at if is_going or until else None,
            )
    if held is not None:
        yield Span(from_at=began.pop(held.token_digest, held.acquired_at or held.first_seen_at), to_at=None, token_digest=held.token_digest)
    for token, at in began.items():
        yield Span(from_at=at, to_at=at, token_digest=token)  # its end was not told


def _goes_on_until(left: LockMoment, runs: Mapping[str, Sequence[Run]]) -> datetime | None:
    """When the run that it left ended, where that was later."""
    run = run_at(left, runs) if left.what in LEFT else None
    until = told_end(run) if run else None
    return until if until is not None and until > left.at else None


def _waits(lock_id: str, cache: str, name: str, told: Sequence[LockMoment]) -> Iterator[Wait]:
    ends = {one.token_digest: one for one in told if one.what in {"acquired", "refused"}}
    for one in told:
        if one.what == "waiting":
            end = ends.get(one.token_digest)
            yield Wait(
                lock_id=lock_id, cache=cache, name=name, token_digest=one.token_digest, from_at=one.at, to_at=end.at if end else one.at,
                end=end.what if end else "unknown", task_id=one.task_id, task_name=one.task_name, worker=one.worker,
            )  # fmt: skip

"""The lanes of a time that is over: who held each lock, who was refused and who waited, worked out from what is written of locks and runs."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.history.lock_rows import CODES, DEATHS, LEFT
from dashboard.history.lock_runs import run_at, runs_under, told_end
from dashboard.history.locks import events
from dashboard.history.read import EPOCH
from dashboard.history.rows import key_of_identity
from dashboard.records import HeldLock, Lane, LockMoment, Run, Span, Wait

MAX_EVENTS = 5000  # of the time asked for
MAX_ENDS = 2000  # after it, of what was held in it
MAX_DEATHS = 2000  # the latest: of holders that died before it, while their locks stayed
ENDS = ("released", *(what for what in LEFT if what != "lost"))  # that it is lost is told after it was
ANSWERS = ("acquired", "refused")  # to an attempt that waited
LATER = timedelta(days=1)  # how long after it an end is looked for
MICROSECOND = timedelta(microseconds=1)
Token = tuple[str, str]  # a lock id, and what it had


@dataclass(frozen=True, slots=True)
class Past:
    """One lane a lock; `is_cut`: more happened than was read, so the beginning may be missing."""

    lanes: Sequence[Lane]
    is_cut: bool


def lanes_between(from_at: datetime, to_at: datetime, held: Sequence[HeldLock], waits: Sequence[Wait] = (), alias: str = "default") -> Past:
    """Every lock of which something is known in that time.  Cost: six statements over indexes.

    `held`: those that are held now, or left a run that goes on; `waits`: those that are known now.
    """
    moments, is_cut = _moments(from_at, to_at, alias)
    scene = _scene(moments, to_at, held, waits, alias)
    named = {lock_id: (found[0].cache, found[0].name) for lock_id, found in scene.told.items()} | {
        one.id: (one.cache, one.name) for one in scene.still.values()
    }
    lanes = [_lane(lock_id, cache, name, scene) for lock_id, (cache, name) in named.items()]
    return Past([lane for lane in lanes if lane.spans or lane.refused_at or lane.waits], is_cut)


def _moments(from_at: datetime, to_at: datetime, alias: str) -> tuple[Sequence[LockMoment], bool]:
    """What happened in that time, and the later ends of what was held in it, the first first; and whether there was more than is read."""
    codes = ", ".join(str(CODES[what]) for what in (*ENDS, "restored"))
    inside = events(alias, f"id >= {_row(from_at):d} AND id < {_row(to_at):d} ORDER BY id DESC LIMIT {MAX_EVENTS + 1:d}")
    after = events(alias, f"what IN ({codes}) AND id >= {_row(to_at):d} AND id < {_row(to_at + LATER):d} ORDER BY id LIMIT {MAX_ENDS:d}")
    gone = {(one.lock_id, one.token_digest) for one in inside if one.what in LEFT}
    reaching = [one for one in after if _began_before(to_at, one) or (one.what == "restored" and (one.lock_id, one.token_digest) in gone)]
    return [*reversed(inside[:MAX_EVENTS]), *reaching], len(inside) > MAX_EVENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """All that the lanes of one time are made of."""

    to_at: datetime
    told: Mapping[str, Sequence[LockMoment]]  # by lock
    still: Mapping[str, HeldLock]  # locks that were held then and are so now
    left: Collection[str]  # tokens whose runs go on without them
    died: Mapping[Token, datetime]
    runs: Mapping[str, Sequence[Run]]
    ends: Mapping[str, LockMoment]  # of waits
    trying: Collection[str]  # the tokens of attempts that wait still


def _scene(moments: Sequence[LockMoment], to_at: datetime, held: Sequence[HeldLock], waits: Sequence[Wait], alias: str) -> _Scene:
    told: dict[str, list[LockMoment]] = defaultdict(list)
    for moment in moments:
        told[moment.lock_id].append(moment)
    return _Scene(
        to_at=to_at,
        told=told,
        still={lock.id: lock for lock in held if lock.lapsed_at is None and _held_since(lock) < to_at},
        left=frozenset(lock.token_digest for lock in held if lock.lapsed_at is not None),
        died=_deaths(to_at, alias),
        runs=runs_under({one.task_id for one in moments if one.what in LEFT and one.task_id}, alias),
        ends=_ends_of_waits(moments, to_at, alias),
        trying=frozenset(wait.token_digest for wait in waits if wait.to_at is None),
    )


def _lane(lock_id: str, cache: str, name: str, scene: _Scene) -> Lane:
    told = scene.told.get(lock_id, ())
    return Lane(
        lock_id=lock_id,
        cache=cache,
        name=name,
        spans=tuple(span for span in _spans(told, scene.still.get(lock_id), scene) if span.from_at < scene.to_at),
        refused_at=tuple(one.at for one in told if one.what == "refused" and one.at < scene.to_at),
        waits=tuple(_wait(one, scene.ends.get(one.token_digest), scene.trying) for one in told if one.what == "waiting"),
    )


def _row(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND * 256


def _began_before(to_at: datetime, end: LockMoment) -> bool:
    return end.what in ENDS and end.span is not None and end.at - end.span < to_at


def _held_since(lock: HeldLock) -> datetime:
    return lock.put_back_at or lock.acquired_at or lock.first_seen_at


def _spans(told: Sequence[LockMoment], held: HeldLock | None, scene: _Scene) -> Sequence[Span]:
    """Of one lock, the first first."""
    ended, began, spans = set[str](), dict[str, datetime](), list[Span]()
    for one in told:
        token = one.token_digest
        if one.what in {"acquired", "restored"}:
            began[token] = one.at
            ended.discard(token)
            spans = [_until_back(span, one.at) if span.token_digest == token else span for span in spans]
        elif one.what in ENDS and token not in ended:
            ended.add(token)
            died_at = scene.died.get((one.lock_id, token))
            is_dead = died_at is not None and died_at <= one.at  # else its run went on without it until then
            until = None if is_dead else _goes_on_until(one, scene.runs, died_at)
            spans.append(_span(one, began.pop(token, None), is_going=token in scene.left and one.what in LEFT and not is_dead, until=until))
    if held is not None:
        spans.append(Span(from_at=began.pop(held.token_digest, _held_since(held)), to_at=None, token_digest=held.token_digest))
    spans += [Span(from_at=at, to_at=at, token_digest=token) for token, at in began.items()]  # the end of these was not told
    lock_id = held.id if held is not None else told[0].lock_id if told else ""
    known = {one.token_digest for one in told if one.certainty != "unknown"}
    return sorted((_with_holder(span, scene.died.get((lock_id, span.token_digest)), known) for span in spans), key=lambda span: span.from_at)


def _with_holder(span: Span, died_at: datetime | None, known: Collection[str]) -> Span:
    """`known`: the tokens of which something says whose they are; of one that is held still the judge knows more."""
    is_held, left_at = span.to_at is None and span.end is None, span.lapsed_at or span.to_at
    if died_at is not None and left_at is not None and died_at > left_at:
        died_at = None  # it had left that run before
    return replace(span, died_at=died_at, is_unknown=not is_held and span.token_digest not in known)


def _span(end: LockMoment, began_at: datetime | None, *, is_going: bool, until: datetime | None) -> Span:
    """`is_going`: its run goes on without it, `until`: or did so until then."""
    return Span(
        from_at=began_at or end.at - (end.span or timedelta(0)),
        to_at=None if is_going else until or end.at,
        token_digest=end.token_digest,
        end=end.what,
        by=end.by,
        lapsed_at=end.at if is_going or until else None,
    )


def _deaths(to_at: datetime, alias: str) -> Mapping[Token, datetime]:
    """Since when each holder is dead, of what was told until a while after that time: a lock may be left for days, and a death is told later than it was."""
    codes = ", ".join(str(CODES[what]) for what in DEATHS)
    told = events(alias, f"what IN ({codes}) AND id < {_row(to_at + LATER):d} ORDER BY id DESC LIMIT {MAX_DEATHS:d}")
    last = {(one.lock_id, one.token_digest): one for one in reversed(told)}
    return {token: one.at for token, one in last.items() if one.what == "died"}


def _until_back(span: Span, at: datetime) -> Span:
    """Its run went on without it until it was put back."""
    return replace(span, to_at=at) if span.to_at is None or span.to_at > at else span


def _goes_on_until(left: LockMoment, runs: Mapping[str, Sequence[Run]], died_at: datetime | None) -> datetime | None:
    """When the run that it left ended or died, where that was later."""
    if left.what not in LEFT:
        return None
    run = run_at(left, runs)
    ends = [at for at in (told_end(run) if run else None, died_at) if at is not None and at > left.at]
    return min(ends, default=None)


def _ends_of_waits(moments: Sequence[LockMoment], to_at: datetime, alias: str) -> Mapping[str, LockMoment]:
    """What came of each attempt that waited, by its token: of those that waited on then, what was told later."""
    ends = {one.token_digest: one for one in moments if one.what in ANSWERS and one.token_digest}
    keys = {key for one in moments if one.what == "waiting" and one.token_digest not in ends and (key := key_of_identity(one.lock_id)) is not None}
    if not keys:
        return ends
    codes = ", ".join(str(CODES[what]) for what in ANSWERS)
    after = f"id >= {_row(to_at):d} AND id < {_row(to_at + LATER):d} ORDER BY id LIMIT {MAX_ENDS:d}"
    later = events(alias, f"lock IN ({', '.join(map(str, sorted(keys)))}) AND what IN ({codes}) AND {after}")
    return {**{one.token_digest: one for one in reversed(later)}, **ends}


def _wait(one: LockMoment, end: LockMoment | None, trying: Collection[str]) -> Wait:
    is_trying = end is None and one.token_digest in trying
    return Wait(
        lock_id=one.lock_id, cache=one.cache, name=one.name, token_digest=one.token_digest, from_at=one.at,
        to_at=None if is_trying else end.at if end else one.at, end=None if is_trying else end.what if end else "unknown",
        task_id=one.task_id, task_name=one.task_name, worker=one.worker,
    )  # fmt: skip

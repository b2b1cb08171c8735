"""Finds the lock that an act is about and reads it from its own source; judged with what the observer knows. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard import connections
from dashboard.acts.long_keys import find_long_key
from dashboard.acts.refusals import Refused
from dashboard.acts.values import Target
from dashboard.conf import policy
from dashboard.exceptions import SourceUnavailable
from dashboard.judge import assess
from dashboard.models import OperatorAct
from dashboard.records import HeldLock, JudgedLock, Snapshot
from dashboard.sources.locks import GONE, MAX_TOKEN_BYTES, NEVER, available, digest, is_ours, lock_id, name_of, read_lock, read_locks

ACTS_TAKE = timedelta(seconds=15)  # much longer than any command of theirs is valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is under the key now; it never leaves this package."""

    value: bytes
    ttl_ms: int | None  # None: never expires
    server_ms: int  # Redis' own clock when it was read

    @property
    def digest(self) -> str:
        return digest(self.value)


def locate(target_id: str, snapshot: Snapshot) -> Target:
    """The lock of that id, as the observer knows it.

    Cost: none, but a whole scan where the key is too long to be carried.  Raises: Refused where it is not known, SourceUnavailable.
    """
    lock = next((lock for lock in snapshot.locks if lock.id == target_id), None)
    if lock is None:
        raise Refused("not_known")
    return target_of(target_id, lock.cache, lock.raw_key)


def key_of(target_id: str, raw_key: bytes, snapshot: Snapshot) -> bytes:
    """The key that was carried, else the one that the observer knows by this id; empty: neither."""
    return raw_key or next((lock.raw_key for lock in snapshot.locks if lock.id == target_id), b"")


def is_seen_gone(act: OperatorAct, snapshot: Snapshot) -> bool:
    """Whether the observer, which knows the locks of that cache, has none of that id long after the last moment of the act."""
    is_seen = any(source.name == f"cache {act.cache}" and source.ok for source in snapshot.sources)
    is_after = snapshot.at is not None and snapshot.at - act.started_at > ACTS_TAKE
    return is_seen and is_after and all(lock.id != act.target_id for lock in snapshot.locks)


def target_of(target_id: str, cache: str, raw_key: bytes) -> Target:
    """The target under that key; an empty key is searched for.  Raises: Refused where it is not there, SourceUnavailable."""
    try:
        place = connections.watched_one(cache)
    except KeyError:
        raise Refused("not_known") from None
    found = raw_key or find_long_key(place, target_id)
    if found is None or lock_id(cache, found) != target_id or is_ours(place, found):
        raise Refused("not_known")
    return Target(id=target_id, place=place, raw_key=found, name=name_of(place, found))


def read_and_judge(target: Target, snapshot: Snapshot, now: datetime) -> JudgedLock | None:
    """The lock as it is now, with its verdict; None: gone.  Cost: one round trip.  Raises: SourceUnavailable."""
    read = read_lock(connections.look(target.place), target.place, target.raw_key, now)
    if read is None:
        return None
    lock = _with_what_was_seen(read, snapshot.locks)
    others = [one for one in snapshot.locks if one.id != lock.id or one.lapsed_at is not None]
    judged = assess(replace(snapshot, locks=(*others, lock)), now, policy())
    return next(one for one in judged if one.lock is lock)


def read_and_judge_all(targets: Sequence[Target], snapshot: Snapshot, now: datetime) -> tuple[Mapping[str, JudgedLock], Mapping[str, SourceUnavailable]]:
    """Those of the targets that are held, by id, and the places that did not answer, by alias.  Cost: a round trip for each place.  Never raises."""
    read: dict[str, HeldLock] = {}
    away: dict[str, SourceUnavailable] = {}
    for alias in {target.place.alias: None for target in targets}:
        here = [target for target in targets if target.place.alias == alias]
        try:
            found = read_locks(connections.look(here[0].place), here[0].place, [target.raw_key for target in here], now)
        except SourceUnavailable as error:
            away[alias] = error
            continue
        read |= {lock.id: _with_what_was_seen(lock, snapshot.locks) for lock in found if lock is not None}
    others = [one for one in snapshot.locks if one.id not in read or one.lapsed_at is not None]
    judged = assess(replace(snapshot, locks=(*others, *read.values())), now, policy())
    return {one.lock.id: one for one in judged if read.get(one.lock.id) is one.lock}, away


def _with_what_was_seen(lock: HeldLock, known: Iterable[HeldLock]) -> HeldLock:
    """The observer may have seen it being taken, which is more than its key can say now."""
    for seen in known:
        if seen.id == lock.id and seen.token_digest == lock.token_digest and seen.lapsed_at is None:
            return replace(lock, first_seen_at=seen.first_seen_at, acquired_at=seen.acquired_at or lock.acquired_at, timeout=seen.timeout or lock.timeout)
    return lock


def read_token(target: Target) -> Token | None:
    """The token under the key; None: gone, or longer than a token.  Cost: one round trip.  Raises: SourceUnavailable, for a key of another type too."""
    with available(f"cache {target.place.alias}"), connections.look(target.place).pipeline(transaction=False) as pipe:
        pipe.getrange(target.raw_key, 0, MAX_TOKEN_BYTES)
        pipe.pttl(target.raw_key)
        pipe.time()
        value, ttl_ms, (seconds, microseconds) = pipe.execute()
    if ttl_ms == GONE or len(value) > MAX_TOKEN_BYTES:
        return None
    return Token(value=value, ttl_ms=None if ttl_ms == NEVER else ttl_ms, server_ms=seconds * 1000 + microseconds // 1000)


def read_digest(target: Target) -> tuple[str | None, int]:
    """The digest of what is under the key, and Redis' time in ms; None: nothing there, "": no token.  Cost: two round trips.  Raises: SourceUnavailable."""
    with available(f"cache {target.place.alias}"), connections.look(target.place).pipeline(transaction=False) as pipe:
        pipe.type(target.raw_key)
        pipe.time()
        kind, (seconds, microseconds) = pipe.execute()
    server_ms = seconds * 1000 + microseconds // 1000
    if kind != b"string":
        return (None if kind == b"none" else ""), server_ms
    token = read_token(target)
    return (token.digest if token else None), server_ms

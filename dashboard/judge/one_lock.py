"""All that is judged of one lock: the token that is under its key now, and those of runs that it left. Pure."""

from collections.abc import Iterable

from dashboard.records import JudgedLock


def of_lock(judged: Iterable[JudgedLock], lock_id: str) -> list[JudgedLock]:
    """Those of the lock with this id, as `held_first` has them."""
    return held_first(one for one in judged if one.lock.id == lock_id)


def held_first(judged: Iterable[JudgedLock]) -> list[JudgedLock]:
    """What holds the lock now is what the lock is, however urgent the runs are that go on without it; these follow in the order given."""
    return sorted(judged, key=lambda one: one.lock.lapsed_at is not None)

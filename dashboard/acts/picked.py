"""The locks that were picked for an act on many: found, read and judged together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.acts import ledger
from dashboard.acts.plan import obstacle_to
from dashboard.acts.refusals import Refused
from dashboard.acts.target import read_and_judge_all, target_of
from dashboard.acts.values import Answer, Target, unreachable
from dashboard.records import HeldLock, JudgedLock, Lane, Snapshot

MAX_LOCKS = 1000  # twice what a page shows; so many take some seconds
LIVES = {"held", "expiring", "overrun", "overlapping"}  # in these the holder's run was seen a moment ago
NO_DIGEST = "-"  # no token has this digest: an empty one would mean whatever is there now


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A lock that somebody chose, and the token of it that they saw; the rest is empty where only these are known."""

    target_id: str
    token_digest: str
    cache: str = ""
    raw_key: bytes = b""
    name: str = ""


def known_of(picked: Sequence[tuple[str, str]], known: Snapshot) -> list[Picked]:
    """What was chosen, each once, with what the observer knows of it.  Raises: Refused."""
    if not picked:
        raise Refused("nothing_picked")
    if len(picked) > MAX_LOCKS:
        raise Refused("too_many_picked", limit=MAX_LOCKS, count=len(picked))
    locks: dict[str, HeldLock] = {lock.id: lock for lock in known.locks}
    gone = {lane.lock_id: lane for lane in known.lanes}  # held a moment ago: its name and cache are still known
    return [_picked(target_id, digest, locks.get(target_id), gone.get(target_id)) for target_id, digest in dict.fromkeys(picked)]


def _picked(target_id: str, digest: str, lock: HeldLock | None, lane: Lane | None) -> Picked:
    if lock is None:
        return Picked(target_id=target_id, token_digest=digest, cache=lane.cache if lane else "", name=lane.name if lane else "")
    return Picked(target_id=target_id, token_digest=digest, cache=lock.cache, raw_key=lock.raw_key, name=lock.name)


class Looked:
    """What is under all the chosen keys now, read and judged together: each by itself would judge everything anew.  Cost: a round trip for each cache."""

    def __init__(self, chosen: Iterable[Picked], known: Snapshot, now: datetime) -> None:
        self.targets = {one.target_id: target for one in chosen if (target := _target(one))}
        self._held = {lock.id for lock in known.locks}
        self.judged, self._away = read_and_judge_all(list(self.targets.values()), known, now)

    def judged_of(self, one: Picked) -> JudgedLock | None:
        """What is made of it; None: nothing is there."""
        return self.judged.get(one.target_id)

    def obstacle_of(self, one: Picked) -> Answer | None:
        """Why this one will not be released; None: it will."""
        target, judged = self.targets.get(one.target_id), self.judged.get(one.target_id)
        if target is None:
            return refused("key_too_long") if one.target_id in self._held else refused("already_gone", **ledger.released_by(one.target_id, one.token_digest))
        if error := self._away.get(target.place.alias):
            return unreachable(error.source, error.reason)
        if found := obstacle_to(judged, target, one.token_digest or NO_DIGEST):
            return found
        verdict = judged.verdict if judged else ""
        return None if verdict == "orphaned" else refused("holder_lives" if verdict in LIVES else "not_proved", verdict=verdict)


def _target(one: Picked) -> Target | None:
    if not one.raw_key:  # gone, or so long that the observer does not keep it
        return None
    try:
        return target_of(one.target_id, one.cache, one.raw_key)
    except Refused:  # its cache is no longer watched
        return None


def refused(code: str, **values: Any) -> Answer:
    """Nothing is done to this one, for this reason."""
    return Answer(state="refused", code=code, values=values)

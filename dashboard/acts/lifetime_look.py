"""What a change of a lock's lifetime finds: the lock as it is now, or the one that expired while its run goes on. Reads only."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard import connections
from dashboard.acts.ledger import released_by
from dashboard.acts.plan import NEVER_RELEASED, obstacle_to
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT, Act
from dashboard.acts.target import key_of, locate, read_and_judge, read_digest, read_token, target_of
from dashboard.acts.values import Answer, Order, Target, unreachable
from dashboard.conf import policy
from dashboard.exceptions import SourceUnavailable
from dashboard.judge import assess
from dashboard.records import HeldLock, JudgedLock, Snapshot
from dashboard.sources import expired
from dashboard.sources.locks import digest

USUAL = timedelta(minutes=5)
USUAL_TIMEOUT = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look at a lock for one kind of change; `token` never leaves this package."""

    target: Target
    judged: JudgedLock | None
    obstacle: Answer | None = None
    digest: str = ""
    token: bytes = b""
    server_ms: int = 0
    deadline_ms: int | None = None  # None: never expires; 0: it has expired
    usual_span: timedelta = USUAL


class Look:
    """Looks for one kind of change, with what the observer knows.  Cost: two or three round trips."""

    def __init__(self, act: Act, known: Snapshot, now: datetime) -> None:
        self._act, self._known, self._now = act, known, now

    def at(self, lock_id: str, token_digest: str) -> Looked:
        """An empty digest means the token that is there now.  Raises: Refused where no such lock is known, SourceUnavailable."""
        return self._look(locate(lock_id, self._known), token_digest)

    def again(self, order: Order) -> tuple[Looked | None, Answer | None]:
        """The lock of an order, or why there is nothing to change.  Never raises."""
        try:
            raw_key = key_of(order.target_id, order.raw_key, self._known)
            looked = self._look(target_of(order.target_id, order.cache, raw_key), order.token_digest or "-")
        except SourceUnavailable as error:
            return None, unreachable(error.source, error.reason)
        except Refused:
            return None, Answer(state="refused", code="already_gone", values=released_by(order.target_id, order.token_digest))
        return looked, looked.obstacle

    def _look(self, target: Target, token_digest: str) -> Looked:
        return self._at_expired(target, token_digest) if self._act is PROTECT else self._at_held(target, token_digest)

    def _at_held(self, target: Target, token_digest: str) -> Looked:
        judged = read_and_judge(target, self._known, self._now)
        looked = Looked(target=target, judged=judged, usual_span=_usual(self._act, judged.lock if judged else None))
        if obstacle := obstacle_to(judged, target, token_digest) or _no_change(self._act, judged):
            return replace(looked, obstacle=obstacle)
        token = read_token(target)
        if token is None:
            return replace(looked, obstacle=Answer(state="refused", code="already_gone"))
        if token.digest != (token_digest or (judged.lock.token_digest if judged else "")):
            return replace(looked, obstacle=Answer(state="refused", code="changed_hands"))
        deadline_ms = None if token.ttl_ms is None else token.server_ms + token.ttl_ms
        return replace(looked, digest=token.digest, token=token.value, server_ms=token.server_ms, deadline_ms=deadline_ms)

    def _at_expired(self, target: Target, token_digest: str) -> Looked:
        """The lock that expired, if its run goes on and nobody has taken its name; its token is the one that the observer saw."""
        lapsed = [lock for lock in self._known.locks if lock.id == target.id and lock.lapsed_at is not None]
        mine = next((lock for lock in lapsed if token_digest in {"", lock.token_digest}), None)
        judged = next((one for one in assess(self._known, self._now, policy()) if one.lock is mine), None)
        looked = Looked(target=target, judged=judged, deadline_ms=0, usual_span=_usual(self._act, mine))
        if judged is None or mine is None or "unknown" in judged.flags:
            return replace(looked, obstacle=Answer(state="refused", code="nothing_to_protect"))
        if judged.no_release:
            return replace(looked, obstacle=Answer(state="refused", code=NEVER_RELEASED[judged.no_release]))
        found, server_ms = read_digest(target)
        if found is not None:
            return replace(looked, obstacle=Answer(state="refused", code="taken_again"))
        token = expired.recall(connections.own(), mine.id, mine.token_digest)
        if token is None or digest(token) != mine.token_digest:
            return replace(looked, obstacle=Answer(state="refused", code="token_forgotten"))
        return replace(looked, digest=mine.token_digest, token=token, server_ms=server_ms)


def _no_change(act: Act, judged: JudgedLock | None) -> Answer | None:
    expires_at = judged.lock.expires_at if judged else None
    if act is EXTEND and expires_at is None:
        return Answer(state="refused", code="never_expires_anyway")
    if act is LIMIT and expires_at is not None:
        return Answer(state="refused", code="expires_already", values={"until": expires_at.isoformat()})
    return None


def _usual(act: Act, lock: HeldLock | None) -> timedelta:
    """What is proposed: the whole life that the lock had, where that is known."""
    if act is LIMIT or lock is None:
        return USUAL_TIMEOUT if act is LIMIT else USUAL
    whole = lock.timeout or (lock.expires_at - lock.first_seen_at if lock.expires_at and lock.lapsed_at else None)
    return max(whole, timedelta(seconds=1)) if whole else USUAL

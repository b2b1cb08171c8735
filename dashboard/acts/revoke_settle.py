"""Settles a revoke of which nobody knows whether its worker was told: by what became of the lock and its run. Reads the watched system only."""

from datetime import datetime, timedelta

from dashboard import snapshot as snapshots
from dashboard.acts.parts import OPEN
from dashboard.acts.target import is_seen_gone, key_of, read_and_judge, target_of
from dashboard.acts.values import Answer
from dashboard.models import OperatorAct
from dashboard.records import JudgedLock, Snapshot

DONE_WITHIN = timedelta(seconds=30)  # a revoke waits for its run's end, and for a server that answers slowly
GIVEN_UP_AFTER = timedelta(minutes=10)  # a worker that was busy may take the command that long after
GIVEN_UP = "revoke_never_known"
RELEASED = {"released", "gone_since"}


def revoke_settled(act: OperatorAct, release: OperatorAct | None, now: datetime) -> Answer | None:
    """What came of it; None: it cannot be said yet.  Cost: one round trip.  Raises: SourceUnavailable, Refused.

    `release`: the part of it that released the lock, settled if it can be, where it came so far. After ten minutes nobody knows any more.
    """
    if act.code == GIVEN_UP or now - act.started_at < DONE_WITHIN:
        return None
    values = {"worker": act.before.get("worker") or ""}
    if release is not None:
        return None if release.state in OPEN else _of_release(release, values)
    if code := _code_of_lock(act, snapshots.newest(), now):
        return Answer(state="failed" if code == "revoke_ended_not_released" else "done", code=code, values=values)
    return Answer(state="unknown", code=GIVEN_UP, values=values) if now - act.started_at > GIVEN_UP_AFTER else None


def _of_release(release: OperatorAct, values: dict[str, str]) -> Answer:
    return Answer(state="done", code="revoked_released" if release.code in RELEASED else "revoked_not_released", values=values)


def _code_of_lock(act: OperatorAct, known: Snapshot, now: datetime) -> str:
    """What its lock says; empty: its run may go on, or that cannot be seen."""
    raw_key = key_of(act.target_id, b"", known)
    if not raw_key:
        return "revoke_gone_since" if is_seen_gone(act, known) else ""
    judged = read_and_judge(target_of(act.target_id, act.cache, raw_key), known, now)
    return _code_of(judged, act.token_digest)


def _code_of(judged: JudgedLock | None, token_digest: str) -> str:
    if judged is None:
        return "revoke_gone_since"
    if judged.lock.token_digest != token_digest:
        return "revoke_taken_since"
    return "revoke_ended_not_released" if judged.verdict == "orphaned" else ""

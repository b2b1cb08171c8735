"""What proved that a lock's holder is dead, and whether that still holds. Pure."""

from collections.abc import Sequence
from datetime import datetime

from dashboard.judge.facts import Life
from dashboard.records import Evidence, HeldLock, Holder, JudgedLock, Proved

PROOFS = ("run_ended", "worker_lost", "process_gone", "run_not_active", "pid_given_again", "worker_silent")  # the codes of a death
HEARD = {"worker_heard", "run_revoked", "worker_leaving"}  # the codes of a worker that is there, or was and said goodbye
HEIRS = {"other_candidate", "may_be_handed_on"}  # the codes of another who may have the lock
OUTWEIGH = {  # by the code of a proof, the codes of what was found out since
    "worker_silent": HEIRS | HEARD | {"lock_moved_since"}, "run_not_active": HEIRS | {"name_shared"}, "process_gone": HEIRS | {"name_shared"},
}  # fmt: skip


def remembered(lock: HeldLock, life: Life) -> Life:
    """A proof that cannot be seen again still holds for the same token: only a sign of life, or of another who has it, outweighs it."""
    if life.state != "unknown" or lock.proved is None or _is_outweighed(lock, lock.proved, life):
        return life
    fact = Evidence(code="proved_before", values={"at": lock.proved.at, "since": lock.proved.since, "proof": lock.proved.code, "task_id": lock.proved.task_id})
    return Life(state="dead", evidence=(*life.evidence, fact))


def _is_outweighed(lock: HeldLock, proved: Proved, life: Life) -> bool:
    is_put_off = lock.renewed_at is not None and lock.renewed_at > proved.at
    is_id_alone = lock.claim is not None and lock.claim.task_digest is not None  # a task may be given out again, and find its own lock
    return is_put_off or is_id_alone or any(fact.code in OUTWEIGH.get(proved.code, HEIRS) for fact in life.evidence)


def proof_of(judged: JudgedLock, now: datetime) -> Proved | None:
    """What of its evidence proves now that the holder is dead; None: nothing does."""
    return proof_in(judged.evidence, judged.holder, now) if "orphaned" in judged.flags else None


def proof_in(evidence: Sequence[Evidence], holder: Holder, now: datetime) -> Proved | None:
    """The proof among the facts that say of a holder that it is dead."""
    proof = next((fact for fact in evidence if fact.code in PROOFS), None)
    since = next((value for value in proof.values.values() if isinstance(value, datetime)), None) if proof else None
    return Proved(at=now, code=proof.code, since=since, task_id=holder.task_id) if proof else None

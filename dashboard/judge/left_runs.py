"""How a run that went on without its lock came to its end: told when it is known to go on no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.judge.facts import Facts, gather
from dashboard.judge.holders import find_holder
from dashboard.judge.proofs import proof_in
from dashboard.judge.verdicts import believable
from dashboard.records import HeldLock, Policy, Proved, Snapshot

ENDS_TOLD = {"run_ended", "worker_lost"}  # by an event of the run's own, which says when
DEATHS = {"worker_lost", "worker_silent"}  # of a run whose own end did not come; one that is merely gone may have ended, and the word of it been lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of the run that a lock had left."""

    lock: HeldLock
    until: datetime | None  # when it ended, by our clock; None: that is not known
    death: Proved | None  # that its process died, or had left the lock behind before; None: it ended, or may have


def endings(locks: Iterable[HeldLock], snapshot: Snapshot, now: datetime, policy: Policy) -> list[Ending]:
    """That of each of these locks' runs.  Cost: one pass over the snapshot, no I/O."""
    facts = gather(snapshot, now, policy)
    return [_ending(lock, facts) for lock in locks]


def _ending(lock: HeldLock, facts: Facts) -> Ending:
    holder, run, _why = find_holder(lock, facts)
    life = believable(lock, holder, run, facts.catalogued(lock), facts)
    found = proof_in(life.evidence, holder, facts.now) if life.state == "dead" else None
    proof = found if found is not None and found.code in ENDS_TOLD else lock.proved or found  # who tells its end had not died before
    is_told = proof is not None and proof.code in ENDS_TOLD and run is not None
    until = run.heard_at if is_told and run else proof.since if proof else None
    return Ending(lock=lock, until=until, death=proof if proof and _is_death(proof, lock) else None)


def _is_death(proof: Proved, lock: HeldLock) -> bool:
    """Whether it proves that the run did not end by itself, or was gone before its lock left it."""
    if proof.code == "run_ended":
        return False
    was_gone = proof.since is not None and lock.lapsed_at is not None and proof.since <= lock.lapsed_at
    return proof.code in DEATHS or was_gone

"""The lock that a run of this message would take by the catalogue: free, or held by whom and for how much longer. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.judge.arguments import lock_name
from dashboard.judge.facts import Facts
from dashboard.judge.preflight_order import Waiting
from dashboard.judge.verdicts import assess
from dashboard.records import Check, Evidence, JudgedLock, Sending, Signature, Word


def locks_taken(facts: Facts, sending: Sending, signature: Signature | None, waiting: Waiting | None) -> Iterator[Check]:
    """A check for each entry of the catalogue that this task owns; one that says so where it owns none."""
    entries = [entry for entry in facts.policy.catalogue if entry.owner == sending.task]
    if not entries:
        yield Check(subject="lock", state="unknown", evidence=Evidence(code="send_lock_not_catalogued"), decides=False)
    for entry in entries:
        name = lock_name(entry.pattern, sending, signature)
        if name is None:
            yield Check(subject="lock", state="unknown", evidence=Evidence(code="send_lock_not_told", values={"pattern": entry.pattern}), decides=False)
            continue
        yield _lock(name, entry.pattern, facts, sending, waiting)
        if sending.count > 1:
            values: dict[str, Word] = {"lock": name, "pattern": entry.pattern, "count": sending.count}
            yield Check(subject="lock", state="warning", evidence=Evidence(code="send_lock_shared", values=values))


def without_arguments(checks: Sequence[Check]) -> list[Check]:
    """The checks for whoever may not see the arguments: a lock's name has some of them in it, so its pattern stands for it."""
    return [_unnamed(check) if check.subject == "lock" and "lock" in check.evidence.values else check for check in checks]


def _unnamed(check: Check) -> Check:
    values = {**check.evidence.values, "lock": check.evidence.values["pattern"]}
    return replace(check, evidence=replace(check.evidence, values={name: value for name, value in values.items() if name != "task_id"}), lock_id="")


def _lock(name: str, pattern: str, facts: Facts, sending: Sending, waiting: Waiting | None) -> Check:
    held = _held(name, facts)
    if held is None:
        state = "ok" if _caches_answer(facts) else "unknown"
        code = "send_lock_free" if state == "ok" else "send_lock_unknown"
        free: dict[str, Word] = {"lock": name, "pattern": pattern}
        return Check(subject="lock", state="ok" if state == "ok" else "unknown", evidence=Evidence(code=code, values=free))
    starts_at, expires_at = sending.starts_at(facts.now), held.lock.expires_at
    values = {**_values(name, held, starts_at), "pattern": pattern}
    if expires_at is not None and expires_at <= starts_at:
        return Check(subject="lock", state="ok", evidence=Evidence(code="send_lock_over_by_then", values=values), lock_id=held.lock.id)
    if not held.lock.is_lock:
        kind = held.lock.note.partition(":")[2]
        values = {"lock": name, "pattern": pattern, "type": kind or "string"}
        return Check(subject="lock", state="fails", evidence=Evidence(code="send_lock_no_lock", values=values), lock_id=held.lock.id)
    waits = starts_at > facts.now or waiting is None or waiting.before > 0
    code = "send_lock_may_be_held" if waits else "send_lock_held"
    return Check(subject="lock", state="warning" if waits else "fails", evidence=Evidence(code=code, values=values), lock_id=held.lock.id)


def _values(name: str, held: JudgedLock, starts_at: datetime) -> dict[str, Word]:
    holder = held.holder
    return {
        "lock": name,
        "verdict": held.verdict,
        "expires_at": held.lock.expires_at,
        "task_id": holder.task_id,
        "task_name": holder.task_name,
        "worker": holder.worker,
        "certainty": holder.certainty,
        "starts_at": starts_at,
    }


def _held(name: str, facts: Facts) -> JudgedLock | None:
    locks = tuple(lock for lock in facts.snapshot.locks if lock.name == name and lock.lapsed_at is None)
    judged = [one for one in assess(replace(facts.snapshot, locks=locks), facts.now, facts.policy) if _is_over(one, facts.now) is False]
    return judged[0] if judged else None


def _is_over(one: JudgedLock, now: datetime) -> bool:
    return one.lock.expires_at is not None and one.lock.expires_at <= now


def _caches_answer(facts: Facts) -> bool:
    caches = [source for source in facts.snapshot.sources if source.name.partition(" ")[0] == "cache"]
    return not facts.is_stale and bool(caches) and all(source.ok for source in caches)

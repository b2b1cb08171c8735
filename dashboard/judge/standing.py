"""In what state a worker's process is: one answer for every page. Pure; doubt counts as alive, but what is not known is never called online."""

from collections.abc import Sequence
from datetime import datetime

from dashboard.judge.facts import Facts
from dashboard.judge.life import life_of_process
from dashboard.records import Evidence, Policy, Worker

STATES = ("gone", "silent", "unknown", "leaving", "online", "stopped")
HEARING = frozenset({"broker", "events", "lockhouse"})  # without these nothing is heard of any worker
ASKING = frozenset({"workers"})  # without this a silence may be ours
Standing = tuple[str, tuple[Evidence, ...]]  # one of STATES, and what says so where it had to be concluded


def busy(worker: Worker, state: str, now: datetime, policy: Policy) -> int | None:
    """How many runs it said are active; None where it has not said so lately, for what it said once is no longer so."""
    if worker.active is None or worker.active_at is None or state not in {"online", "leaving"}:
        return None
    return len(worker.active) if now - worker.active_at <= policy.grace else None


class Standings:
    """Tells the state of the processes of one moment."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        away = {source.name for source in facts.snapshot.sources if not source.ok}
        self._hears_nothing = facts.is_stale or bool(away & HEARING)
        self._is_blind = self._hears_nothing or bool(away & ASKING)
        runs = (run for found in facts.runs.values() for run in found)
        self._going = {(run.worker, run.parent_pid) for run in runs if run.started_at is not None and run.ended_at is None and run.outcome is None}

    def of(self, worker: Worker, processes: Sequence[Worker]) -> Standing:
        """The state of one of the processes of a name, the newest of which comes first."""
        if worker.said_offline_at is not None:
            goes_on = bool(self._going & {(worker.name, worker.pid), (worker.name, None)})
            state = "leaving" if goes_on else "stopped"
            return state, (Evidence(code=f"worker_{state}", values={"worker": worker.name, "at": worker.said_offline_at}),)
        if self._hears_nothing:
            return "unknown", ()
        if not self._facts.silent(worker):
            return "online", ()
        life = None if self._is_blind else life_of_process(worker, list(processes), self._facts)
        return ("unknown", ()) if life is None else ("gone" if life.state == "dead" else "silent", life.evidence)

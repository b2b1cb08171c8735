"""Who may have been handed the lock of a run that ended: what it sent, and what that sent in turn, as in a chain. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.records import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Heirs:
    """Runs that go on or wait, by those that they come from."""

    by_ancestor: Mapping[str, Run]  # by the id of every run that leads to one, and of the first of its chain
    strays: Mapping[str, Run]  # by the first of its chain, one between which and that one a run is forgotten

    def of(self, task_id: str, root_id: str | None) -> Run | None:
        """One that comes from that run, or may, for a run between them is forgotten; None: nothing does."""
        return self.by_ancestor.get(task_id) or self.strays.get(root_id or task_id)


def heirs_in(runs: Sequence[Run], going: Sequence[Run]) -> Heirs:
    """Those of `going` that another run sent; `runs` are all that are known."""
    parents = {run.task_id: run.parent_id for run in runs}
    found, strays = dict[str, Run](), dict[str, Run]()
    for run in going:
        at = run.parent_id
        while at is not None and at not in found:
            found[at] = run
            if at not in parents and run.root_id not in {None, at}:
                strays[run.root_id or ""] = run
            at = parents.get(at)
        if run.root_id and run.parent_id:
            found.setdefault(run.root_id, run)
    return Heirs(by_ancestor=found, strays=strays)

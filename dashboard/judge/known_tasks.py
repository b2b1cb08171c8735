"""Which task names are known where: by living workers, by those that may still come back, by nobody. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dashboard.judge.facts import Facts
from dashboard.judge.look_alike import likest
from dashboard.records import Concern, Evidence, TaskReading, Worker

HOUR = timedelta(hours=1)  # what was sent before is no news
MAX_NEAR = 30  # names for which the nearest are looked for: comparing is dear, and a flood of names is no misspelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The workers of one moment and the names that they told."""

    living: tuple[Worker, ...]  # heard of within the grace, and not leaving
    by_name: Mapping[str, tuple[str, ...]]  # task -> living workers that have it
    untold: tuple[str, ...]  # living workers that have not told their tasks
    doubtful: frozenset[str]  # names that only a silent or a leaving worker has
    is_in_doubt: bool  # such a one has told nothing

    def workers(self, name: str) -> tuple[str, ...]:
        """The living workers that know this name."""
        return self.by_name.get(name, ())

    def is_unknown(self, name: str) -> bool:
        """No worker knows it: every living one was asked and has told, and none that may come back has it. Doubt counts as known."""
        return bool(self.living) and not self.untold and not self.is_in_doubt and name not in self.by_name and name not in self.doubtful

    def nearest(self, name: str) -> tuple[str, ...]:
        """The known names that it was probably meant to be."""
        return likest(name, tuple(sorted(self.by_name)))


def registry(facts: Facts) -> Registry:
    """What the workers told, the newest process of each name."""
    newest = [processes[0] for processes in facts.workers.values()]
    living = [worker for worker in newest if worker.said_offline_at is None and not facts.silent(worker)]
    others = [worker for worker in newest if worker not in living and _may_come_back(worker, facts)]
    found: dict[str, list[str]] = defaultdict(list)
    for worker in sorted(living, key=lambda worker: worker.name):
        for name in worker.tasks or ():
            found[name].append(worker.name)
    return Registry(
        living=tuple(living),
        by_name={name: tuple(workers) for name, workers in found.items()},
        untold=tuple(sorted(worker.name for worker in living if worker.tasks is None)),
        doubtful=frozenset(name for worker in others for name in worker.tasks or ()),
        is_in_doubt=any(worker.tasks is None for worker in others),
    )


def _may_come_back(worker: Worker, facts: Facts) -> bool:
    if worker.said_offline_at is not None:
        return facts.now - worker.said_offline_at <= facts.policy.leaving_patience
    return worker.connection_gone_at is None


def unknown_tasks(facts: Facts) -> Iterator[Concern]:
    """A row for each name that somebody sent within the last hour, or that waits now, and that no worker knows."""
    if any(not source.ok for source in facts.snapshot.sources):
        return
    known = registry(facts)
    waiting = next_in(facts)
    readings = {task.name: task for task in facts.snapshot.tasks}
    sent = [task.name for task in readings.values() if task.last_sent_at is not None and facts.now - task.last_sent_at < HOUR]
    names = [name for name in dict.fromkeys([*waiting, *sent]) if known.is_unknown(name)]
    for index, name in enumerate(names):
        near = known.nearest(name) if index < MAX_NEAR else ()
        evidence = [*unknown(known, near), *_evidence(name, readings.get(name), waiting)]
        yield Concern(kind="unknown-task", subject=name, evidence=evidence)


def _evidence(name: str, task: TaskReading | None, waiting: Mapping[str, tuple[str, ...]]) -> Iterator[Evidence]:
    if name in waiting:
        yield Evidence(code="task_waits", values={"queues": list(waiting[name])})
    if task is not None:
        yield from thrown_away(task)


def unknown(known: Registry, near: Sequence[str]) -> Iterator[Evidence]:
    """That no worker knows a name, and the names that it may have been meant to be."""
    yield Evidence(code="task_unknown", values={"workers": len(known.living)})
    if near:
        yield Evidence(code="task_near", values={"near": list(near)})


def thrown_away(task: TaskReading) -> Iterator[Evidence]:
    """That workers threw messages of this name away, where they told."""
    hour, last = task.last_hour, task.failed
    if hour is not None and hour.thrown_away:
        values = {"count": hour.thrown_away, "at": last.at if last else None, "worker": last.worker if last else None}
        yield Evidence(code="task_thrown_away", values=values)


def next_in(facts: Facts) -> dict[str, tuple[str, ...]]:
    """Task name -> the queues in which a message of it is delivered next."""
    found: dict[str, list[str]] = defaultdict(list)
    for queue in facts.snapshot.queues:
        for name in {head.task_name for head in queue.heads if head.task_name}:
            found[name].append(queue.name)
    return {name: tuple(queues) for name, queues in found.items()}

"""Every task name with what is to be said of it: where it is known, what its runs do, which locks it takes, what is wrong. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.judge.facts import Facts, gather
from dashboard.judge.known_tasks import MAX_NEAR, Registry, next_in, registry, thrown_away, unknown
from dashboard.judge.runs import JudgedRun, judge_runs
from dashboard.records import Evidence, JudgedLock, Minute, Policy, QueueReading, ScheduleReading, Snapshot, TaskReading

AGAIN = 3  # refused or failed so often in a row: once or twice is daily life
RATE_MINUTES = 5  # whole ones, that runs per minute are told by
STATES = ("unknown", "failing", "refused", "active", "idle")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLock:
    """A lock that the task takes, by the settings, by a refusal, or because a run of it holds one."""

    name: str  # of a held one, else the pattern of the settings, else the name that was refused
    lock_id: str | None = None  # it is held now, or was refused within the last hour
    verdict: str = ""  # of a held one
    by_itself: bool = False  # a run of this task holds it, as far as that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTask:
    """A task with what we make of it."""

    name: str
    task: TaskReading | None  # None: only a worker or a schedule has it, and the observer has not met it
    registered: tuple[str, ...] = ()  # living workers that know it
    strangers: tuple[str, ...] = ()  # living workers that told their tasks and do not
    untold: tuple[str, ...] = ()  # living workers that have not told
    known_from: tuple[str, ...] = ()  # "worker", "app", "schedule", "event"
    queues: tuple[str, ...] = ()  # its messages were seen in, or are sent to by schedule or router
    active: tuple[JudgedRun, ...] = ()  # the longest first
    runs: tuple[JudgedRun, ...] = ()  # all that are remembered: lost ones, then those that go on, then the latest that ended
    schedules: tuple[ScheduleReading, ...] = ()
    locks: tuple[TaskLock, ...] = ()
    quiet: tuple[str, ...] = ()  # workers that know it and tell nothing of their runs: then nothing is counted either
    per_minute: float | None = None  # received, over the last whole minutes
    warnings: tuple[Evidence, ...] = ()
    near: tuple[str, ...] = ()  # known names that it was probably meant to be

    @property
    def hour(self) -> Minute | None:
        """The last hour's counts; None where they are not known."""
        return self.task.last_hour if self.task and not self.quiet else None

    @property
    def is_unknown(self) -> bool:
        return any(fact.code == "task_unknown" for fact in self.warnings)

    @property
    def states(self) -> frozenset[str]:
        """Which of STATES it is in; several at once, and "idle" where none."""
        hour, task = self.hour, self.task
        found = {
            "unknown": self.is_unknown,
            "failing": task is not None and task.failed_in_a_row > 0,
            "refused": hour is not None and hour.refused > 0,
            "active": bool(self.active),
        }
        return frozenset(state for state, is_so in found.items() if is_so) or frozenset({"idle"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One moment, indexed for tasks."""

    facts: Facts
    registry: Registry
    runs: Mapping[str, list[JudgedRun]]
    schedules: Mapping[str, list[ScheduleReading]]
    locks: Mapping[str, dict[str, TaskLock]]
    waiting: Mapping[str, tuple[str, ...]]
    queues: Mapping[str, QueueReading]
    compared: frozenset[str]  # unknown names whose nearest are looked for


def judge_tasks(snapshot: Snapshot, locks: Sequence[JudgedLock], now: datetime, policy: Policy) -> list[JudgedTask]:
    """Every name known from anywhere: those with a warning first, then by name.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    known = registry(facts)
    readings = {task.name: task for task in snapshot.tasks}
    scene = _Scene(
        facts=facts,
        registry=known,
        runs=_grouped(judge_runs(snapshot, locks, now, policy)),
        schedules=_by_task(snapshot.schedules),
        locks=_locks(facts, locks),
        waiting=next_in(facts),
        queues={queue.name: queue for queue in snapshot.queues},
        compared=_newest([task for task in snapshot.tasks if known.is_unknown(task.name)]),
    )
    judged = [_judged(name, readings.get(name), scene) for name in task_names(snapshot)]
    return sorted(judged, key=lambda one: (not one.warnings, one.name))


def task_names(snapshot: Snapshot) -> list[str]:
    """Every name that some worker, the router, a schedule, an event or a message has told."""
    names = dict.fromkeys(task.name for task in snapshot.tasks)
    for worker in snapshot.workers:
        names |= dict.fromkeys(worker.tasks or ())
    names |= dict.fromkeys(schedule.task for schedule in snapshot.schedules)
    names |= dict.fromkeys(run.name for run in snapshot.runs if run.name)
    names |= dict.fromkeys(head.task_name for queue in snapshot.queues for head in queue.heads if head.task_name)
    return [name for name in names if name]


def _newest(tasks: list[TaskReading]) -> frozenset[str]:
    return frozenset(task.name for task in sorted(tasks, key=lambda task: task.last_seen_at, reverse=True)[:MAX_NEAR])


def _grouped(runs: Sequence[JudgedRun]) -> dict[str, list[JudgedRun]]:
    found: dict[str, list[JudgedRun]] = defaultdict(list)
    for one in runs:
        if one.run.name:
            found[one.run.name].append(one)
    return found


def _by_task(schedules: Sequence[ScheduleReading]) -> dict[str, list[ScheduleReading]]:
    found: dict[str, list[ScheduleReading]] = defaultdict(list)
    for schedule in schedules:
        found[schedule.task].append(schedule)
    return found


def _locks(facts: Facts, judged: Sequence[JudgedLock]) -> dict[str, dict[str, TaskLock]]:
    """Task -> name -> lock: what the settings say first, then what was refused, then what is held."""
    found: dict[str, dict[str, TaskLock]] = defaultdict(dict)
    refused: dict[str, set[str]] = defaultdict(set)
    for entry in facts.policy.catalogue:
        if entry.owner:
            found[entry.owner][entry.pattern] = TaskLock(name=entry.pattern)
    for refusal in facts.snapshot.refusals:
        if refusal.task_name:
            refused[refusal.name].add(refusal.task_name)
            found[refusal.task_name][refusal.name] = TaskLock(name=refusal.name, lock_id=refusal.lock_id)
    for one in judged:
        if one.lock.lapsed_at is None:
            catalogued = facts.catalogued(one.lock)
            owner, holder = catalogued.owner if catalogued else None, one.holder.task_name
            for name in {owner, holder, *refused.get(one.lock.name, ())}:
                if name:
                    found[name][one.lock.name] = TaskLock(name=one.lock.name, lock_id=one.lock.id, verdict=one.verdict, by_itself=holder == name)
    return found


def _judged(name: str, task: TaskReading | None, scene: _Scene) -> JudgedTask:
    known, runs, schedules = scene.registry, scene.runs.get(name, []), scene.schedules.get(name, [])
    registered = known.workers(name)
    quiet = tuple(worker.name for worker in known.living if worker.name in registered and worker.sends_events is False)
    is_unknown, is_compared = known.is_unknown(name), name in scene.compared or task is None
    queues = _queues(task, schedules, runs, scene.waiting.get(name, ()))
    active = tuple(one for one in runs if one.state == "active")
    near = known.nearest(name) if is_unknown and is_compared else ()
    return JudgedTask(
        name=name,
        task=task,
        registered=registered,
        strangers=tuple(sorted(worker.name for worker in known.living if worker.tasks is not None and worker.name not in registered)),
        untold=known.untold,
        known_from=_known_from(
            task, is_registered=bool(registered) or name in known.doubtful, is_scheduled=bool(schedules), is_seen=bool(runs) or name in scene.waiting
        ),
        queues=queues,
        active=active,
        runs=tuple(runs),
        schedules=tuple(schedules),
        locks=tuple(scene.locks.get(name, {}).values()),
        quiet=quiet,
        per_minute=_per_minute(task, scene.facts.snapshot.at) if not quiet else None,
        warnings=(*(unknown(known, near) if is_unknown else ()), *_warnings(name, task, queues, bool(active), scene)),
        near=near,
    )


def _known_from(task: TaskReading | None, *, is_registered: bool, is_scheduled: bool, is_seen: bool) -> tuple[str, ...]:
    is_sent = task is not None and task.last_sent_at is not None
    found = {"worker": is_registered, "app": task is not None and task.in_app, "schedule": is_scheduled, "event": is_seen or is_sent}
    return tuple(source for source, is_so in found.items() if is_so)


def _queues(task: TaskReading | None, schedules: Sequence[ScheduleReading], runs: Sequence[JudgedRun], waiting: Sequence[str]) -> tuple[str, ...]:
    told = [
        *(task.queues if task else ()),
        *waiting,
        *(one.run.queue for one in runs),
        *(schedule.queue for schedule in schedules),
        task.app_queue if task else None,
    ]
    return tuple(dict.fromkeys(queue for queue in told if queue))


def _per_minute(task: TaskReading | None, at: datetime | None) -> float | None:
    """Received per minute, over whole minutes that were counted from their beginning; None before there is one."""
    if task is None or task.counted_since is None or task.whole_since is None or at is None:
        return None
    now, began = int(at.timestamp()) // 60, -(-task.whole_since.timestamp() // 60)
    since = max(now - RATE_MINUTES, int(began))
    if since >= now:
        return None
    return sum(minute.received for minute in task.minutes if since <= minute.number < now) / (now - since)


def _warnings(name: str, task: TaskReading | None, queues: Sequence[str], is_active: bool, scene: _Scene) -> Iterator[Evidence]:
    if task is not None:
        yield from thrown_away(task)
    yield from _strange_to_readers(name, queues, scene)
    if task is None:
        return
    if task.failed_in_a_row >= AGAIN and task.failed is not None:
        yield Evidence(code="task_failing", values={"count": task.failed_in_a_row, "at": task.failed.at})
    if task.refused_in_a_row >= AGAIN and task.refused is not None and not is_active:
        yield Evidence(code="task_refused_again", values={"count": task.refused_in_a_row, "lock": task.refused.lock})


def _strange_to_readers(name: str, queues: Sequence[str], scene: _Scene) -> Iterator[Evidence]:
    """Of each of its queues, the living readers that told their tasks and do not know it; where nobody at all does, that is said already."""
    if not scene.registry.workers(name):
        return
    told = {worker.name for worker in scene.registry.living if worker.tasks is not None}
    for queue in queues:
        reading = scene.queues.get(queue)
        strangers = [worker for worker in (reading.consumers if reading else None) or () if worker in told and worker not in scene.registry.workers(name)]
        if strangers:
            yield Evidence(code="task_strange_to_readers", values={"queue": queue, "workers": strangers})

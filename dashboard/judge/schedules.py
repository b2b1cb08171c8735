"""What is to be said of schedules: on time, late, missed, never seen; what the next send will run into; a beat that is silent. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.facts import Facts, gather
from dashboard.judge.query import within, words_of
from dashboard.records import Evidence, Policy, QueueReading, Run, ScheduleReading, Snapshot
from dashboard.records.schedules import RHYTHM

STATES = ("missed", "late", "problem", "never-seen", "untold", "on-time", "waiting", "done", "ended", "disabled")
OVERDUE = frozenset({"missed", "late"})
BLINDING = frozenset({"broker", "events", "lockhouse"})  # without these a silence may be ours
NEARLY_DUE = 0.2  # of the interval: a run that is still active then will hardly end before the next is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSchedule:
    """An entry with what we make of it."""

    schedule: ScheduleReading
    state: str  # one of STATES
    why: Evidence
    warnings: tuple[Evidence, ...] = ()  # what the next send will run into

    @property
    def is_overdue(self) -> bool:
        return self.state in OVERDUE


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentBeat:
    """A beat that sent nothing since some of its schedules were due."""

    name: str  # its origin; where that is not known the place where its schedule is written down
    last_at: datetime | None
    overdue: tuple[ScheduleReading, ...]


def judge_schedules(snapshot: Snapshot, now: datetime, policy: Policy) -> list[JudgedSchedule]:
    """Every entry with its state: overdue ones first, then what cannot be told, then by name.  Cost: one pass over entries and runs, no I/O."""
    return judge_of(gather(snapshot, now, policy)) if snapshot.schedules else []


def judge_of(facts: Facts) -> list[JudgedSchedule]:
    """The same where the snapshot is indexed already."""
    scene = _Scene(facts)
    judged = [_judged(entry, scene) for entry in facts.snapshot.schedules]
    return sorted(judged, key=lambda one: (STATES.index(one.state), not one.warnings, one.schedule.name, one.schedule.id))


class _Scene:
    """One moment, indexed for schedules."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.now = facts, facts.now
        self.is_blind = facts.is_stale or any(not source.ok for source in facts.snapshot.sources if source.name in BLINDING)
        self.queues = {queue.name: queue for queue in facts.snapshot.queues}
        self.active: dict[str, list[Run]] = defaultdict(list)  # by task name
        for run in facts.snapshot.runs:
            if run.started_at is not None and run.ended_at is None and run.name:
                self.active[run.name].append(run)
        living = [processes[0] for processes in facts.workers.values() if not facts.silent(processes[0])]
        self.told = [worker for worker in living if worker.tasks is not None]
        self.all_told = bool(living) and len(self.told) == len(living)

    def queue(self, entry: ScheduleReading) -> QueueReading | None:
        return self.queues.get(entry.queue or "")


def _judged(entry: ScheduleReading, scene: _Scene) -> JudgedSchedule:
    state, why = _state(entry, scene)
    is_sent = entry.is_enabled and state not in {"done", "ended", "disabled"}
    return JudgedSchedule(schedule=entry, state=state, why=why, warnings=tuple(_warnings(entry, scene)) if is_sent else ())


def _state(entry: ScheduleReading, scene: _Scene) -> tuple[str, Evidence]:
    if entry.problem:
        return "problem", Evidence(code=f"schedule_{entry.problem.replace('-', '_')}", values={"detail": entry.detail})
    if not entry.is_enabled:
        if entry.is_one_off and entry.last_sent_at is not None:
            return "done", Evidence(code="schedule_done", values={"at": entry.last_sent_at})
        return "disabled", Evidence(code="schedule_disabled")
    if entry.ends_at is not None and entry.ends_at <= scene.now:
        return "ended", Evidence(code="schedule_ended", values={"at": entry.ends_at})
    return _by_time(entry, scene)


def _by_time(entry: ScheduleReading, scene: _Scene) -> tuple[str, Evidence]:
    if scene.is_blind or entry.due_by is None:
        code = {"events-away": "schedule_events_away", "": "schedule_events_away"}.get(entry.untold, "schedule_no_time")
        return "untold", Evidence(code="schedule_events_away" if scene.is_blind else code)
    if scene.now <= entry.due_by:
        if entry.last_sent_at is None:
            return "waiting", Evidence(code="schedule_not_seen_yet")
        return "on-time", Evidence(code="schedule_on_time_received" if entry.untold == "only-received" else "schedule_on_time")
    if entry.untold == "none-seen":
        return "never-seen", Evidence(code="schedule_never_seen")
    if entry.untold == "only-received" and not _waits_nowhere(entry, scene):
        return "untold", Evidence(code="schedule_only_received", values={"queue": entry.queue})
    values = {"at": entry.next_at or entry.due_by, "missed": entry.missed}
    if entry.missed:
        return "missed", Evidence(code="schedule_missed", values=values)
    return "late", Evidence(code="schedule_late", values=values)


def _waits_nowhere(entry: ScheduleReading, scene: _Scene) -> bool:
    """Its queue is read and empty, so what was not received was not sent."""
    queue = scene.queue(entry)
    return queue is not None and bool(queue.consumers) and queue.ready == 0


def _warnings(entry: ScheduleReading, scene: _Scene) -> Iterator[Evidence]:
    steady = [sender.origin for sender in entry.senders if sender.is_steady and sender.origin and _still_sends(sender.last_at, entry)]
    if len(steady) > 1:
        yield Evidence(code="schedule_sent_twice", values={"origins": steady[:2]})
    queue = scene.queue(entry)
    if queue is not None and queue.consumers == ():
        yield Evidence(code="schedule_queue_unread", values={"queue": queue.name})
    if entry.task and scene.all_told and not any(entry.task in (worker.tasks or ()) for worker in scene.told):
        yield Evidence(code="schedule_task_unknown", values={"task_name": entry.task})
    yield from _of_its_runs(entry, scene)


def _still_sends(last_at: datetime, entry: ScheduleReading) -> bool:
    """Sent within one and a half intervals of the latest send, so beside the others and not before them."""
    patience = 1.5 * entry.interval if entry.interval else timedelta(minutes=1)
    return entry.last_sent_at is not None and entry.last_sent_at - last_at < patience


def _of_its_runs(entry: ScheduleReading, scene: _Scene) -> Iterator[Evidence]:
    last = next(iter(scene.facts.runs.get(entry.last_task_id or "", ())), None)
    if last is None:
        return
    beside = [run for run in scene.active.get(entry.task, ()) if run.task_id != last.task_id and run.args == last.args and run.kwargs == last.kwargs]
    if last.is_refused:
        yield Evidence(code="schedule_refused", values={"task_id": last.task_id, "lock": last.refused_by})
    if beside:
        yield Evidence(code="schedule_overlaps", values={"task_id": beside[0].task_id, "since": beside[0].started_at, "runs": len(beside)})
    elif last.started_at is not None and last.ended_at is None and _is_nearly_due(entry, scene.now):
        yield Evidence(code="schedule_still_runs", values={"task_id": last.task_id, "since": last.started_at})


def _is_nearly_due(entry: ScheduleReading, now: datetime) -> bool:
    if entry.next_at is None or entry.last_sent_at is None:
        return False
    return entry.next_at - now <= NEARLY_DUE * (entry.next_at - entry.last_sent_at)


def silent_beats(judged: Sequence[JudgedSchedule]) -> list[SilentBeat]:
    """Beats that sent nothing at all since an entry of theirs was due, and missed one more since; the one with most entries first.

    An origin that another one has taken something over from was replaced: what it sent alone is no schedule any more.
    """
    beats: dict[str, list[JudgedSchedule]] = defaultdict(list)
    for one in judged:
        entry = one.schedule
        if one.state in {"on-time", "waiting", *OVERDUE}:
            beats[entry.source if entry.source != RHYTHM else entry.origin or RHYTHM].append(one)
    replaced = {sender.origin for one in judged for sender in one.schedule.senders[1:]}
    found = [_silent(name, entries) for name, entries in beats.items() if name not in replaced]
    return sorted((beat for beat in found if beat), key=lambda beat: (-len(beat.overdue), beat.name))


def _silent(name: str, judged: Sequence[JudgedSchedule]) -> SilentBeat | None:
    last_at = max((one.schedule.last_sent_at for one in judged if one.schedule.last_sent_at), default=None)
    overdue = [one.schedule for one in judged if one.is_overdue and one.schedule.due_by and (last_at is None or one.schedule.due_by > last_at)]
    if not any(entry.missed for entry in overdue):
        return None  # what is overdue since before its last send is that entry's own trouble
    origin = next((entry.origin for entry in overdue if entry.origin), None)
    return SilentBeat(name=origin or name, last_at=last_at, overdue=tuple(overdue))


FIELDS = frozenset({"state", "task", "queue", "origin", "source", "warning"})


def matches_schedule(one: JudgedSchedule, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for state, task, queue, origin, source, warning."""
    return all(_has(one, field, value) for field, value in words_of(query, FIELDS))


def _has(one: JudgedSchedule, field: str, value: str) -> bool:
    entry = one.schedule
    if field == "state":
        return value == one.state
    if field == "warning":
        return any(value in fact.code for fact in one.warnings)
    texts = {"task": (entry.task,), "queue": (entry.queue,), "origin": (entry.origin,), "source": (entry.source,)}
    return within(value, texts.get(field, (entry.name, entry.task, entry.queue, entry.schedule)))

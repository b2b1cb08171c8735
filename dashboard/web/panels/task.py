"""One task's page: where it is known, what its runs do, the last one that really worked, its queues, locks and schedules, and what is wrong."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.facts import gather
from dashboard.judge.standing import Standings
from dashboard.judge.tasks import JudgedTask, judge_tasks, task_names
from dashboard.records import QueueReading, Snapshot
from dashboard.records.identity import identity
from dashboard.web import redis_cli
from dashboard.web.instants import maybe
from dashboard.web.links import lock_url, schedule_url, send_url, task_url, worker_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.brief import since
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.queue_row import url_of
from dashboard.web.panels.task_history import day_of, locks_of, worked
from dashboard.web.panels.task_row import TaskRow, queue_urls, shown_name, task_row, to_the_second
from dashboard.web.panels.task_runs import remembered, run_rows
from dashboard.words import sentences, verdict, visible
from dashboard.words.tasks import KNOWN_FROM
from dashboard.words.workers import worker_state_word

SEND = "lockhouse.send_tasks"
MAX_LOCKS = 20
MAX_LIKE = 3


class TaskPanel:
    """The live part of one task's page; its query has the task's `id`."""

    permission = "lockhouse.view_locks"
    name = "task"
    template = "lockhouse/live/task.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"tasks_url": reverse("lockhouse:tasks")}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, figures, workers, queues, locks, schedules, runs, and how to see it for oneself; of a name that is no longer known only that."""
        seen = look(snapshot, now)
        one = next((one for one in judge_tasks(snapshot, seen.judged, now, seen.policy) if identity(one.name) == query.get("id", "")), None)
        row = task_row(one, now, queue_urls(snapshot), shown=None) if one else None
        return [
            *frame(seen, self.name, row.name if row else _("Task"), may),
            piece("task-head", "panels/task_head.html", row=row, **(_head(one, row, seen, may) if one and row else {})),
            piece("task-facts", "panels/task_facts.html", row=row, facts=_facts(one, seen, may) if one else {}),
            piece("task-workers", "panels/task_workers.html", row=row, workers=list(_workers(one, seen)) if one else []),
            piece("task-queues", "panels/task_queues.html", queues=list(_queues(one, snapshot)) if one else [], locks=_locks(one) if one else {}),
            piece("task-schedules", "panels/task_schedules.html", schedules=list(_schedules(one, seen)) if one else []),
            piece("task-runs", "panels/task_runs.html", row=row, **(run_rows(one, snapshot, may, now) if one else {})),
            piece("task-proof", "panels/lock_proof.html", lines=list(_proof(one, seen)) if one else []),
        ]


def name_of(snapshot: Snapshot, task_id: str) -> str | None:
    """The name with that id; None where nobody knows one."""
    return next((name for name in task_names(snapshot) if identity(name) == task_id), None)


def _head(one: JudgedTask, row: TaskRow, seen: Look, may: frozenset[str]) -> dict[str, Any]:
    near = [(shown_name(name), task_url(name)) for name in one.near[:MAX_LIKE]]
    return {
        "near": near,
        "known_from": ", ".join(str(KNOWN_FROM[source]) for source in one.known_from),
        "warnings": sentences([to_the_second(fact) for fact in one.warnings if fact.code != "task_near"], seen.now),
        "send_url": send_url(task=one.name) if SEND in may else "",
        "is_current": seen.is_current and not seen.away("workers", "broker", "events"),
        "copy": _line(one, row, seen),
    }


def _line(one: JudgedTask, row: TaskRow, seen: Look) -> str:
    """What an incident channel needs to hear of it, the link apart."""
    said = list(row.warnings) or [_("nothing is wrong with it that we can see")]
    if row.counts_are_known:
        counts = {"received": row.received, "succeeded": row.succeeded, "failed": row.failed, "refused": row.refused}
        said.append(_("last hour: %(received)d received, %(succeeded)d succeeded, %(failed)d failed, %(refused)d refused") % counts)
    worked = one.task.worked if one.task else None
    said.append(_("last worked at %(at)s") % {"at": row.worked.text} if worked and row.worked else _("no run that worked was seen"))
    return f"{row.name}: {'; '.join(said)}."


def _facts(one: JudgedTask, seen: Look, may: frozenset[str]) -> dict[str, Any]:
    task = one.task
    last = (task.worked if task else None) or worked(one.name)
    return {
        "day": day_of(one.name, seen.now),
        "locks": locks_of(one.name, seen.now),
        "first_seen": maybe(task.first_seen_at, seen.now) if task else None,
        "last_sent": maybe(task.last_sent_at, seen.now) if task else None,
        "counted_since": maybe(task.counted_since, seen.now) if task and not one.quiet else None,
        "missed_since": maybe(task.missed_since, seen.now) if task else None,
        "missed_until": maybe(task.missed_until, seen.now) if task else None,
        "quiet": [visible(name) for name in one.quiet],
        "origins": [visible(origin) for origin in task.origins] if task else [],
        "worked": remembered(last, may, seen.now),
        "failed": remembered(task.failed, may, seen.now) if task else None,
        "refused": remembered(task.refused, may, seen.now) if task else None,
        "running": maybe(one.active[0].began_at, seen.now) if one.active else None,
    }


def _workers(one: JudgedTask, seen: Look) -> Iterator[dict[str, Any]]:
    """Every worker process that lives or may, the ones that know it first."""
    facts = gather(seen.snapshot, seen.now, seen.policy)
    standings, newest = Standings(facts), [processes[0] for processes in facts.workers.values()]
    for worker in sorted(newest, key=lambda worker: (worker.tasks is None, one.name not in (worker.tasks or ()), worker.name)):
        state = standings.of(worker, facts.workers[worker.name])[0]
        knows = None if worker.tasks is None else one.name in worker.tasks
        if state not in {"gone", "stopped"} or knows:
            yield {
                "name": visible(worker.name),
                "url": worker_url(worker.name),
                "knows": knows,
                "state": state,
                "word": worker_state_word(state),
                "since": since(worker, state, seen),
            }


def _queues(one: JudgedTask, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Each with what waits in it, who reads it, and who of these does not know the task."""
    known = {queue.name: queue for queue in snapshot.queues}
    for name in one.queues:
        queue = known.get(name)
        yield {"name": visible(name), "url": url_of(queue) if queue else "", "ready": queue.ready if queue else None, **_readers(one, queue)}


def _readers(one: JudgedTask, queue: QueueReading | None) -> dict[str, Any]:
    if queue is None or queue.consumers is None:
        return {"readers": None}
    return {"readers": [{"name": visible(name), "url": worker_url(name), "is_stranger": name in one.strangers} for name in queue.consumers]}


def _locks(one: JudgedTask) -> dict[str, Any]:
    """Those that are held first."""
    ordered = sorted(one.locks, key=lambda lock: (not lock.verdict, lock.lock_id is None, lock.name))
    rows = [
        {
            "name": visible(lock.name),
            "url": lock_url(lock.lock_id),
            "verdict": lock.verdict,
            "word": verdict(lock.verdict) if lock.verdict else "",
            "by_itself": lock.by_itself,
        }
        for lock in ordered[:MAX_LOCKS]
    ]
    return {"rows": rows, "more": len(one.locks) - len(rows)}


def _schedules(one: JudgedTask, seen: Look) -> Iterator[dict[str, Any]]:
    for schedule in one.schedules:
        yield {
            "name": visible(schedule.name),
            "url": schedule_url(schedule.id),
            "when": visible(schedule.schedule),
            "is_enabled": schedule.is_enabled,
            "last": maybe(schedule.last_sent_at, seen.now),
            "next": maybe(schedule.next_at, seen.now),
        }


def _proof(one: JudgedTask, seen: Look) -> Iterator[str]:
    """How many messages wait in its queues; which of them are of this task no single command tells."""
    url = next((source.url for source in seen.snapshot.sources if source.name == "broker"), None)
    known = {queue.name: queue for queue in seen.snapshot.queues}
    for name in one.queues:
        if name in known:
            yield from redis_cli.lines(url, known[name].raw_name, ("LLEN",))

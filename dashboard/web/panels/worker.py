"""One worker's page: whether it lives and how that is known, what its processes do, what it knows and reads."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.conf import conf
from dashboard.judge.runs import JudgedRun
from dashboard.judge.workers import JudgedWorker
from dashboard.records import Snapshot, Worker
from dashboard.web.instants import maybe
from dashboard.web.links import run_url, task_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.worker_row import WorkerRow, worker_row
from dashboard.web.panels.workers import judged_workers
from dashboard.words import duration, short_id, visible

CONTROL = "lockhouse.control_workers"
MAX_RUNS, MAX_TASKS, MAX_BEFORE = 200, 500, 20


class WorkerPanel:
    """The live part of one worker's page; its query has the worker's `id`, which stands for its name."""

    permission = "lockhouse.view_locks"
    name = "worker"
    template = "lockhouse/live/worker.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"workers_url": reverse("lockhouse:workers")}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, facts, processes, tasks, the processes before; of a worker that is no longer known only that."""
        seen = look(snapshot, now)
        one = worker_of(seen, query.get("id", ""))
        row = worker_row(one, {queue.name: queue for queue in snapshot.queues}, now, most=None) if one else None
        return [
            *frame(seen, self.name, row.name if row else _("Worker"), may),
            piece("worker-head", "panels/worker_head.html", row=row, copy=copied_line(row) if row else "", is_current=seen.is_current),
            piece("worker-facts", "panels/worker_facts.html", row=row, facts=_facts(one, seen, may) if one else {}),
            piece("worker-runs", "panels/worker_runs.html", runs=list(_runs(one, seen)) if one else [], row=row, more=_more(one)),
            piece("worker-tasks", "panels/worker_tasks.html", row=row, **(_tasks(one.worker) if one else {})),
            piece("worker-before", "panels/worker_before.html", before=[_before(other, seen) for other in one.before[:MAX_BEFORE]] if one else []),
        ]


def worker_of(seen: Look, worker_id: str) -> JudgedWorker | None:
    """The worker that goes by this id in addresses; None where nobody knows it."""
    return next((one for one in judged_workers(seen) if one.id == worker_id), None)


def copied_line(row: WorkerRow) -> str:
    """One line for the incident channel; the browser adds the address."""
    since = f" since {row.since.text}" if row.since else ""
    return "; ".join([f"{row.name}: {row.state}{since}", *row.why, *row.warnings]) + "."


def _facts(one: JudgedWorker, seen: Look, may: frozenset[str]) -> dict[str, Any]:
    worker = one.worker
    return {
        "heard": maybe(worker.last_heard_at, seen.now),
        "first": maybe(worker.first_heard_at, seen.now),
        "answered": maybe(worker.answered_at, seen.now),
        "answers": worker.answers,
        "sends_events": worker.sends_events,
        "events_url": reverse("lockhouse:worker-events", args=[one.id]) if worker.sends_events is False and CONTROL in may and not conf().READ_ONLY else "",
        "load": " · ".join(f"{value:.1f}" for value in worker.load or ()),
        "timeout": duration(worker.visibility_timeout) if worker.visibility_timeout else "",
        "processes": ", ".join(str(pid) for pid in worker.processes or ()),
        "locks": [(visible(lock.lock.name), reverse("lockhouse:lock", args=[lock.lock.id])) for lock in one.locks],
    }


def _runs(one: JudgedWorker, seen: Look) -> Iterator[dict[str, Any]]:
    """Each process with what it runs, then what waits in the worker, then the processes that do nothing."""
    busy = set()
    for run in sorted(one.runs, key=lambda run: (run.began_at is None, run.run.pid or 0))[:MAX_RUNS]:
        busy.add(run.run.pid)
        yield _run(run, seen)
    if one.state == "online" and one.worker.pool == "prefork":
        yield from ({"pid": pid, "task": ""} for pid in one.worker.processes or () if pid not in busy)


def _run(one: JudgedRun, seen: Look) -> dict[str, Any]:
    run = one.run
    return {
        "pid": run.pid if run.started_at is not None else None,
        "state": one.state,
        "task": visible(run.name or _("a task not known")),
        "task_url": task_url(run.name) if run.name else "",
        "id": visible(run.task_id),
        "short": short_id(run.task_id),
        "url": run_url(run.task_id),
        "began": maybe(one.began_at, seen.now),
        "locks": [(visible(lock.lock.name), reverse("lockhouse:lock", args=[lock.lock.id])) for lock in one.locks],
    }


def _more(one: JudgedWorker | None) -> int:
    return max(len(one.runs) - MAX_RUNS, 0) if one else 0


def _tasks(worker: Worker) -> dict[str, Any]:
    names = sorted(worker.tasks or ())
    return {
        "tasks": [(visible(name), task_url(name)) for name in names[:MAX_TASKS]],
        "are_known": worker.tasks is not None,
        "count": len(names),
        "more": max(len(names) - MAX_TASKS, 0),
    }


def _before(worker: Worker, seen: Look) -> dict[str, Any]:
    return {
        "pid": worker.pid,
        "first": maybe(worker.first_heard_at, seen.now),
        "last": maybe(worker.last_heard_at, seen.now),
        "offline": maybe(worker.said_offline_at, seen.now),
        "gone": maybe(worker.connection_gone_at, seen.now),
        "is_heard": seen.now - worker.last_heard_at <= seen.policy.grace and worker.said_offline_at is None,
    }

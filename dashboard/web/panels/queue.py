"""One queue's page: what moves in it, why it waits, what is wrong, and what workers have fetched of it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.conf import conf
from dashboard.judge.facts import DEFAULT_VISIBILITY_TIMEOUT
from dashboard.judge.queue_why import judge_queues
from dashboard.records import JudgedQueue, QueueReading, Snapshot, UnackedMessage
from dashboard.web import redis_cli
from dashboard.web.incident import of_queue
from dashboard.web.instants import Instant, instant_of, maybe
from dashboard.web.links import run_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.queue_row import QueueRow, queue_row
from dashboard.words import duration, short_id, visible

MAX_UNACKED = 100


class QueuePanel:
    """The live part of one queue's page; its query has the queue's `id`. The messages themselves are read on demand, see `queue_messages`."""

    permission = "lockhouse.view_locks"
    name = "queue"
    template = "lockhouse/live/queue.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"queues_url": reverse("lockhouse:queues")}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, figures, what is unacknowledged; of a queue that is no longer known only that."""
        seen = look(snapshot, now)
        judged = next((one for one in judge_queues(snapshot, now, seen.policy) if one.queue.id == query.get("id", "")), None)
        row = queue_row(judged, now, readers=None) if judged else None
        return [
            *frame(seen, self.name, row.name if row else _("Queue"), may),
            piece("queue-head", "panels/queue_head.html", row=row, is_current=seen.is_current and not seen.away("broker"), copy=of_queue(row) if row else ""),
            piece("queue-facts", "panels/queue_facts.html", row=row, facts=_facts(judged, row, seen) if judged and row else {}),
            piece("queue-unacked", "panels/queue_unacked.html", **_unacked(judged.queue, seen) if judged else {}),
            piece(
                "queue-proof",
                "panels/lock_proof.html",
                lines=_lines(judged.queue, seen) if judged else [],
                why_none=redis_cli.why_none(judged.queue.raw_name) if judged else "",
            ),
        ]


def queue_of(snapshot: Snapshot, queue_id: str) -> QueueReading | None:
    """The queue of that id; None for one that nobody knows."""
    return next((queue for queue in snapshot.queues if queue.id == queue_id), None)


def _facts(judged: JudgedQueue, row: QueueRow, seen: Look) -> dict[str, Any]:
    queue = judged.queue
    return {
        "grown": None if queue.grown is None else f"{queue.grown:+d}" if queue.grown else "±0",
        "is_named": queue.is_named,
        "bound_with": [visible(name) for name in queue.bound_with],
        "unread_since": maybe(queue.unread_since, seen.now),
        "unread_is_minimum": queue.unread_is_minimum,
        "by_priority": list(queue.ready_by_priority.items()),
        "read_at": maybe(seen.snapshot.at, seen.now),
        "has_samples": bool(row.lines),
    }


def _unacked(queue: QueueReading, seen: Look) -> dict[str, Any]:
    """What workers have fetched, those that come back first on top."""
    wait, is_known = visibility_timeout(seen)
    mine = sorted((one for one in seen.snapshot.unacked if one.queue == queue.name), key=lambda one: (one.fetched_at is None, one.fetched_at, one.tag))
    return {
        "unacked": list(_unacked_rows(mine[:MAX_UNACKED], wait, seen)),
        "count": queue.unacked,
        "shown": min(len(mine), MAX_UNACKED),
        "wait": duration(wait),
        "wait_is_known": is_known,
    }


def _unacked_rows(messages: list[UnackedMessage], wait: timedelta, seen: Look) -> Iterator[dict[str, str | bool | Instant | None]]:
    for message in messages:
        due_at = message.fetched_at + wait if message.fetched_at else None
        yield {
            "task": visible(message.task_name or _("a task not known")),
            "task_id": short_id(message.task_id) if message.task_id else "",
            "whole_id": visible(message.task_id or ""),
            "run_url": run_url(message.task_id) if message.task_id else "",
            "fetched": maybe(message.fetched_at, seen.now),
            "eta": maybe(message.eta_at, seen.now) if message.eta_at and message.eta_at > seen.now else None,
            "due": instant_of(due_at, seen.now) if due_at else None,
            "is_overdue": due_at is not None and due_at <= seen.now,
        }


def visibility_timeout(seen: Look) -> tuple[timedelta, bool]:
    """After what time the first consumer that looks gives a message out again, and whether somebody told; kombu's own is an hour."""
    said = conf().BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    known = [worker.visibility_timeout for worker in seen.snapshot.workers if worker.visibility_timeout]
    if isinstance(said, (int, float)) and 0 < said < timedelta.max.days:
        known.append(timedelta(seconds=said))
    return (min(known), True) if known else (DEFAULT_VISIBILITY_TIMEOUT, False)


def _lines(queue: QueueReading, seen: Look) -> list[str]:
    """How to count for oneself: each priority's list, and what workers have fetched of all queues."""
    url = next((source.url for source in seen.snapshot.sources if source.name == "broker"), None)
    return redis_cli.queue_lines(url, queue.raw_name, conf().BROKER_TRANSPORT_OPTIONS)

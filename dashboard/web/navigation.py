"""The navigation: every page with what it counts. A page that a person may not see is not in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard.judge.tasks import task_names
from dashboard.records import JudgedLock
from dashboard.web.links import page_url
from dashboard.web.look import Look

Count = int | None  # None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One entry of the navigation."""

    name: str
    label: str
    url: str
    is_here: bool
    count: Count = None
    attention: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page, the pages below it, and how its count and what needs attention are found."""

    name: str  # of its URL
    label: str | Promise
    permission: str = "lockhouse.view_locks"
    below: tuple[str, ...] = ()
    count: Callable[[Look], Count] | None = None
    attention: Callable[[Look], int] | None = None


def held_locks(look: Look) -> list[JudgedLock]:
    """Those that are held now; one that expired while its holder's run went on is held no more, and what is no lock nobody holds."""
    return [one for one in look.judged if one.lock.lapsed_at is None and one.lock.is_lock]


def no_locks(look: Look) -> list[JudgedLock]:
    """Keys under a lock's name that are none."""
    return [one for one in look.judged if not one.lock.is_lock]


def _locks(look: Look) -> Count:
    return len(held_locks(look)) if look.are_locks_known else None


def _locks_in_need(look: Look) -> int:
    return len({one.lock.id for one in look.judged if one.needs_attention})  # one lock may be overlapping and overrun in two rows


def _queues(look: Look) -> Count:
    return len(look.snapshot.queues) if look.has_observer and not look.away("broker") else None


def _queues_unread(look: Look) -> int:
    return sum(1 for concern in look.concerns if concern.kind == "no-reader")


def _tasks(look: Look) -> Count:
    return len(task_names(look.snapshot)) if look.has_observer and not look.away("broker", "workers", "events") else None


def _tasks_unknown(look: Look) -> int:
    return sum(1 for concern in look.concerns if concern.kind == "unknown-task")


def _runs(look: Look) -> Count:
    """Those that are active; by what is told of their start and end alone, for a navigation is drawn with every page."""
    active = sum(1 for run in look.snapshot.runs if run.started_at is not None and run.ended_at is None)
    return active if look.has_observer and not look.away("events", "workers") else None


def _results(look: Look) -> Count:
    there = sum(1 for result in look.snapshot.results if result.gone_at is None)
    return there if look.has_observer and not look.away("cache", "result backend") else None


def _schedules(look: Look) -> Count:
    return len(look.snapshot.schedules) if look.has_observer and not look.away("events") else None


def _beats_silent(look: Look) -> int:
    return sum(1 for concern in look.concerns if concern.kind == "beat-silent")


def _workers(look: Look) -> Count:
    """Those that are heard."""
    heard = {worker.name for worker in look.snapshot.workers if worker.said_offline_at is None and look.now - worker.last_heard_at <= look.policy.grace}
    return len(heard) if look.is_current and not look.away("events", "workers") else None


def _workers_gone(look: Look) -> int:
    return sum(1 for concern in look.concerns if concern.kind == "worker-gone")


ENTRIES = (
    Entry(name="overview", label=_("Overview")),
    Entry(name="locks", label=_("Locks"), below=("lock",), count=_locks, attention=_locks_in_need),
    Entry(name="queues", label=_("Queues"), below=("queue",), count=_queues, attention=_queues_unread),
    Entry(name="tasks", label=_("Tasks"), below=("task",), count=_tasks, attention=_tasks_unknown),
    Entry(name="runs", label=_("Runs"), below=("run",), count=_runs),
    Entry(name="results", label=_("Results"), below=("result",), count=_results),
    Entry(name="schedules", label=_("Schedules"), count=_schedules, attention=_beats_silent),
    Entry(name="workers", label=_("Workers"), below=("worker",), count=_workers, attention=_workers_gone),
    Entry(name="flow", label=_("Flow")),
    Entry(name="send", label=_("Send"), permission="lockhouse.send_tasks", below=("trace",)),
    Entry(name="acts", label=_("Acts"), permission="lockhouse.view_acts"),
)


def links(look: Look, page: str, may: frozenset[str]) -> Iterator[Link]:
    """The entries that this person may see; `page` is the one that is shown, or one below it."""
    for entry in ENTRIES:
        if entry.permission in may:
            yield Link(
                name=entry.name,
                label=str(entry.label),
                url=page_url(entry.name),
                is_here=page in {entry.name, *entry.below},
                count=entry.count(look) if entry.count else None,
                attention=entry.attention(look) if entry.attention else 0,
            )

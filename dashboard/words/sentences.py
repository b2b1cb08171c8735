"""Evidence in sentences: a code of the judge's with its values becomes plain text; names that the watched system made come out visible."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.records import Evidence, Search, Word
from dashboard.words import flow, holders, locks, preflight, queues, runs, schedules, tasks, traces, workers
from dashboard.words.text import duration, instant, short_id, visible

ROOMS = (flow, holders, locks, preflight, queues, runs, schedules, tasks, traces, workers)
SENTENCES: Mapping[str, str] = {code: template for room in ROOMS for code, template in room.SENTENCES.items()}
COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {code: say for room in ROOMS for code, say in room.COUNTED.items()}
NOT_KNOWN: Mapping[str, str | Promise] = {
    "worker": gettext_lazy("a worker not known"),
    "task_name": gettext_lazy("a task not known"),
    "host": gettext_lazy("a host not known"),
    "queue": gettext_lazy("its queue"),
    "origin": gettext_lazy("a sender not known"),
}
SOURCES: Mapping[str, str | Promise] = {  # those whose name is our own word and no person's
    "lockhouse": gettext_lazy("Lockhouse's own Redis"),
    "app": gettext_lazy("the project's own Celery app"),
    "connections": gettext_lazy("the broker's list of connections"),
    "history": gettext_lazy("the history's database"),
    "cache broker": gettext_lazy("the broker's database"),
}


def sentence(evidence: Evidence, now: datetime | None = None) -> str:
    """One fact behind a verdict in words; a code that nobody worded yet is shown with its values."""
    values = {name: _shown(name, value, now) for name, value in evidence.values.items()}
    if evidence.code in COUNTED:
        return COUNTED[evidence.code](evidence.values, values)
    template = SENTENCES.get(evidence.code)
    try:
        return _(template) % values if template else _unworded(evidence.code, values)
    except KeyError:  # a value that the sentence needs was not given
        return _unworded(evidence.code, values)


def sentences(evidence: Sequence[Evidence], now: datetime | None = None) -> list[str]:
    """Every fact in words, in the judge's order."""
    return [sentence(fact, now) for fact in evidence]


def verdict(code: str) -> str:
    """The word for a verdict, a flag or a kind of concern."""
    return str(locks.VERDICTS.get(code, visible(code)))


def library(dialect: str) -> str:
    """What wrote a lock, as people call it."""
    return str(locks.LIBRARIES.get(dialect, visible(dialect)))


def source_name(name: str) -> str:
    """A source as people call it."""
    return str(SOURCES.get(name, visible(name)))


def still_searched(name: str, search: Search) -> str:
    """That not every name of this source was looked at yet, and how far that is."""
    values = {"source": source_name(name), "looked_at": number_format(search.looked_at, force_grouping=True)}
    if search.of is None:
        return _("%(source)s is being looked through (%(looked_at)s names)") % values
    return _("%(source)s is being looked through (%(looked_at)s of %(of)s names)") % {**values, "of": number_format(search.of, force_grouping=True)}


def _shown(name: str, value: Word, now: datetime | None) -> str:
    if value is None:
        return str(NOT_KNOWN.get(name, _("a time not known") if name.endswith(("at", "since")) else "?"))
    if isinstance(value, datetime):
        return instant(value, now)
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, list):
        return ", ".join(visible(item) for item in value)
    if name == "source":
        return source_name(str(value))
    if name == "problem":
        return str(queues.PROBLEMS.get(str(value), visible(str(value))))
    return short_id(value) if name == "task_id" and isinstance(value, str) else visible(str(value))


def _unworded(code: str, values: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"{visible(code)}: {said}" if said else visible(code)

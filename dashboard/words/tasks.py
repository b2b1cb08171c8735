"""What `words` says of tasks."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

SENTENCES: Mapping[str, str] = {
    "task_near": N_("did you mean %(near)s?"),
}
KNOWN_FROM: Mapping[str, str | Promise] = {
    "worker": gettext_lazy("a worker"),
    "app": gettext_lazy("the project's own Celery app"),
    "schedule": gettext_lazy("a schedule"),
    "event": gettext_lazy("events and messages"),
}


def _count(values: Mapping[str, Word], name: str) -> int:
    value = values.get(name)
    return len(value) if isinstance(value, list) else value if isinstance(value, int) else 0


def _unknown(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "no worker knows this name: the only one that lives was asked"
    return ngettext(one, "no worker knows this name: the %(workers)s that live were asked", _count(given, "workers")) % shown


def _strange_to_readers(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "%(workers)s reads %(queue)s and does not know it: it would throw its messages away"
    return ngettext(one, "%(workers)s read %(queue)s and do not know it: they would throw its messages away", _count(given, "workers")) % shown


def _thrown_away(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "%(count)s message of it was thrown away within the last hour, the last at %(at)s by %(worker)s, which does not know it"
    return (
        ngettext(
            one,
            "%(count)s messages of it were thrown away within the last hour, the last at %(at)s by %(worker)s, which does not know it",
            _count(given, "count"),
        )
        % shown
    )


def _refused_again(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "refused %(count)s time by %(lock)s, and no run has worked since"
    return ngettext(one, "refused %(count)s times, at last by %(lock)s, and no run has worked since", _count(given, "count")) % shown


def _failing(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "its last run failed, at %(at)s"
    return ngettext(one, "its last %(count)s runs failed, the last at %(at)s", _count(given, "count")) % shown


def _waits(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return ngettext("a message of it is next in %(queues)s", "messages of it are next in %(queues)s", _count(given, "queues")) % shown


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "task_failing": _failing,
    "task_refused_again": _refused_again,
    "task_strange_to_readers": _strange_to_readers,
    "task_thrown_away": _thrown_away,
    "task_unknown": _unknown,
    "task_waits": _waits,
}

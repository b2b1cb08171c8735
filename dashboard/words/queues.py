"""What `words` says of queues and of messages: sentences, problems, and those sentences whose form depends on a count."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

SENTENCES: Mapping[str, str] = {
    "queue_empty": N_("nothing waits"),
    "queue_moment": N_("waiting only for a moment: its turn comes within seconds"),
    "queue_last_leaving": N_("its last reader, %(worker)s, is leaving since %(at)s: it ends its runs and takes no more"),
    "queue_readers_unknown": N_("who reads it is not known, for not every worker has told its queues"),
    "queue_readers_silent": N_("all its readers are silent; the last, %(worker)s, was heard at %(at)s"),
    "queue_readers_leaving": N_("all its readers are leaving; the last, %(worker)s, said so at %(at)s"),
    "queue_more_in": N_("more comes in (%(in_per_s)s/s) than its readers take (%(out_per_s)s/s)"),
    "queue_drains": N_("it drains: %(out_per_s)s/s leave it, %(in_per_s)s/s come in"),
    "queue_grows": N_("it grew by %(grown)s within a minute; how fast it is read is not known"),
    "queue_waits": N_("its readers have free processes, and yet a message waits since %(since)s or longer"),
    "queue_wrong_type": N_("its key holds a %(type)s where a queue is a list: no message can be sent or read"),
    "queue_bound_twice": N_("bound to one exchange and key with %(others)s: a message sent there reaches each of them"),
    "queue_odd_head": N_("the message that is next at priority %(priority)s %(problem)s"),
}
PROBLEMS: Mapping[str, str | Promise] = {  # of a message; what a worker makes of it was tried with Celery and kombu 5.7
    "not-utf8": gettext_lazy("is not UTF-8: it ends the worker that fetches it"),
    "not-json": gettext_lazy("is not JSON: it ends the worker that fetches it"),
    "not-an-object": gettext_lazy("is JSON, but no object: it ends the worker that fetches it"),
    "too-deep": gettext_lazy("is nested too deeply: it ends the worker that fetches it"),
    "odd-envelope": gettext_lazy("has headers or properties that are no object: it ends the worker that fetches it"),
    "body-not-base64": gettext_lazy("has a body that is not base64: it ends the worker that fetches it"),
    "body-encoding": gettext_lazy("has a body in an unknown encoding: it ends the worker that fetches it"),
    "no-properties": gettext_lazy("lacks what kombu needs to deliver it: the worker that fetches it loses it and connects anew"),
    "body-not-json": gettext_lazy("has a body that is not the JSON it says it is: a worker throws it away"),
    "no-headers": gettext_lazy("names no task: a worker throws it away"),
    "content-type": gettext_lazy("has a content type that Celery does not know: a worker throws it away"),
    "pickle": gettext_lazy("is a pickle: only workers that accept pickles run it, others throw it away; it was not loaded here"),
    "huge": gettext_lazy("is too large to be looked at here"),
}


def _counted(values: Mapping[str, Word], name: str) -> int:
    count = values.get(name)
    return count if isinstance(count, int) else 0


def _all_busy(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    processes = ngettext("its %(processes)s process is busy", "all %(processes)s processes of its readers are busy", _counted(given, "processes")) % shown
    if given.get("task_name") is None:
        return processes
    return processes + ", " + ngettext("%(runs)s with %(task_name)s", "%(runs)s of them with %(task_name)s", _counted(given, "processes")) % shown


def _unread(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("nobody reads it, since %(since)s or longer") if given.get("is_minimum") else _("nobody reads it, since %(since)s")
    return (said + (_("; %(reader)s did until %(until)s") if given.get("reader") else "")) % shown


def _no_reader(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("%(ready)s messages wait in %(queue)s, and no worker has read it since %(since)s") % shown
    return said + (_(" or longer: it was unread when it was first looked at") if given.get("is_minimum") else "")


def _stalled(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    few = "its %(readers)s reader is there and has free processes, but has received nothing for a minute"
    return (
        ngettext(few, "its %(readers)s readers are there and have free processes, but have received nothing for a minute", _counted(given, "readers")) % shown
    )


def _prefetched(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "%(worker)s has fetched %(count)s message ahead of its turn while %(idle)s other has processes free"
    return (
        ngettext(one, "%(worker)s has fetched %(count)s messages ahead of their turn while %(idle)s other has processes free", _counted(given, "count")) % shown
    )


def _unknown_task(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    workers = given.get("workers")
    count = len(workers) if isinstance(workers, list) else 0
    one = "next is %(task_name)s, which its reader %(workers)s does not know and would throw away"
    return ngettext(one, "next is %(task_name)s, which its readers %(workers)s do not know and would throw away", count) % shown


def _typo(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("it looks like a misspelt %(other)s") % shown
    return said if given.get("origin") is None else said + _("; what is next in it was sent by %(origin)s") % shown


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "no_reader": _no_reader,
    "queue_all_busy": _all_busy,
    "queue_nobody_reads": _unread,
    "queue_prefetched": _prefetched,
    "queue_stalled": _stalled,
    "queue_typo": _typo,
    "queue_unknown_task": _unknown_task,
}

"""What is said before something is sent: whether it will run, and why or why not."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

VERDICTS: Mapping[str, str | Promise] = {
    "will-run": gettext_lazy("This will run"),
    "may-not-run": gettext_lazy("This may not run"),
    "will-not-run": gettext_lazy("This will not run"),
    "unknown": gettext_lazy("Not known whether this will run"),
}
OF_SEVERAL: Mapping[str, str | Promise] = {
    "will-run": gettext_lazy("These will run"),
    "may-not-run": gettext_lazy("These may not run"),
    "will-not-run": gettext_lazy("These will not run"),
    "unknown": gettext_lazy("Not known whether these will run"),
}
SUBJECTS: Mapping[str, str | Promise] = {
    "source": gettext_lazy("Knowledge"),
    "name": gettext_lazy("Name"),
    "queue": gettext_lazy("Queue"),
    "readers": gettext_lazy("Readers"),
    "arguments": gettext_lazy("Arguments"),
    "lock": gettext_lazy("Lock"),
    "order": gettext_lazy("Turn"),
    "expires": gettext_lazy("Expiry"),
    "later": gettext_lazy("Later"),
    "priority": gettext_lazy("Priority"),
    "result": gettext_lazy("Result"),
}
STATES: Mapping[str, str | Promise] = {
    "ok": gettext_lazy("ok"),
    "warning": gettext_lazy("warning"),
    "fails": gettext_lazy("fails"),
    "unknown": gettext_lazy("not known"),
}
SENTENCES: Mapping[str, str] = {
    "send_name_not_asked": N_("who knows %(task_name)s is not known: no worker could be asked"),
    "send_no_worker": N_("no worker lives, so nobody knows %(task_name)s"),
    "send_nobody_answers": N_("no worker answered, and one that answers nobody is heard of only by its events, which are not received"),
    "send_queue_wrong_type": N_("the key of %(queue)s holds a %(type)s where a queue is a list: nothing can be sent to it"),
    "send_readers_unknown": N_("who reads %(queue)s is not known, for not every worker has told its queues"),
    "send_readers_leaving": N_("all readers of %(queue)s are leaving; the last, %(worker)s, said so at %(at)s"),
    "send_readers_silent": N_("all readers of %(queue)s are silent; the last, %(worker)s, was heard at %(at)s"),
    "send_readers_know": N_("every reader of the queue knows %(task_name)s"),
    "send_readers_not_told": N_("not every reader of the queue has told which tasks it knows"),
    "send_not_checked": N_("not checked: this process does not have the task's function, so it cannot see what it takes"),
    "send_arguments_fit": N_("they fit the task's parameters"),
    "send_missing": N_("missing: %(names)s"),
    "send_unexpected": N_("not taken by the task: %(names)s"),
    "send_given_twice": N_("given twice, by position and by name: %(names)s"),
    "send_lock_not_catalogued": N_("not known: the settings (LOCKHOUSE_LOCKS) name no lock that this task takes"),
    "send_lock_not_told": N_("not known: the arguments do not tell which lock of %(pattern)s it would take"),
    "send_lock_unknown": N_("whether %(lock)s is free is not known: its cache does not answer"),
    "send_lock_no_lock": N_("%(lock)s cannot be taken: under its key stands a %(type)s, which is no lock"),
    "send_lock_free": N_("%(lock)s is free"),
    "send_lock_shared": N_("all %(count)s runs would take %(lock)s: those that start while another holds it are refused"),
    "send_depth_unknown": N_("how many messages wait before it is not known"),
    "send_next": N_("nothing waits before it"),
    "send_expired": N_("it has expired already, at %(ends_at)s: whoever receives it throws it away"),
    "send_expires_before_eta": N_("it expires at %(ends_at)s, and must not start before %(starts_at)s: it would never run"),
    "send_expires_unknown": N_("it expires at %(ends_at)s; how long those before it take is not known"),
    "send_expires_waiting": N_("it expires at %(ends_at)s, and its turn comes at about %(starts_at)s: whoever receives it then throws it away"),
    "send_expires_after": N_("its turn comes before it expires at %(ends_at)s"),
    "send_eta": N_("a worker fetches it now, and starts it at %(starts_at)s or later"),
    "send_eta_too_late": N_(
        "it starts at %(starts_at)s, later than the visibility timeout of %(timeout)s: Redis gives it out again and again until then, and it runs as often"
    ),
    "send_eta_may_be_too_late": N_(
        "it starts at %(starts_at)s; if the visibility timeout is kombu's %(timeout)s, which nobody told, Redis gives it out again and again until then"
    ),
    "send_priority": N_("priority %(priority)s goes to the list %(step)s; lower ones are read first"),
    "send_no_priorities": N_("priority %(priority)s changes nothing: the transport keeps one list for all (priority_steps)"),
    "send_result_stored": N_("what it returns goes to the result back end, which is touched at every send and by every run"),
}


def verdict_word(verdict: str, *, count: int, shares_lock: bool) -> str:
    """The verdict on one message or on several; `shares_lock`: nothing stands against these but the lock that one of them has at a time."""
    if shares_lock:
        return _("One of these will run; the others are refused while it holds the lock")
    return str((OF_SEVERAL if count > 1 else VERDICTS).get(verdict, "?"))


def _number(given: Mapping[str, Word], name: str) -> int:
    count = given.get(name)
    return count if isinstance(count, int) else len(count) if isinstance(count, list) else 0


def _stale(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    if given.get("at") is None:
        return _("no observer has looked yet: nothing is known, so nothing below can be relied on")
    return _("nothing newer than %(at)s is known, so nothing below can be relied on") % shown


def _known(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return (
        ngettext("known to %(knowing)s of %(workers)s living worker", "known to %(knowing)s of %(workers)s living workers", _number(given, "workers")) % shown
    )


def _not_known(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = (
        ngettext("the one living worker does not know %(task_name)s", "none of %(workers)s living workers knows %(task_name)s", _number(given, "workers"))
        % shown
    )
    return said + _or_rather(given, shown)


def _not_told(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("%(told)s of %(workers)s living workers have told their tasks, and %(task_name)s is not among them") % shown


def _or_rather(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("; did you mean %(near)s?") % shown if given.get("near") else ""


def _read_by(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return ngettext("%(queue)s is read by %(readers)s", "%(queue)s is read by %(readers)s", _number(given, "readers")) % shown


def _unread(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("nobody reads %(queue)s: it would wait there until somebody does") % shown
    last = _("; %(reader)s did until %(until)s") % shown if given.get("reader") else ""
    return said + last + _or_rather(given, shown) + _elsewhere(given, shown)


def _no_queue(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("no queue %(queue)s is known, and nobody reads one: it would wait there for ever") % shown + _or_rather(given, shown) + _elsewhere(given, shown)


def _elsewhere(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("; workers that know the task read %(elsewhere)s") % shown if given.get("elsewhere") else ""


def _strangers(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "its reader %(workers)s does not know %(task_name)s and throws it away"
    return ngettext(one, "none of its readers (%(workers)s) knows %(task_name)s: they throw it away", _number(given, "workers")) % shown + _elsewhere(
        given, shown
    )


def _some_strangers(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "of %(readers)s readers %(workers)s does not know %(task_name)s: if that one receives it, it is thrown away"
    many = "of %(readers)s readers these do not know %(task_name)s: %(workers)s; if one of them receives it, it is thrown away"
    return ngettext(one, many, _number(given, "workers")) % shown


def _too_many(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return (
        ngettext("%(given)s by position where the task takes %(taken)s", "%(given)s by position where the task takes %(taken)s", _number(given, "given"))
        % shown
    )


def _held(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("%(held)s: a run that starts now is refused after its wait") % {"held": _holder(given, shown)}


def _may_be_held(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("%(held)s: if it is still held when this starts, this is refused after its wait") % {"held": _holder(given, shown)}


def _over_by_then(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("%(held)s; this starts later") % {"held": _holder(given, shown)}


def _holder(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("%(lock)s is held by run %(task_id)s of %(task_name)s") if given.get("task_id") else _("%(lock)s is held")
    likely = _(" (likely)") if given.get("certainty") == "likely" else ""
    until = _(" until %(expires_at)s") if given.get("expires_at") else _(" and never expires")
    orphaned = _(", orphaned") if given.get("verdict") == "orphaned" else ""
    nobody = "" if given.get("task_id") else _(", by whom is not known")
    return (said + likely + orphaned + until + nobody) % shown


def _behind(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = ngettext("%(before)s message is delivered before it", "%(before)s messages are delivered before it", _number(given, "before")) % shown
    return said + (_("; at the rate of the last minute that takes %(takes)s") % shown if given.get("takes") else "")


def _behind_unknown(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _behind({**given, "takes": None}, shown) + _("; how long they take is not known")


def _stuck(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _behind({**given, "takes": None}, shown) + _(", and none has left the queue within the last minute, as far as it was watched")


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "send_stale": _stale,
    "send_name_known": _known,
    "send_name_unknown": _not_known,
    "send_name_not_told": _not_told,
    "send_queue_read": _read_by,
    "send_queue_unread": _unread,
    "send_queue_unknown": _no_queue,
    "send_readers_do_not_know": _strangers,
    "send_some_do_not_know": _some_strangers,
    "send_too_many": _too_many,
    "send_lock_held": _held,
    "send_lock_may_be_held": _may_be_held,
    "send_lock_over_by_then": _over_by_then,
    "send_behind": _behind,
    "send_behind_unknown": _behind_unknown,
    "send_behind_stuck": _stuck,
}

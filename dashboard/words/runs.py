"""What is said of runs: their states, what happened to them, why one is called lost."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

STATE_WORDS: Mapping[str, str | Promise] = {
    "lost": gettext_lazy("lost"),
    "unknown": gettext_lazy("not known"),
    "active": gettext_lazy("active"),
    "received": gettext_lazy("received"),
    "scheduled": gettext_lazy("scheduled"),
    "sent": gettext_lazy("sent"),
    "failed": gettext_lazy("failed"),
    "refused": gettext_lazy("refused"),
    "retried": gettext_lazy("retried"),
    "rejected": gettext_lazy("rejected"),
    "revoked": gettext_lazy("revoked"),
    "succeeded": gettext_lazy("succeeded"),
}
TIES: Mapping[str, str | Promise] = {  # what a run has to do with a lock of its own
    "holds": gettext_lazy("holds"),
    "left": gettext_lazy("left"),
    "outlived": gettext_lazy("outlived"),
    "lost": gettext_lazy("lost"),
}
STATE_MEANINGS: Mapping[str, str | Promise] = {
    "lost": gettext_lazy("Its worker is proved gone in the middle of it."),
    "unknown": gettext_lazy("Whether it goes on cannot be known: its worker is silent, and that is no proof."),
    "active": gettext_lazy("Its worker runs it now."),
    "received": gettext_lazy("Its worker has fetched it and has not started it."),
    "scheduled": gettext_lazy("Its worker has fetched it and starts it at the time it was sent for."),
    "sent": gettext_lazy("It was sent; no worker has said that it received it."),
    "failed": gettext_lazy("It ended with an error, and is not tried again."),
    "refused": gettext_lazy("A lock turned it away: it ended without an error and without its work."),
    "retried": gettext_lazy("It ended with an error, and was sent to be tried again."),
    "rejected": gettext_lazy("Its worker rejected it."),
    "revoked": gettext_lazy("It was revoked, or had expired, before it was started, or it was terminated."),
    "succeeded": gettext_lazy("It ended without an error."),
}
SENTENCES: Mapping[str, str] = {
    "run_sent": N_("sent by %(origin)s"),
    "run_sent_to": N_("sent to %(queue)s by %(origin)s"),
    "run_took_lock": N_("took the lock %(lock)s"),
    "run_lost_lock": N_("its lock %(lock)s expired: from then on a second run could start beside it"),
    "run_left_lock_expired": N_("the lock %(lock)s, which it had not given back, expired"),
    "run_left_lock_removed": N_("the lock %(lock)s, which it had not given back, was removed by somebody else"),
    "run_found_lock_lost": N_("found that it did not hold the lock %(lock)s any more"),
    "run_lock_flushed": N_("its lock %(lock)s went with a flush of the whole database: from then on a second run could start beside it"),
    "run_lock_removed": N_("its lock %(lock)s was removed by another than its holder: from then on a second run could start beside it"),
    "run_lock_taken_over": N_("its lock %(lock)s had another token: a second run may have started beside it"),
    "run_refused": N_("ended without its work, for %(lock)s turned it away"),
    "run_last_active": N_("the last time that %(worker)s said it is active"),
    "run_due": N_("to be started from then on, not before"),
    "run_expires": N_("not to be started after that"),
    "run_lock_expires": N_("its lock %(lock)s expires, if it is not released or extended before"),
    "run_due_again": N_("Redis gives it out again on %(queue)s from then on, unless it is acknowledged before"),
    "run_comes_again": N_("it was not acknowledged: Redis gives it out again on %(queue)s"),
    "run_beyond": N_("as the history has it, for more go on than are at hand"),
    "run_not_followed": N_("no observer followed it to its end"),
    "run_lost_here": N_("it had been acknowledged: it will not run again"),
}


def _with_span(alone: str, with_span: str, name: str = "waited") -> Callable[[Mapping[str, Word], Mapping[str, str]], str]:
    """The longer sentence where the span is known."""
    return lambda given, shown: _(alone if given.get(name) is None else with_span) % shown


def _untold(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    workers = given.get("workers")
    count = len(workers) if isinstance(workers, list) else 0
    one = "its queue is read by %(workers)s, which sends no events of its tasks: it may have run long ago"
    return ngettext(one, "its queue is read by %(workers)s, which send no events of their tasks: it may have run long ago", count) % shown


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "run_received": _with_span(N_("received by %(worker)s"), N_("received by %(worker)s, %(waited)s after it was sent")),
    "run_received_again": _with_span(N_("received by %(worker)s, delivered once more"), N_("received by %(worker)s, delivered once more")),
    "run_began": _with_span(N_("started"), N_("started, %(waited)s after it was received")),
    "run_began_in": _with_span(N_("started in process %(pid)s"), N_("started in process %(pid)s, %(waited)s after it was received")),
    "run_turned_away": _with_span(N_("turned away by the lock %(lock)s"), N_("turned away by the lock %(lock)s, which it had waited %(waited)s for")),
    "run_succeeded": _with_span(N_("ended without an error"), N_("ended without an error, after %(runtime)s"), "runtime"),
    "run_failed": _with_span(N_("failed"), N_("failed after %(runtime)s"), "runtime"),
    "run_retried": _with_span(N_("failed, to be tried again"), N_("failed after %(runtime)s, to be tried again"), "runtime"),
    "run_rejected": _with_span(N_("rejected by its worker"), N_("rejected by its worker"), "runtime"),
    "run_revoked": _with_span(N_("revoked"), N_("revoked after %(runtime)s"), "runtime"),
    "run_unknown": _with_span(N_("ended"), N_("ended after %(runtime)s"), "runtime"),
    "run_waited_for_lock": _with_span(N_("waited for the lock %(lock)s"), N_("waited %(waited)s for the lock %(lock)s")),
    "run_gave_back_lock": _with_span(N_("gave the lock %(lock)s back"), N_("gave the lock %(lock)s back, which it had held for %(held)s"), "held"),
    "run_lock_released_by_hand": _with_span(N_("its lock %(lock)s was released by hand"), N_("its lock %(lock)s was released by hand, by %(by)s"), "by"),
    "run_lock_extended": _with_span(N_("its lock %(lock)s was extended"), N_("its lock %(lock)s was extended by %(by)s"), "by"),
    "run_lock_put_back": _with_span(N_("its lock %(lock)s was put back"), N_("its lock %(lock)s was put back by %(by)s"), "by"),
    "run_untold": _untold,
}


def state_word(state: str) -> str:
    """The word for a run's state."""
    return str(STATE_WORDS.get(state, state))

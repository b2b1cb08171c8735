"""What is said of a message that was sent from here, step by step."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import Word

STATES: Mapping[str, str | Promise] = {
    "unseen": gettext_lazy("not seen"),
    "waiting": gettext_lazy("waiting"),
    "received": gettext_lazy("received"),
    "active": gettext_lazy("active"),
    "refused": gettext_lazy("refused"),
    "succeeded": gettext_lazy("succeeded"),
    "failed": gettext_lazy("failed"),
    "revoked": gettext_lazy("revoked or expired"),
    "retried": gettext_lazy("will be tried again"),
    "rejected": gettext_lazy("rejected"),
}
SENTENCES: Mapping[str, str] = {
    "trace_sent": N_("sent to %(queue)s"),
    "trace_next": N_("next in its queue"),
    "trace_uncounted": N_("waiting; its queue is too long to be looked through for its place"),
    "trace_fetched": N_("fetched by a worker that has not said so"),
    "trace_not_looked": N_("nobody has looked for it yet"),
    "trace_taken": N_("no longer in its queue, and no worker has told of it: one that sends no events (-E) may have it"),
    "trace_received": N_("received by %(worker)s"),
    "trace_until_eta": N_("held by its worker until %(eta_at)s"),
    "trace_reserved": N_("waiting in its worker for a free process"),
    "trace_started": N_("started"),
    "trace_refused": N_("turned away by the lock %(lock)s"),
    "trace_held": N_("held the lock %(lock)s until %(to_at)s"),
    "trace_result_awaited": N_("its result %(result)s is not in the cache"),
    "trace_cached": N_("result cached as %(result)s until %(expires_at)s"),
    "trace_cached_for_ever": N_("result cached as %(result)s, without a time to live"),
    "trace_stored": N_("result stored in the back end until %(expires_at)s"),
    "trace_stored_for_ever": N_("result stored in the back end, without a time to live"),
    "trace_revoked": N_("thrown away: revoked, or expired before its turn came"),
    "trace_rejected": N_("rejected by its worker"),
}


def _place(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    before = given.get("before")
    return ngettext("%(before)s message before it", "%(before)s messages before it", before if isinstance(before, int) else 0) % shown


def _beyond(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    return _("%(before)s messages or more before it") % shown


def _holds(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    said = _("holds the lock %(lock)s") % shown
    return said + (_(", until %(expires_at)s") % shown if given.get("expires_at") else _(", which never expires"))


def _ended(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    """With the outcome in words where we have them; of a refused run Celery says SUCCESS, though it did nothing."""
    words = {"SUCCESS": _("succeeded"), "FAILURE": _("failed"), "RETRY": _("ended, to be tried again")}
    said = _("ended") if given.get("refused") else words.get(str(given.get("outcome")), _("ended as %(outcome)s") % shown)
    timed = f"{said} {_('after %(runtime)s') % shown}" if given.get("runtime") else said
    return _("%(ended)s, having done nothing") % {"ended": timed} if given.get("refused") else timed


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "trace_place": _place,
    "trace_beyond": _beyond,
    "trace_holds": _holds,
    "trace_ended": _ended,
    "trace_succeeded": _ended,
    "trace_failed": _ended,
    "trace_retried": _ended,
}

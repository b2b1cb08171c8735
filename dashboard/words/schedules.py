"""Schedules in words: their states, why they are in them, and what the next send will run into."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import ScheduleReading, Word
from dashboard.records.schedules import BEAT_SCHEDULE, DJANGO_CELERY_BEAT, RHYTHM

STATE_WORDS: Mapping[str, str | Promise] = {
    "missed": gettext_lazy("missed"),
    "late": gettext_lazy("late"),
    "problem": gettext_lazy("problem"),
    "never-seen": gettext_lazy("never seen"),
    "untold": gettext_lazy("cannot be told"),
    "on-time": gettext_lazy("on time"),
    "waiting": gettext_lazy("not seen yet"),
    "done": gettext_lazy("done"),
    "ended": gettext_lazy("ended"),
    "disabled": gettext_lazy("disabled"),
}
SOURCE_WORDS: Mapping[str, str | Promise] = {
    BEAT_SCHEDULE: gettext_lazy("beat_schedule"),
    DJANGO_CELERY_BEAT: gettext_lazy("django-celery-beat"),
    RHYTHM: gettext_lazy("a rhythm that was seen"),
}
SENTENCES: Mapping[str, str] = {
    "schedule_on_time": N_("each send came when it was due"),
    "schedule_on_time_received": N_("a worker received it when it was due; who sends it is not told (task_send_sent_event is off where beat runs)"),
    "schedule_late": N_("was due at %(at)s and has not been sent"),
    "schedule_not_seen_yet": N_("no send was seen yet, and none was due since we look"),
    "schedule_never_seen": N_(
        "it was due, and neither its sending nor its receipt was ever seen: beat does not run, or neither beat (task_send_sent_event) nor the workers (-E) tell"
    ),
    "schedule_events_away": N_("events are not received, so a send would not be seen"),
    "schedule_only_received": N_(
        "nothing was received when it was due, but it may wait in a queue: whether it was sent is told only with task_send_sent_event = True where beat runs"
    ),
    "schedule_no_time": N_("when it is due is not known"),
    "schedule_done": N_("to be sent once, and was sent at %(at)s"),
    "schedule_ended": N_("not sent after %(at)s"),
    "schedule_disabled": N_("switched off: it is not sent"),
    "schedule_no_schedule": N_("it has no schedule: beat does not send it"),
    "schedule_no_task": N_("it names no task: beat cannot send it"),
    "schedule_no_pause": N_("its interval is no time at all: beat would send it without pause"),
    "schedule_no_end": N_("its schedule computes without end when it is next due; it was stopped"),
    "schedule_broken_schedule": N_("its schedule cannot be asked when it is next due: %(detail)s"),
    "schedule_arguments_not_json": N_("its arguments are not the JSON they should be, and beat switches it off: %(detail)s"),
    "schedule_queue_unread": N_("nobody reads its queue %(queue)s"),
    "schedule_task_unknown": N_("no worker knows the task %(task_name)s"),
    "schedule_refused": N_("its last run %(task_id)s was turned away by the lock %(lock)s"),
    "schedule_still_runs": N_("its last run %(task_id)s is active since %(since)s, and the next send is near: they will overlap, or a lock turns one away"),
    "schedule_sent_twice": N_("sent twice, by two origins: %(origins)s"),
}


def _count(given: Mapping[str, Word], name: str) -> int:
    count = given.get(name)
    return count if isinstance(count, int) else 0


def _missed(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "was due at %(at)s and has not been sent; %(missed)s whole interval has passed since"
    return ngettext(one, "was due at %(at)s and has not been sent; %(missed)s whole intervals have passed since", _count(given, "missed")) % shown


def _overlaps(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    one = "its run %(task_id)s is active since %(since)s, and the next was sent meanwhile"
    return ngettext(one, "%(runs)s of its runs are still active, %(task_id)s since %(since)s, and the next was sent meanwhile", _count(given, "runs")) % shown


def _silent(given: Mapping[str, Word], shown: Mapping[str, str]) -> str:
    few = "has sent nothing since %(since)s; %(count)s schedule is overdue: %(names)s"
    many = "has sent nothing since %(since)s; %(count)s schedules are overdue, among them %(names)s"
    return ngettext(few, many, _count(given, "count")) % shown


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "beat_silent": _silent,
    "schedule_missed": _missed,
    "schedule_overlaps": _overlaps,
}


def state_word(state: str, missed: int | None = None) -> str:
    """The word for a state; how many were missed is said with it."""
    if state == "missed" and missed:
        return ngettext("missed %(n)d", "missed %(n)d", missed) % {"n": missed}
    return str(STATE_WORDS.get(state, state))


def schedule_words(entry: ScheduleReading) -> str:
    """`every 10 s`, `crontab 0 3 * * *`."""
    return every(entry.interval) if entry.interval is not None else entry.schedule


def every(span: timedelta) -> str:
    """`every 10 s`, `every minute`, `every 1 h 30 min`."""
    names = {timedelta(minutes=1): _("every minute"), timedelta(hours=1): _("every hour"), timedelta(days=1): _("every day")}
    if span in names:
        return names[span]
    left, parts = span // timedelta(milliseconds=1), []
    for unit, factor in ((_("%(n)d d"), 86_400_000), (_("%(n)d h"), 3_600_000), (_("%(n)d min"), 60_000)):
        if count := left // factor:
            parts.append(unit % {"n": count})
        left %= factor
    if left:
        parts.append(_("%(n)s s") % {"n": f"{left / 1000:g}"})
    return _("every %(span)s") % {"span": " ".join(parts)}

"""Who holds a lock, in the words of its row and its page; and what a key is that is no lock."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from dashboard.records import JudgedLock
from dashboard.words import CERTAINTIES, MEANINGS, duration, short_id, visible

TAKERS = {"send": N_("a message that was sent"), "beat": N_("a beat"), "broker": N_("the broker library")}


def holder_words(one: JudgedLock) -> tuple[str, str]:
    """The task (or what is known instead) and where it runs."""
    holder = one.holder
    if not one.lock.is_lock:
        return _("no lock: a %(kind)s") % {"kind": visible(one.lock.note.partition(":")[2] or _("long text"))}, ""
    process = _("pid %(pid)d") % {"pid": holder.pid} if holder.pid is not None else ""
    where = " · ".join(part for part in (visible(holder.worker or holder.host or ""), process) if part)
    if holder.task_name:
        return visible(holder.task_name), where
    if holder.task_id:
        return _("run %(id)s") % {"id": short_id(holder.task_id)}, where
    if one.lock.taken_by in TAKERS:
        return _(TAKERS[one.lock.taken_by]), where
    if holder.certainty == "unknown":
        return (_("one of %(n)d runs") % {"n": holder.candidates} if holder.candidates else _("not known")), where
    return _("outside any task"), where


def certainty_why(one: JudgedLock) -> str:
    """Why we are as sure of it as we are."""
    holder = one.holder
    if not one.lock.is_lock:
        return _("Nobody holds it: it is no lock.")
    if holder.certainty == "likely" and holder.distance is not None and holder.candidates is not None:
        values = {"distance": duration(holder.distance), "n": holder.candidates}
        return _("Likely: its run started %(distance)s before the attempt; %(n)d may have made it.") % values
    return str(CERTAINTIES[holder.certainty])


def meaning_of(one: JudgedLock) -> str:
    """What the verdict means."""
    return str(MEANINGS.get(one.verdict, "")) if one.lock.is_lock else _("Nobody can take a lock of this name while this key is there.")

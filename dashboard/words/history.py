"""What is said of the history: the times of which runs are missing."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.history.read import absence_of
from dashboard.history.rows import CACHE_UNSEEN, NOBODY, US, Gap
from dashboard.records import Absence
from dashboard.words.locks import ENDS, MOMENTS
from dashboard.words.sentences import source_name
from dashboard.words.text import clock, instant


def moment(what: str) -> str:
    """What happened to a lock."""
    return str(MOMENTS.get(what) or ENDS.get(what, what))


def gap_sentence(gap: Gap, now: datetime) -> str:
    """From when until when runs are missing, and why."""
    between = {"from": instant(_at(gap.from_us), now), "to": instant(_at(gap.to_us), now), "n": gap.how_many}
    if gap.why in {*NOBODY, CACHE_UNSEEN}:
        return absence_sentence(absence_of(gap), now)
    if gap.why == "database":
        return _("The database could not take %(n)s runs from %(from)s to %(to)s: they are missing.") % between
    return _("Events were lost from %(from)s to %(to)s: what they told is missing.") % between


def cut_sentence(cut: int, each: int) -> str:
    """That not every pair of runs is listed; "" where every one is. `cut`: of how many locks not, `each`: how many runs of them are."""
    if not cut:
        return ""
    return ngettext(
        "More runs took %(n)d lock after it left its run: the first %(each)d of each are listed.",
        "More runs took %(n)d locks after they left their run: the first %(each)d of each are listed.",
        cut,
    ) % {"n": cut, "each": each}


def absence_sentence(absence: Absence, now: datetime) -> str:
    """From when until when nobody looked."""
    if absence.is_first:
        return _("Nothing is known of the time before %(to)s: nobody looked, or what was seen is no longer kept.") % {"to": clock(absence.to_at, now)}
    between = {"from": instant(absence.from_at, now), "to": instant(absence.to_at, now), "cache": source_name(f"cache {absence.cache}")}
    if absence.cache:
        return _("Nothing was heard of %(cache)s from %(from)s to %(to)s: what happened to its locks then is missing.") % between
    return _("No observer was heard from %(from)s to %(to)s: what happened then is missing.") % between


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / US, UTC)

"""What is said of a filter of runs: what it does not find though it may be there."""

from datetime import timedelta

from django.utils.translation import gettext as _

from dashboard.judge.run_filter import FIELDS, STATE_VALUES, is_by_lock, is_by_part_of_id, wrong_parts
from dashboard.records import RUN_KEPT
from dashboard.words.filters import strange_words
from dashboard.words.text import visible


def wrong_filter(query: str) -> str:
    """What fields of the filter take, where one was given something else; "" for a filter that is understood."""
    return " ".join(_takes(field, visible(value[:40])) for field, value in wrong_parts(query))


def _takes(field: str, value: str) -> str:
    if field == "state":
        return _("state takes %(states)s, not “%(value)s”.") % {"states": ", ".join(sorted(STATE_VALUES)), "value": value}
    return wrong_time(field, value)


def wrong_time(field: str, value: str) -> str:
    """What a field that takes a time takes."""
    text = _("%(field)s takes 2026-11-26T04:28 (UTC where no zone is named), 04:28 (of today) or 10m (ago; s, m, h or d), not “%(value)s”.")
    return text % {"field": field, "value": value}


def not_found(query: str, *, is_empty: bool) -> str:
    """What the filter leaves out, `is_empty` where it found nothing; "" for one that finds all there is."""
    said = []
    if is_by_lock(query):
        said.append(_("lock: finds the runs that the lock refused, that hold it, and that held it, for sure or most likely, as far as an observer saw it."))
    if is_empty and is_by_part_of_id(query):
        minutes = RUN_KEPT // timedelta(minutes=1)
        said.append(_("A run that ended more than %(n)d minutes ago is found by its whole id only, not by the beginning that pages show.") % {"n": minutes})
    if is_empty:
        said.append(strange_words(query, FIELDS))
    return " ".join(filter(None, said))

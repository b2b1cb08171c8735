"""What is said of a filter of runs: what it does not find though it may be there."""

from datetime import timedelta

from django.utils.translation import gettext as _

from dashboard.judge.run_filter import is_by_lock, is_by_part_of_id
from dashboard.records import RUN_KEPT


def not_found(query: str, *, is_empty: bool) -> str:
    """What the filter leaves out, `is_empty` where it found nothing; "" for one that finds all there is."""
    said = []
    if is_by_lock(query):
        said.append(_("lock: finds the runs that the lock refused and those that hold it now; who held it before is in the history of the lock."))
    if is_empty and is_by_part_of_id(query):
        minutes = RUN_KEPT // timedelta(minutes=1)
        said.append(_("A run that ended more than %(n)d minutes ago is found by its whole id only, not by the beginning that pages show.") % {"n": minutes})
    return " ".join(said)

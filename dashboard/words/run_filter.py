"""What is said of a filter of runs: why it may have found nothing."""

from datetime import timedelta

from django.utils.translation import gettext as _

from dashboard.judge.run_filter import is_by_part_of_id
from dashboard.records import RUN_KEPT


def why_nothing(query: str) -> str:
    """What the filter cannot find though it may be there; "" for one that finds all there is."""
    if is_by_part_of_id(query):
        minutes = RUN_KEPT // timedelta(minutes=1)
        return _("A run that ended more than %(n)d minutes ago is found by its whole id only, not by the beginning that pages show.") % {"n": minutes}
    return ""

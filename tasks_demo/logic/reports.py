"""Reports that take their time: here the work is only waiting, as long as it is told to."""

import time

from django.utils.translation import gettext as _

REFRESH_INTERVAL_S = 6
SHORT_REFRESH_S = 3
LONG_REFRESH_S = 15  # over two intervals: the runs that the schedule starts meanwhile are turned away
LONG_EVERY = 3


def prepare_report(data_id: int, seconds: float) -> str:
    """Prepare the report of `data_id` for that many seconds; returns a sentence for the log."""
    time.sleep(seconds)
    return _("prepared report %(id)s in %(seconds)s s") % {"id": data_id, "seconds": seconds}


def refresh_seconds(number: int) -> int:
    """How long the refresh of that number takes: every third one is longer than its interval."""
    return LONG_REFRESH_S if number % LONG_EVERY == 0 else SHORT_REFRESH_S


def refresh_reports(number: int) -> str:
    """Refresh all reports for the `number`-th time; returns a sentence for the log."""
    time.sleep(refresh_seconds(number))
    return _("refreshed all reports, run %(number)s") % {"number": number}

"""What is said of a filter of locks: what a field takes that was given something else."""

from django.utils.translation import gettext as _

from dashboard.judge.filtering import VERDICTS, wrong_verdicts
from dashboard.words.text import visible


def wrong_lock_filter(query: str) -> str:
    """What `verdict:` takes, where it was given something else; "" for a filter that is understood."""
    text = _("verdict takes %(verdicts)s, not “%(value)s”.")
    return " ".join(text % {"verdicts": ", ".join(sorted(VERDICTS)), "value": visible(value[:40])} for value in wrong_verdicts(query))

"""What is said of a filter of locks: what a field takes that was given something else."""

from django.utils.translation import gettext as _

from dashboard.judge.filtering import FIELDS, VERDICTS, wrong_verdicts
from dashboard.words.filters import strange_words
from dashboard.words.text import visible


def wrong_lock_filter(query: str) -> str:
    """What `verdict:` takes, where it was given something else; "" for a filter that is understood."""
    text = _("verdict takes %(verdicts)s, not “%(value)s”.")
    return " ".join(text % {"verdicts": ", ".join(sorted(VERDICTS)), "value": visible(value[:40])} for value in wrong_verdicts(query))


def not_found_locks(query: str, *, is_empty: bool) -> str:
    """What of the filter was not understood as it was meant; told where it found nothing, for many names of locks have a colon."""
    return strange_words(query, frozenset(FIELDS)) if is_empty else ""

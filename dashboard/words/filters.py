"""What is said of any filter: what of it was not looked for, or not as it was meant."""

from django.utils.translation import gettext as _

from dashboard.judge.query import MAX_QUERY, MAX_WORDS, is_cut, strange_fields
from dashboard.words.text import visible


def cut_words(query: str) -> str:
    """That not all of it is looked for; "" where it is."""
    if not is_cut(query):
        return ""
    values = {"words": MAX_WORDS, "characters": MAX_QUERY}
    return _("Only the first %(words)d different words of a filter are looked for, in its first %(characters)d characters: the rest changes nothing.") % values


def strange_words(query: str, fields: frozenset[str]) -> str:
    """What looks like a field and is none, with those that there are; "" for a filter without such a thing."""
    strange = strange_fields(query, fields)
    names = {"names": ", ".join(map(visible, strange)), "fields": ", ".join(sorted(fields))}
    return _("%(names)s: is looked for as a word, for the fields of this filter are %(fields)s.") % names if strange else ""

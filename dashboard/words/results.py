"""Results and what a value says, in words. Plain text only."""

from collections.abc import Mapping, Sequence

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.inert import Preview
from dashboard.records import ResultCount

STATE_WORDS: Mapping[str, str | Promise] = {
    "never-expires": gettext_lazy("never expires"),
    "retrieving": gettext_lazy("being retrieved"),
    "there": gettext_lazy("there"),
    "expired": gettext_lazy("expired"),
    "deleted": gettext_lazy("deleted"),
    "awaited": gettext_lazy("not written"),
}
STATE_MEANINGS: Mapping[str, str | Promise] = {
    "never-expires": gettext_lazy("It has no time to live: it stays, however old, until somebody deletes it or Redis evicts it."),
    "retrieving": gettext_lazy("It is not there; a run that writes it is active."),
    "there": gettext_lazy("It can be read until its time is over."),
    "expired": gettext_lazy("Its time was over. Whoever wants it has to ask for it again."),
    "deleted": gettext_lazy("It went before its time was over: deleted, evicted or flushed."),
    "awaited": gettext_lazy("A run that writes it was active and ended; it was never seen there."),
}
FORMATS: Mapping[str, str | Promise] = {
    "json": gettext_lazy("JSON"),
    "msgpack": gettext_lazy("msgpack"),
    "integer": gettext_lazy("a plain integer"),
    "text": gettext_lazy("plain text"),
    "bytes": gettext_lazy("bytes of a format that we do not know"),
    "empty": gettext_lazy("empty"),
    "compressed": gettext_lazy("compressed"),
}
NOTES: Mapping[str, str | Promise] = {
    "broken": gettext_lazy("It is broken: shown as far as it could be followed."),
    "bomb": gettext_lazy("It unpacks to more than we look at: only the beginning is shown."),
    "too-deep": gettext_lazy("It is nested too deeply to be read."),
    "too-many-operations": gettext_lazy("It takes too many steps to be followed to its end: shown as far as we went."),
    "needs-memory": gettext_lazy("Unpacking it would need more memory than we allow."),
    "not-readable": gettext_lazy("We cannot unpack what this compressor wrote."),
    "compressed-again": gettext_lazy("What came out is compressed once more."),
}


def state_word(state: str) -> str:
    """The word for a result's state."""
    return str(STATE_WORDS.get(state, state))


def size(count: int) -> str:
    """`120 B`, `1.2 KB`, `64 KB`, `100 MB`."""
    if count < 1024:
        return _("%(n)s B") % {"n": number_format(count)}
    for unit, factor in ((_("KB"), 1024), (_("MB"), 1024**2), (_("GB"), 1024**3)):
        if count < factor * 1024 or factor == 1024**3:
            value = count / factor
            return f"{number_format(value, 0 if value >= 10 or value == int(value) else 1)} {unit}"
    raise AssertionError("a size has a unit")


def format_words(preview: Preview) -> str:
    """What wrote it: `pickle, protocol 4, compressed by zlib`."""
    word = _("pickle, protocol %(n)d") % {"n": preview.protocol or 0} if preview.format == "pickle" else str(FORMATS.get(preview.format, preview.format))
    if not preview.compressor:
        return word
    by = _("compressed by %(name)s") % {"name": preview.compressor}
    return by if preview.format == "compressed" else f"{word}, {by}"


def extent(preview: Preview) -> str:
    """How much of it was looked at."""
    if preview.read_bytes >= preview.total_bytes:
        return size(preview.total_bytes)
    return _("the first %(read)s of %(all)s") % {"read": size(preview.read_bytes), "all": size(preview.total_bytes)}


def counted(counts: Sequence[ResultCount], shown: int) -> str:
    """`2,000 of 12,310`; with a question mark where no pass has ended."""
    if any(count.total is None for count in counts) or not counts:
        return _("at least %(n)s") % {"n": number(shown)}
    total = max(sum(count.total or 0 for count in counts), shown)
    return number(shown) if total == shown else _("%(n)s of %(all)s") % {"n": number(shown), "all": number(total)}


def number(count: int) -> str:
    """`12,310`, as the language groups digits."""
    return str(number_format(count, force_grouping=True))

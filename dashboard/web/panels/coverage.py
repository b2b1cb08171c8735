"""The coverage line: what is seen, and what is not, each with its fix."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.records import SourceState
from dashboard.web.look import Look
from dashboard.web.panels.lost_events import lost_events
from dashboard.words import source_name, still_searched, visible

MAX_NAMED = 3
UNSAID = {"app", "lockhouse", "cache broker", "connections"}  # ourselves, our own Redis, and what is said with the broker


def coverage(seen: Look) -> dict[str, Any]:
    """What `panels/coverage.html` shows; nothing where no observer has ever said what it sees."""
    sources = seen.snapshot.sources
    return {
        "sees": ", ".join(_seen(seen)),
        "missing": ", ".join(source_name(source.name) for source in sources if not source.ok),
        "notes": [*_searched(seen), *(visible(note) for source in sources for note in source.notes), *lost_events(seen), *_mute(seen)],
    }


def _seen(seen: Look) -> Iterator[str]:
    for source in seen.snapshot.sources if seen.is_current else ():  # what was seen before is no longer seen
        if source.ok and source.name not in UNSAID:
            yield _worded(source, seen)


def _searched(seen: Look) -> Iterator[str]:
    """Of caches that are looked through anew, for as long as that takes."""
    for name, search in seen.searched.items() if seen.is_current else ():
        yield _("%(said)s: a lock that is not listed yet may be held.") % {"said": still_searched(name, search)}


def _mute(seen: Look) -> Iterator[str]:
    """Of workers that are there and tell nothing of their tasks."""
    names = sorted({worker.name for worker in seen.snapshot.workers if worker.sends_events is False and seen.now - worker.last_heard_at <= seen.policy.grace})
    if names:
        most = ", ".join(visible(name) for name in names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        text = ngettext(
            "%(names)s tells nothing of its tasks, so its runs are missing: switch its events on on its page, or start it with -E.",
            "%(n)d workers tell nothing of their tasks, so their runs are missing (%(names)s): switch their events on on their pages, or start them with -E.",
            len(names),
        )
        yield text % {"n": len(names), "names": most}


def _worded(source: SourceState, seen: Look) -> str:
    if source.name == "workers":
        heard = sum(1 for worker in seen.snapshot.workers if seen.now - worker.last_heard_at <= seen.policy.grace)
        return ngettext("%(n)d worker", "%(n)d workers", heard) % {"n": heard}
    name = visible(source.name)
    how = _("polled") if source.mode == "polling" else ""
    return f"{name} ({how})" if how else name

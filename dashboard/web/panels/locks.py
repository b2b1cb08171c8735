"""The Locks page: every held lock, filtered and sorted by its query, with the verdict and what it rests on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dashboard.judge.filtering import VERDICTS, matches
from dashboard.records import JudgedLock, Snapshot
from dashboard.snapshot import newest
from dashboard.web.look import Look, look
from dashboard.web.navigation import held_locks, no_locks
from dashboard.web.panel import Piece
from dashboard.web.panels.figures import complete_since
from dashboard.web.panels.frame import all_searched, no_lock
from dashboard.web.panels.listing import MAX_ROWS, Chip, Found, Listing, ListPanel
from dashboard.web.panels.lock_row import row_html, row_id, sort_value
from dashboard.words import source_name, verdict
from dashboard.words.lock_filter import not_found_locks, wrong_lock_filter

ATTENTION = "attention"
BROKERS_DATABASE = "cache broker"  # locks are looked for there as well


def _is_shown(one: JudgedLock, show: str) -> bool:
    return one.needs_attention if show == ATTENTION else show in _said_of(one)


def _said_of(one: JudgedLock) -> set[str]:
    """Its verdict and all else that is true of it; "held" only where there is nothing else to say."""
    return {one.verdict, *one.flags} - ({"held"} if one.verdict != "held" else set())


LIST = Listing(
    page="locks",
    title=gettext_lazy("Locks"),
    columns={
        "lock": gettext_lazy("Lock"), "verdict": gettext_lazy("Verdict"), "holder": gettext_lazy("Holder"),
        "ttl": gettext_lazy("Time to live"), "held": gettext_lazy("Held for"), "refused": gettext_lazy("Refused / h"),
    },
    ranked="verdict",
    judged=lambda seen: seen.judged,
    matches=matches,
    is_shown=_is_shown,
    value=sort_value,
    shows=(ATTENTION, *VERDICTS),
    always=(ATTENTION,),
    parameter="verdict",
    chips_label=gettext_lazy("Verdicts"),
    sources=("cache", "broker"),
    empty=(gettext_lazy("No lock is held"), gettext_lazy("As soon as a task takes one, it is here.")),
)  # fmt: skip


class LocksPanel(ListPanel):
    """The live part of the Locks page."""

    name = "locks"
    template = "lockhouse/live/locks.html"
    listing = LIST

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each lock."""
        found = LIST.found(look(snapshot, now), query)
        empty = no_lock(found.seen, str(LIST.empty[0]), str(LIST.empty[1]))
        return [
            *LIST.regions(found, may, says=_says(found), chips=_chips(found.matching), also=_filter_says(found), empty=empty),
            *(Piece(id=row_id(one), html=row_html(one, found.seen, may), within="locks-rows") for one in found.shown[:MAX_ROWS]),
        ]


def picked_by(query: Mapping[str, str]) -> list[tuple[str, str]]:
    """Id and token digest of every lock that this query shows, as it is known now: what has expired and what is no lock left out."""
    shown = LIST.found(look(newest(), datetime.now(UTC)), query).shown
    return [(one.lock.id, one.lock.token_digest) for one in shown if one.lock.lapsed_at is None and one.lock.token_digest]


def _filter_says(found: Found[JudgedLock]) -> str:
    return wrong_lock_filter(found.asked.q) or not_found_locks(found.asked.q, is_empty=not found.matching)


def _says(found: Found[JudgedLock]) -> dict[str, Any]:
    seen = found.seen
    places = [source for source in seen.snapshot.sources if source.name.startswith("cache ") and source.name != BROKERS_DATABASE]
    held = len(held_locks(seen))
    return {
        "count": held if seen.has_observer else None,
        "no_locks": _no_locks(seen),
        "lapsed": sum(one.lock.lapsed_at is not None and "overrun" in one.flags for one in seen.judged),
        "away": ", ".join(source_name(source.name) for source in seen.away(*LIST.sources)),
        "searched": all_searched(seen),
        "caches": len(places),
        "matching": len(found.shown),
        "since": complete_since(seen),
    }


def _no_locks(seen: Look) -> str:
    count = len(no_locks(seen))
    return ngettext("%(n)d key that is no lock", "%(n)d keys that are no lock", count) % {"n": count} if count else ""


def _chips(matching: Sequence[JudgedLock]) -> Iterator[Chip]:
    """All, those that need attention, and every verdict with its count."""
    counts = Counter(flag for one in matching for flag in _said_of(one))
    yield Chip(show="", word=_("All"), count=len(matching))
    yield Chip(show=ATTENTION, word=_("Need attention"), count=LIST.count(matching, ATTENTION))
    for code in VERDICTS:
        yield Chip(show=code, word=verdict(code), count=counts[code], tone=f"lh-v-{code}")

"""The Locks page: every held lock, filtered and sorted by its query, with the verdict and what it rests on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.judge.filtering import matches
from dashboard.records import JudgedLock, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.navigation import held_locks
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.web.panels.lock_row import ordered_value, row_html, row_id
from dashboard.words import VERDICTS, source_name, verdict

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
LOCK_VERDICTS = ("overlapping", "orphaned", "overrun", "expiring", "never-expires", "unknown", "held")
ATTENTION = "attention"
BROKERS_DATABASE = "cache broker"  # locks are looked for there as well
COLUMNS = ("lock", "verdict", "holder", "ttl", "held", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocksQuery:
    """What the page's address asks for; anything that is not understood means the default."""

    q: str = ""
    verdict: str = ""  # a verdict, or ATTENTION
    order: str = ""  # a column, with "-" before it for the other way round; "": the most urgent first

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "LocksQuery":
        wanted, order = query.get("verdict", ""), query.get("o", "")
        return cls(
            q=query.get("q", "").strip(),
            verdict=wanted if wanted == ATTENTION or wanted in LOCK_VERDICTS else "",
            order=order if order.removeprefix("-") in COLUMNS else "",
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.verdict)

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, "verdict": self.verdict, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return reverse("lockhouse:locks") + (f"?{encoded}" if encoded else "")

    def chosen(self, judged: Sequence[JudgedLock]) -> list[JudgedLock]:
        """Those with the chosen verdict, in the chosen order."""
        rows = [one for one in judged if self._has_verdict(one)]
        column = self.order.removeprefix("-")
        if column in {"", "verdict"}:
            return rows[::-1] if self.order == "-verdict" else rows
        known = [one for one in rows if not ordered_value(one, column)[0]]
        not_known = [one for one in rows if ordered_value(one, column)[0]]
        return sorted(known, key=lambda one: ordered_value(one, column), reverse=self.order.startswith("-")) + not_known

    def _has_verdict(self, one: JudgedLock) -> bool:
        return one.needs_attention if self.verdict == ATTENTION else not self.verdict or self.verdict in _said_of(one)


def _said_of(one: JudgedLock) -> set[str]:
    """Its verdict and all else that is true of it; "held" only where there is nothing else to say."""
    return {one.verdict, *one.flags} - ({"held"} if one.verdict != "held" else set())


class LocksPanel:
    """The live part of the Locks page."""

    permission = "lockhouse.view_locks"
    name = "locks"
    template = "lockhouse/live/locks.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return LocksQuery.of(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = LocksQuery.of(query)
        return {"asked": asked, "columns": list(_columns(asked))}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, and a row for each lock."""
        seen, asked = look(snapshot, now), LocksQuery.of(query)
        matching = [one for one in seen.judged if matches(one, asked.q)]
        shown = asked.chosen(matching)
        return [
            *frame(seen, self.name, _("Locks"), may),
            piece("locks-summary", "panels/locks_summary.html", **_summary(seen)),
            piece("locks-chips", "panels/locks_chips.html", chips=list(_chips(asked, matching))),
            piece("locks-state", "panels/region_state.html", state=_state(seen, asked, len(shown)), cut=_cut(shown)),
            *(Piece(id=row_id(one), html=row_html(one, seen, may), within="locks-rows") for one in shown[:MAX_ROWS]),
        ]


def _state(seen: Look, asked: LocksQuery, shown: int) -> object:
    empty = (_("No lock is held"), _("As soon as a task takes one, it is here."))
    clear = replace(asked, q="", verdict="").url()
    return region_state(seen, shown=shown, total=len(seen.judged), sources=("cache", "broker"), empty=empty, clear=clear)


def _cut(shown: Sequence[JudgedLock]) -> str:
    if len(shown) <= MAX_ROWS:
        return ""
    return _("The first %(shown)d of %(all)d; filter to see the others.") % {"shown": MAX_ROWS, "all": len(shown)}


def _summary(seen: Look) -> dict[str, Any]:
    places = [source for source in seen.snapshot.sources if source.name.startswith("cache ") and source.name != BROKERS_DATABASE]
    held = len(held_locks(seen))
    return {
        "count": held if seen.has_observer else None,
        "lapsed": len(seen.judged) - held,
        "away": ", ".join(source_name(source.name) for source in seen.away("cache", "broker")),
        "caches": len(places),
        "read": maybe(seen.snapshot.at, seen.now),
        "is_current": seen.is_current,
    }


def _chips(asked: LocksQuery, matching: Sequence[JudgedLock]) -> Iterator[dict[str, object]]:
    """All, those that need attention, and every verdict that there is or that is chosen, each with its count."""
    counts = Counter(flag for one in matching for flag in _said_of(one))
    attention = sum(1 for one in matching if one.needs_attention)
    yield _chip(asked, "", _("All"), len(matching))
    yield _chip(asked, ATTENTION, _("Need attention"), attention)
    for code in LOCK_VERDICTS:
        if counts[code] or asked.verdict == code:
            yield _chip(asked, code, verdict(code), counts[code])


def _chip(asked: LocksQuery, code: str, word: str, count: int) -> dict[str, object]:
    kind = code if code in VERDICTS else ""
    return {"code": kind, "word": word, "count": count, "is_on": asked.verdict == code, "url": replace(asked, verdict=code).url()}


def _columns(asked: LocksQuery) -> Iterator[dict[str, object]]:
    words = {
        "lock": _("Lock"), "verdict": _("Verdict"), "holder": _("Holder"), "ttl": _("Time to live"), "held": _("Held for"), "refused": _("Refused / h"),
    }  # fmt: skip
    for name in COLUMNS:
        is_up, is_down = asked.order == name, asked.order == f"-{name}"
        order = f"-{name}" if is_up else "" if is_down else name
        sort = "ascending" if is_up else "descending" if is_down else ""
        yield {"name": name, "word": words[name], "url": replace(asked, order=order).url(), "sort": sort}

"""What the list pages share: the query in their address, the order of their rows, their headings and chips, and what is said of rows that are not shown.

A page says what is its own in a `Listing`; its summary and its rows stay in its own module.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from dashboard.web.instants import maybe
from dashboard.web.links import page_url
from dashboard.web.look import Look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece, region_state
from dashboard.words import visible
from dashboard.words.filters import cut_words

MAX_ROWS = 500  # a longer list is no longer read; the page says how many there are
Value = float | str | None  # what a row is sorted by; None: not known
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a list page's address asks for; anything that is not understood means the default."""

    page: str
    q: str = ""
    show: str = ""  # the chip that is chosen; "": all
    order: str = ""  # a column, with "-" before it for the other way round; "": as the judge has them
    parameter: str = "show"  # what the chip is called in the address

    @property
    def column(self) -> str:
        return self.order.removeprefix("-")

    @property
    def is_downward(self) -> bool:
        return self.order.startswith("-")

    def given(self) -> dict[str, str]:
        """The query again, without what is the default."""
        given = {"q": self.q, self.parameter: self.show, "o": self.order}
        return {name: value for name, value in given.items() if value}

    def url(self) -> str:
        """The page with this query."""
        encoded = urlencode(self.given())
        return page_url(self.page) + (f"?{encoded}" if encoded else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A link that shows one part of the list, with how many rows that is; `tone` is a class of the style sheets that says a state by shape and colour."""

    show: str
    word: str | Promise
    count: int
    tone: str = ""
    is_minimum: bool = False  # so many at least: not all that it shows were counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """The rows of one moment, and which of them are asked for."""

    seen: Look
    asked: Asked
    judged: Sequence[T]  # all there are
    matching: Sequence[T]  # what the filter leaves, whatever the chip
    shown: Sequence[T]  # of these what the chip shows, in the chosen order; a page shows the first MAX_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """What one list page has of its own; T is what the judge makes of one row."""

    page: str  # of its URL; the ids of its regions begin with it
    title: Promise
    columns: Mapping[str, Promise]  # those that it can be sorted by, from left to right, with their headings
    judged: Callable[[Look], Sequence[T]]  # every row, in the order that is the default
    matches: Callable[[T, str], bool]  # whether a row has every part of what was typed into the filter
    is_shown: Callable[[T, str], bool]  # whether a chip shows a row
    value: Callable[[T, str, datetime], Value]  # what a column sorts a row by
    shows: Collection[str]  # the chips that can be chosen, beside the one for all
    always: Collection[str]  # of these the ones that are there even if they would show nothing: people look for them first
    chips_label: Promise
    sources: tuple[str, ...]  # without these the rows cannot be known
    empty: tuple[Promise, Promise]  # what is said where there is nothing, and when there will be
    ranked: str = ""  # the column in whose order the rows are already; "": none
    parameter: str = "show"

    def asked(self, query: Mapping[str, str]) -> Asked:
        """What the address asks for."""
        show, order = query.get(self.parameter, ""), query.get("o", "")
        return Asked(
            page=self.page,
            q=query.get("q", "").strip(),
            show=show if show in self.shows else "",
            order=order if order.removeprefix("-") in self.columns else "",
            parameter=self.parameter,
        )

    def found(self, seen: Look, query: Mapping[str, str]) -> Found[T]:
        """The rows of this moment that the query asks for."""
        asked, judged = self.asked(query), self.judged(seen)
        matching = [one for one in judged if self.matches(one, asked.q)]
        return Found(seen=seen, asked=asked, judged=judged, matching=matching, shown=self.chosen(matching, asked, seen.now))

    def chosen(self, matching: Iterable[T], asked: Asked, now: datetime) -> list[T]:
        """Of these the ones that the chip shows, in the order of the chosen column; what is not known there comes last either way."""
        rows = [one for one in matching if not asked.show or self.is_shown(one, asked.show)]
        if asked.column in {"", self.ranked}:
            return rows[::-1] if asked.is_downward else rows
        values = [(self.value(one, asked.column, now), one) for one in rows]
        known: list[tuple[Any, T]] = [(value, one) for value, one in values if value is not None]  # of one column all are numbers, or all are texts
        return [one for _value, one in sorted(known, key=lambda pair: pair[0], reverse=asked.is_downward)] + [one for value, one in values if value is None]

    def count(self, matching: Sequence[T], show: str) -> int:
        """How many rows a chip would show."""
        return sum(1 for one in matching if self.is_shown(one, show)) if show else len(matching)

    def headings(self, asked: Asked) -> Iterator[dict[str, object]]:
        """The columns; a click sorts by one, a second the other way round, a third no longer."""
        for name, word in self.columns.items():
            is_sorted = asked.column == name
            order = "" if is_sorted and asked.is_downward else f"-{name}" if is_sorted else name
            sort = "" if not is_sorted else "descending" if asked.is_downward else "ascending"
            yield {"name": name, "word": word, "url": replace(asked, order=order).url(), "sort": sort}

    def regions(
        self, found: Found[T], may: frozenset[str], *, says: Mapping[str, Any], chips: Iterable[Chip], also: str = "", empty: tuple[str, str] | None = None
    ) -> Iterator[Piece]:
        """All of the page but its rows: what every page carries, the summary with what it `says`, the chips, the state of the list."""
        yield from frame(found.seen, self.page, str(self.title), may)
        yield self.summary(found.seen, says)
        yield self.chips(found.asked, chips, are_counted=found.seen.has_observer)
        yield self.state(found.seen, found.asked, shown=len(found.shown), total=len(found.judged), also=also, empty=empty)

    def summary(self, seen: Look, says: Mapping[str, Any]) -> Piece:
        """The line above the filter; every one says what cannot be read, when the rest was, and whether that is the present."""
        away = ", ".join(visible(source.name) for source in seen.away(*self.sources))
        standing = {"away": away, "read": maybe(seen.snapshot.at, seen.now), "is_current": seen.is_current}
        return piece(f"{self.page}-summary", f"panels/{self.page}_summary.html", **{**standing, **says})

    def chips(self, asked: Asked, chips: Iterable[Chip], *, are_counted: bool = True) -> Piece:
        """Those that would show something, that are chosen, or that people look for first; nobody having counted, without a number."""
        shown = [chip for chip in chips if chip.count or chip.show in {"", asked.show} or chip.show in self.always]
        urls = [replace(asked, show=chip.show).url() for chip in shown]
        return piece(
            f"{self.page}-chips",
            "panels/chips.html",
            chips=list(zip(shown, urls, strict=True)),
            chosen=asked.show,
            label=self.chips_label,
            are_counted=are_counted,
        )

    def state(self, seen: Look, asked: Asked, *, shown: int, total: int, also: str = "", empty: tuple[str, str] | None = None) -> Piece:
        """Why there are no rows, or not all; `also` is said in any case, `empty` in the place of what the page says by itself."""
        empty = empty or (str(self.empty[0]), str(self.empty[1]))
        clear = replace(asked, q="", show="").url()
        state = region_state(seen, shown=shown, total=total, sources=self.sources, empty=empty, clear=clear)
        return piece(f"{self.page}-state", "panels/region_state.html", state=state, cut=" ".join(filter(None, [_cut(shown), cut_words(asked.q), also])))


class ListPanel:
    """The part of a list page's panel that is the same for all."""

    permission = "lockhouse.view_locks"
    listing: Listing[Any]

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return self.listing.asked(given).given()

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and changes with the query alone."""
        asked = self.listing.asked(query)
        return {"asked": asked, "columns": list(self.listing.headings(asked))}


def _cut(shown: int) -> str:
    if shown <= MAX_ROWS:
        return ""
    return _("The first %(shown)s of %(all)s; filter to see the others.") % {"shown": MAX_ROWS, "all": number_format(shown, force_grouping=True)}

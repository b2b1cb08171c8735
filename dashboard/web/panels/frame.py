"""What every page carries beside its own regions: the navigation's counts, the state for title and icon, and what is wrong with us."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from dashboard.conf import conf
from dashboard.web.instants import Instant, instant_of, maybe
from dashboard.web.look import Look
from dashboard.web.navigation import links
from dashboard.web.panel import Piece
from dashboard.words import still_searched, visible

ICONS = {"calm": "lockhouse/icon-calm.svg", "alert": "lockhouse/icon-alert.svg", "unknown": "lockhouse/icon-unknown.svg"}
OWN_SOURCE = "lockhouse"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Why a region shows no rows, or not all: `kind` is "unknown", "empty", "no-match" or "unavailable"; "" where it shows what there is."""

    kind: str = ""
    title: str = ""
    text: str = ""
    since: Instant | None = None
    last_good: Instant | None = None
    link: str = ""
    link_word: str = ""


def piece(identity: str, template: str, within: str | None = None, **context: Any) -> Piece:
    """The template rendered as the element with this id."""
    html = render_to_string(f"lockhouse/{template}", {"id": identity, **context}).strip()
    return Piece(id=identity, html=html, within=within)


def _kept(identity: str, template: str, **context: Hashable) -> Piece:
    """As `piece`, made once for as long as nothing in it changes: a frame goes with every push, and seldom differs from the last."""
    return _rendered(identity, template, tuple(context.items()), get_language())


@lru_cache(maxsize=256)
def _rendered(identity: str, template: str, context: tuple[tuple[str, Any], ...], _language: str | None) -> Piece:
    return piece(identity, template, **dict(context))


def frame(look: Look, page: str, title: str, may: frozenset[str]) -> Iterator[Piece]:
    """The pieces around a page's own regions."""
    yield _kept("lh-nav", "panels/nav.html", links=tuple(links(look, page, may)))
    yield _kept("lh-state", "panels/state.html", title=page_title(look, title), icon=_icon(look))
    yield _kept("lh-banner", "panels/banner.html", **_banner(look))


def page_title(look: Look, title: str) -> str:
    """The tab's title, which carries the state: `2 ✕ shop-production · Locks`."""
    state = "?" if not look.is_current else f"{len(look.concerns)} ✕" if look.concerns else ""
    return f"{state} {visible(conf().NAME)} · {title}".strip()


def _icon(look: Look) -> str:
    return ICONS["unknown" if not look.is_current else "alert" if look.concerns else "calm"]


def _banner(look: Look) -> dict[str, Any]:
    """What is wrong with Lockhouse itself, so that nothing below is taken for the present."""
    own = next(iter(look.away(OWN_SOURCE)), None)
    kind = "own" if own else "no-observer" if not look.has_observer else "stale" if look.is_stale else ""
    if not kind:
        return {"kind": kind}
    return {
        "kind": kind,
        "since": maybe(own.since if own else look.snapshot.at, look.now),
        "last_good": maybe(look.snapshot.at, look.now),
        "reason": visible(own.reason or "") if own else "",
    }


def region_state(look: Look, *, shown: int, total: int, sources: tuple[str, ...], empty: tuple[str, str], clear: str = "") -> State:
    """Which of the four states a region is in, in words; `sources` are those without which its rows cannot be known."""
    if not look.has_observer:
        return State(kind="unknown", title=_("Not known"), text=_("No observer has looked yet."))
    if away := look.away(*sources):
        source = away[0]
        text = _("Shown below: what was known when it last answered.") if shown else _("Nothing is known, which is not the same as nothing being there.")
        title = _("%(source)s is unavailable") % {"source": visible(source.name)}
        reason = f"{visible(source.reason)}. " if source.reason else ""
        return State(
            kind="unavailable", title=title, text=reason + text, since=instant_of(source.since, look.now), last_good=maybe(source.last_good_at, look.now)
        )
    if total and not shown:
        return State(
            kind="no-match",
            title=_("Nothing matches the filter"),
            text=ngettext("%(n)d is hidden by it.", "%(n)d are hidden by it.", total) % {"n": total},
            link=clear,
            link_word=_("Clear the filter"),
        )
    return State() if shown else State(kind="empty", title=empty[0], text=empty[1])


def no_lock(look: Look, title: str, text: str) -> tuple[str, str]:
    """What is said where no lock is shown: this, unless not all names were looked at yet."""
    searched = all_searched(look)
    return (_("No lock was found so far"), f"{searched}.") if searched else (title, text)


def all_searched(look: Look) -> str:
    """Every cache that is being looked through; "" where none is."""
    return "; ".join(still_searched(name, search) for name, search in look.searched.items())

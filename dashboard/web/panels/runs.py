"""The Runs page: those that go on, and those that ended out of the history, filtered and sorted by its query, page by page."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.urls import get_script_prefix
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from dashboard.api.run_list import LAST, Ended, ended, every, gaps_since, going
from dashboard.judge.run_filter import absolute, matches_run
from dashboard.judge.runs import GOING, WAITING, JudgedRun, judge_runs
from dashboard.records import RUN_KEPT, Snapshot
from dashboard.web.instants import maybe
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.listing import MAX_ROWS, Asked, Chip, Found, Listing, ListPanel
from dashboard.web.panels.run_row import row_html, row_id, sort_value
from dashboard.words import visible
from dashboard.words.history import gap_sentence
from dashboard.words.run_filter import not_found, wrong_filter
from dashboard.words.runs import state_word

MAX_DIGITS = 20  # LAST has one less
PAGE = 100  # runs of the history on one page
MOMENT = timedelta(seconds=0.9)  # less than the time after which open pages are looked through again though nothing was announced
MAX_KEPT = 32  # renderings, of 150 kB
GROUPS: Mapping[str, frozenset[str]] = {
    "active": frozenset({"active"}),
    "waiting": WAITING,
    "lost": frozenset({"lost", "unknown"}),
    "refused": frozenset({"refused"}),
    "failed": frozenset({"failed", "rejected"}),
    "retried": frozenset({"retried"}),
    "revoked": frozenset({"revoked"}),
    "succeeded": frozenset({"succeeded"}),
}


_last: tuple[Look, list[JudgedRun], dict[str, Any]] | None = None  # all views of one push look at the same


def judged_runs(seen: Look) -> list[JudgedRun]:
    """Every run of this moment, with the locks that it holds."""
    return _looked_at(seen)[1]


def _looked_at(seen: Look) -> tuple[Look, list[JudgedRun], dict[str, Any]]:
    global _last  # noqa: PLW0603  # threads may overwrite each other's: each goes on with its own
    last = _last
    if last is None or last[0] is not seen:
        judged = judge_runs(seen.snapshot, seen.judged, seen.now, seen.policy)
        last = _last = seen, judged, _says(seen, judged)
    return last


LIST = Listing(
    page="runs",
    title=gettext_lazy("Runs"),
    columns={
        "state": gettext_lazy("State"), "task": gettext_lazy("Task"), "run": gettext_lazy("Run"), "started": gettext_lazy("Started"),
        "runtime": gettext_lazy("Runtime"), "ended": gettext_lazy("Ended"), "worker": gettext_lazy("Worker"),
        "queue": gettext_lazy("Queue"), "lock": gettext_lazy("Lock"),
    },
    ranked="state",
    judged=judged_runs,
    matches=matches_run,
    is_shown=lambda one, show: one.state in GROUPS[show],
    value=sort_value,
    shows=GROUPS,
    always=("active", "waiting", "refused", "failed"),
    chips_label=gettext_lazy("Which runs"),
    sources=("events", "workers"),
    empty=(
        gettext_lazy("No run is known"),
        gettext_lazy("A run is here from its sending or its receipt on, where its sender or its worker tells: start workers with -E."),
    ),
)  # fmt: skip


class RunsPanel(ListPanel):
    """The live part of the Runs page: on the first page what goes on comes first; `before` names the row of the history that a later one begins after."""

    name = "runs"
    template = "lockhouse/live/runs.html"
    listing = LIST

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Snapshot, datetime, list[Piece]]] = {}  # threads may both make one: the result is the same

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        before = given.get("before", "")
        is_number = before.isascii() and before.isdigit() and len(before) < MAX_DIGITS  # Python refuses to read 4,300 of them
        return {**super().query(given), **({"before": before} if is_number and 0 < int(before) < LAST else {})}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """The summary, the chips, the state of the list, a row for each run, and the way to older ones; made once for all who ask within a moment."""
        key = (tuple(sorted(query.items())), may, get_language(), get_script_prefix())
        kept = self._kept.get(key)
        if kept is None or kept[0] is not snapshot or not timedelta(0) <= now - kept[1] < MOMENT:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[key] = snapshot, now, self._pieces(snapshot, query, may, now)
        return kept[2]

    def _pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        found = _found(look(snapshot, now), query)
        before = int(query.get("before", LAST))
        live = going(found.matching, "", _states(found)) if before == LAST else []
        room = max(1, min(PAGE, MAX_ROWS - len(live)))
        past = ended(snapshot, found.judged, absolute(found.asked.q, now), _states(found), matching=found.matching, before=before, limit=room)
        rows = LIST.chosen([*live, *past.runs], replace(found.asked, show=""), now)
        queues = {queue.name: queue for queue in snapshot.queues}
        says = {**_looked_at(found.seen)[2], "is_by_itself": not found.asked.order}
        is_all = before == LAST and not found.asked.show and not past.older
        chips = _chips([*live, *past.runs] if is_all else found.matching, are_all=is_all or bool(past.problem))
        return [
            *LIST.regions(replace(found, shown=rows), may, says=says, chips=chips, also=_missing(past, now, found.asked, is_empty=not rows)),
            *(Piece(id=row_id(one), html=row_html(one, queues.get(one.run.queue or ""), may, now), within="runs-rows") for one in rows[:MAX_ROWS]),
            piece("runs-older", "panels/runs_older.html", **_links(found.asked, before, past.older)),
        ]


def _found(seen: Look, query: Mapping[str, str]) -> Found[JudgedRun]:
    """What is asked for, times that hang on now among it."""
    found = LIST.found(seen, {**query, "q": absolute(query.get("q", ""), seen.now)})
    return replace(found, asked=LIST.asked(query))


def every_row(found: Found[JudgedRun]) -> Iterator[JudgedRun]:
    """Every run that the page's filter leaves, those of the history as well."""
    return every(found.seen.snapshot, found.judged, absolute(found.asked.q, found.seen.now), _states(found))


def _states(found: Found[JudgedRun]) -> frozenset[str] | None:
    return GROUPS[found.asked.show] if found.asked.show else None


def _links(asked: Asked, before: int, older: int) -> dict[str, str]:
    """Where older runs are, and the newest, from a page that has not these."""
    with_order = asked.url()
    joint = "&" if "?" in with_order else "?"
    return {"older": f"{with_order}{joint}before={older}" if older else "", "newest": with_order if before != LAST else ""}


def _missing(past: Ended, now: datetime, asked: Asked, *, is_empty: bool) -> str:
    """What of the history is not there: all of it, what a column's order leaves out, or what happened while nobody wrote it."""
    if past.problem:
        return _("The history %(problem)s. Shown is what is remembered without it.") % {"problem": visible(past.problem)}
    left_out = wrong_filter(absolute(asked.q, now)) or not_found(asked.q, is_empty=is_empty)
    heard = [one.run.heard_at for one in past.runs if one.run.heard_at is not None]
    partly = [_("Sorted are the runs of this page alone, not the older ones.")] if asked.order and past.older else []
    missing = [gap_sentence(gap, now) for gap in gaps_since(min(heard))] if heard else []
    return " ".join(filter(None, [left_out, *partly, *missing]))


def _says(seen: Look, judged: Sequence[JudgedRun]) -> dict[str, Any]:
    counts = Counter(one.state for one in judged)
    ended = [one.run.heard_at for one in judged if not one.is_going and one.run.heard_at is not None]
    return {
        "count": len(judged) if seen.has_observer else None,
        "active": counts["active"],
        "waiting": sum(counts[state] for state in WAITING),
        "ended": sum(count for state, count in counts.items() if state not in GOING),
        "back": maybe(min(ended), seen.now) if seen.snapshot.more_runs and ended else None,
        "kept": RUN_KEPT // timedelta(minutes=1),
    }


def _chips(counted: Sequence[JudgedRun], *, are_all: bool) -> Iterator[Chip]:
    """What goes on is always counted; of what ended only what this moment knows, where the history has more than one page of it."""
    counts = Counter(one.state for one in counted)
    words = {"waiting": _("waiting"), "lost": _("lost or not known")}
    yield Chip(show="", word=_("All"), count=len(counted), is_minimum=not are_all)
    for show, states in GROUPS.items():
        count = sum(counts[state] for state in states)
        tone = f"lh-s-{show}" if count and show in {"lost", "refused", "failed"} else ""
        is_minimum = not are_all and not states <= WAITING | {"active"}
        yield Chip(show=show, word=words.get(show) or state_word(show), count=count, tone=tone, is_minimum=is_minimum)

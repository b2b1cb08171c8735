"""One run's page: its life so far, what it was sent with, and what hangs on it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.api.run_list import executions, locks_of
from dashboard.judge.run_life import Moment, moments
from dashboard.judge.runs import JudgedRun, judge_runs
from dashboard.records import Run, Snapshot
from dashboard.web.instants import Instant, iso, maybe
from dashboard.web.links import run_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.queue import visibility_timeout
from dashboard.web.panels.run_row import run_row, secret_free
from dashboard.words import duration, instant, sentence, sentences, short_id, visible

PAYLOADS = "lockhouse.view_payloads"


class RunPanel:
    """The live part of one run's page; its query has the run's `id`, which stands for its task id."""

    permission = "lockhouse.view_locks"
    name = "run"
    template = "lockhouse/live/run.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"runs_url": reverse("lockhouse:runs")}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, life, facts; of a run that is no longer known only that."""
        seen = look(snapshot, now)
        found = executions(query.get("id", ""), snapshot, judge_runs(snapshot, seen.judged, now, seen.policy))
        queue = next((queue for queue in snapshot.queues if found and queue.name == found[0].run.queue), None)
        row = run_row(found[0], queue, may, now) if found else None
        return [
            *frame(seen, self.name, f"{row.task} {row.short}" if row else _("Run"), may),
            piece("run-head", "panels/run_head.html", row=row, **(_head(found, seen) if found else {})),
            piece("run-life", "panels/run_life.html", moments=list(_life(found, seen)) if found else []),
            piece("run-facts", "panels/run_facts.html", row=row, facts=_facts(found[0].run, may, seen) if found else {}),
        ]


def task_id_of(snapshot: Snapshot, run_id: str, seen: Look) -> str | None:
    """The task id that goes by this id in addresses; None where nobody knows it."""
    found = executions(run_id, snapshot, judge_runs(snapshot, seen.judged, seen.now, seen.policy))
    return found[0].run.task_id if found else None


def _head(found: Sequence[JudgedRun], seen: Look) -> dict[str, Any]:
    one = found[0]
    why = sentences(one.evidence, seen.now)
    twice = [other for other in found[1:] if other.state == "active" and one.state == "active"]
    return {
        "why": why,
        "is_current": seen.is_current and not seen.away("events", "workers"),
        "twice": [visible(other.run.worker or "?") for other in twice],
        "copy": copied_line(one, why),
        "skew": duration(one.skew) if one.skew is not None else "",
        "is_ahead": one.skew is not None and one.skew.total_seconds() > 0,
    }


def copied_line(one: JudgedRun, why: Sequence[str]) -> str:
    """One line for the incident channel; the browser adds the address."""
    run = one.run
    parts = [
        f"{visible(run.name or '?')} {visible(run.task_id)}: {one.state}",
        f"on {visible(run.worker)}" if run.worker else "",
        f"started {one.began_at:%Y-%m-%d %H:%M:%S} UTC" if one.began_at else "",
        f"turned away by {visible(run.refused_by)}" if run.refused_by else "",
        *(f"holds {visible(lock.lock.name)}" for lock in one.locks),
    ]
    return "; ".join([part for part in parts if part] + list(why)) + "."


def _life(found: Sequence[JudgedRun], seen: Look) -> Iterator[dict[str, Any]]:
    several = len({one.run.retries for one in found}) > 1
    last = None
    for moment in moments(found, seen.snapshot, seen.now, visibility_timeout(seen)[0], locks_of(found)):
        heading = (_("retry %(n)d") % {"n": moment.retries} if moment.retries else _("first try")) if several and moment.retries != last else ""
        last = moment.retries
        yield {"heading": heading, **_moment(moment, seen)}


def _moment(moment: Moment, seen: Look) -> dict[str, Any]:
    return {
        "at": _exact(moment.at, seen.now),
        "text": sentence(moment.what, seen.now) + (_(" (most likely it was this run)") if moment.is_likely else ""),
        "tone": moment.tone,
        "is_ahead": moment.is_ahead,
        "lock_url": reverse("lockhouse:lock", args=[moment.lock_id]) if moment.lock_id else "",
    }


def _exact(at: datetime | None, now: datetime) -> Instant | None:
    """To the millisecond, for much happens within a second."""
    return None if at is None else Instant(iso=iso(at), text=instant(at, now))


def _facts(run: Run, may: frozenset[str], seen: Look) -> dict[str, Any]:
    may_see = PAYLOADS in may
    return {
        "may_see": may_see,
        "args": secret_free(run.args, may) if may_see else "",
        "kwargs": secret_free(run.kwargs, may) if may_see and run.kwargs not in {None, "{}"} else "",
        "result": secret_free(run.result, may) if may_see and run.result != "None" else "",
        "error": secret_free(run.error, may),
        "traceback": "\n".join(secret_free(line, may) for line in (run.traceback_end or "").splitlines()),
        "relatives": list(_relatives(run)),
        "origin": visible(run.origin or ""),
        "pid": run.pid,
        "eta": maybe(run.eta_at, seen.now),
        "expires": maybe(run.expires_at, seen.now),
        "runtime": duration(run.runtime) if run.runtime is not None else "",
    }


def _relatives(run: Run) -> Iterator[dict[str, str]]:
    if run.parent_id:
        yield {"word": _("Sent by run"), "id": visible(run.parent_id), "short": short_id(run.parent_id), "url": run_url(run.parent_id)}
    if run.root_id and run.root_id not in {run.task_id, run.parent_id}:
        yield {"word": _("First of its chain"), "id": visible(run.root_id), "short": short_id(run.root_id), "url": run_url(run.root_id)}

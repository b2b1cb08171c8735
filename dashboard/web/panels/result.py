"""One result's page: everything known about it but its value, which is read when somebody asks for it."""

from collections.abc import Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.conf import conf
from dashboard.judge.results import JudgedResult, judge_results
from dashboard.records import Snapshot
from dashboard.web import redis_cli
from dashboard.web.incident import of_result
from dashboard.web.instants import maybe
from dashboard.web.links import run_url, worker_url
from dashboard.web.look import Look, look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import frame, piece
from dashboard.web.panels.result_row import result_row
from dashboard.words import visible

DELETE = "lockhouse.delete_result"


class ResultPanel:
    """The live part of one result's page; its query has the result's `id`."""

    permission = "lockhouse.view_locks"
    name = "result"
    template = "lockhouse/live/result.html"

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The part of the address that the page understands."""
        return {"id": given.get("id", "")}

    def frame(self, query: Mapping[str, str]) -> dict[str, object]:
        """What stands around the pieces and never changes."""
        return {"results_url": reverse("lockhouse:results")}

    def pieces(self, snapshot: Snapshot, query: Mapping[str, str], may: frozenset[str], now: datetime) -> list[Piece]:
        """Head, facts, and how to see it for oneself."""
        seen, result_id = look(snapshot, now), query.get("id", "")
        found = next((one for one in judge_results(snapshot, seen.policy) if one.result.id == result_id), None)
        row = result_row(found, now) if found else None
        copy = of_result(row) if row else ""
        lines, why_none = _proof(seen, found, may) if found else ([], "")
        return [
            *frame(seen, self.name, row.name if row else _("Result"), may),
            piece("result-head", "panels/result_head.html", row=row, delete_url=_delete_url(found), no_delete=_no_delete(found, may), copy=copy),
            piece("result-facts", "panels/result_facts.html", row=row, facts=_facts(found, seen) if found else None),
            piece("result-proof", "panels/lock_proof.html", lines=lines, why_none=why_none),
        ]


def name_of(snapshot: Snapshot, result_id: str) -> str | None:
    """The name of a result that is known; None for one that nobody knows."""
    return next((result.name for result in snapshot.results if result.id == result_id), None)


def _delete_url(one: JudgedResult | None) -> str:
    return reverse("lockhouse:result-delete", args=[one.result.id]) if one else ""


def _no_delete(one: JudgedResult | None, may: frozenset[str]) -> str:
    """Why it cannot be deleted from here; empty where it can."""
    if one is None or not one.is_there:
        return _("There is nothing to delete.")
    if conf().READ_ONLY:
        return _("Lockhouse is read-only here: acts are switched off.")
    return "" if DELETE in may else _("You have no permission to delete results.")


def _facts(one: JudgedResult, seen: Look) -> dict[str, object]:
    result = one.result
    return {
        "kind": visible(result.kind),
        "first_seen": maybe(result.first_seen_at, seen.now),
        "written": maybe(result.written_at, seen.now),
        "was_until": maybe(result.expires_at, seen.now) if not one.is_there else None,
        "runs": [
            {
                "id": visible(run.task_id),
                "url": run_url(run.task_id),
                "worker": visible(run.worker or ""),
                "worker_url": worker_url(run.worker) if run.worker else "",
                "since": maybe(run.started_at, seen.now),
            }
            for run in one.runs
        ],
    }


def _proof(seen: Look, one: JudgedResult, may: frozenset[str]) -> tuple[list[str], str]:
    names = {one.result.cache, f"cache {one.result.cache}"}
    url = next((source.url for source in seen.snapshot.sources if source.name in names), None)
    return redis_cli.of_key(url, one.result.raw_key, may)

"""A list as a file, for a spreadsheet or for a program: every row that the page's filter shows, beyond the page's own bound, in the columns that the API gives.

For a program it is a JSON object on each line, so that it can be read while it comes. In one for a spreadsheet a cell that would be taken for a formula
is made text, for names come from the watched system, and what a screen would hide is spelled out.
"""

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from typing import Any, cast
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from dashboard.api.queue_rows import queue_row
from dashboard.api.result_rows import result_row
from dashboard.api.rows import lock_row, unavailable
from dashboard.api.run_rows import run_row
from dashboard.api.schedule_rows import schedule_row
from dashboard.api.task_rows import task_row
from dashboard.api.worker_rows import worker_row
from dashboard.conf import conf
from dashboard.judge.run_filter import absolute
from dashboard.judge.runs import JudgedRun
from dashboard.judge.schedules import JudgedSchedule
from dashboard.records import Snapshot
from dashboard.web.links import page_url
from dashboard.web.look import look
from dashboard.web.panels import locks, queues, results, runs, schedules, tasks, workers
from dashboard.web.panels.listing import Listing
from dashboard.words import spelled_out
from dashboard.words.lock_filter import wrong_lock_filter
from dashboard.words.run_filter import wrong_filter

CSV, JSON = "csv", "json"
FILES = {CSV: ("text/csv; charset=utf-8", "csv"), JSON: ("application/x-ndjson", "jsonl")}  # what they are called, and how their names end
PAYLOADS, UNREDACTED = "lockhouse.view_payloads", "lockhouse.view_unredacted"
ROWS_AT_ONCE = 200
# Where a cell begins for a spreadsheet, before what makes it a formula: in many languages it parts cells at every semicolon as well, and
# takes the quotes that it finds there away. The wide signs are taken for the others in some places.
_AT_A_START = re.compile(r"(^|;)(?=[\s\"]*[=+\-@＝＋－＠])")
Row = Mapping[str, Any]
Query = Mapping[str, str]
May = frozenset[str]


def _run(one: JudgedRun, now: datetime, may: May) -> Row:
    return run_row(one, now, payloads=PAYLOADS in may, unredacted=UNREDACTED in may)


def _schedule(one: JudgedSchedule, now: datetime, may: May) -> Row:
    return schedule_row(one, now, payloads=PAYLOADS in may, unredacted=UNREDACTED in may)


EXPORTS: Mapping[str, tuple[Listing[Any], Callable[[Any, datetime, May], Row]]] = {  # a page's list, and a row of it as the API has it
    "locks": (locks.LIST, lambda one, now, _may: lock_row(one, now)),
    "queues": (queues.LIST, lambda one, now, _may: queue_row(one, now)),
    "tasks": (tasks.LIST, lambda one, now, _may: task_row(one, now)),
    "runs": (runs.LIST, _run),
    "results": (results.LIST, lambda one, now, _may: result_row(one, now)),
    "schedules": (schedules.LIST, _schedule),
    "workers": (workers.LIST, lambda one, now, _may: worker_row(one, now)),
}


def file_urls(page: str, query: Query) -> dict[str, str]:
    """Where the page's list is as a file of each kind; nothing for a page without one."""
    return {kind: f"{page_url(page)}?{urlencode({**query, 'format': kind})}" for kind in FILES} if page in EXPORTS else {}


def file_response(request: HttpRequest, kind: str, page: str, snapshot: Snapshot, query: Query, may: May, now: datetime) -> HttpResponse:
    """The file of this kind, sent while it is written; its name says of when it is, and whether something could not be looked at.

    422 with a sentence for a filter that is none: a file without rows would say that there are none.
    """
    if said := _wrong(page, query.get("q", ""), now):
        return HttpResponse(f"{said}\n", status=422, content_type="text/plain; charset=utf-8")
    listing, row = EXPORTS[page]
    found = listing.found(look(snapshot, now), query)
    rows = (row(one, now, may) for one in (runs.every_row(found) if page == "runs" else found.shown))
    return rows_response(request, kind, page, rows, snapshot.at, is_whole=not unavailable(snapshot, now))


def _wrong(page: str, q: str, now: datetime) -> str:
    if page == "locks":
        return wrong_lock_filter(q)
    return wrong_filter(absolute(q, now)) if page == "runs" else ""


def rows_response(request: HttpRequest, kind: str, page: str, rows: Iterator[Row], at: datetime | None, *, is_whole: bool) -> HttpResponse:
    """These rows as a file of this kind."""
    (content_type, ending), parts = FILES[kind], (_table if kind == CSV else _lines)(rows)
    response = StreamingHttpResponse(_in_threads(parts) if isinstance(request, ASGIRequest) else parts, content_type=content_type)
    system = re.sub(r"[^A-Za-z0-9_.-]+", "-", conf().NAME)
    of = f"-{at:%Y%m%dT%H%M%SZ}" if at else ""
    missing = "" if is_whole else "-incomplete"
    response["Content-Disposition"] = f'attachment; filename="{system}-{page}{of}{missing}.{ending}"'
    return cast(HttpResponse, response)  # it is none to the types alone: whoever passes it on sets headers, and no more


async def _in_threads(parts: Iterator[str]) -> AsyncIterator[str]:
    """The same for an ASGI server, whose loop must not wait while rows are made."""
    while part := await sync_to_async(_next)(parts):
        yield part


def _next(parts: Iterator[str]) -> str:
    return next(parts, "")


def _lines(rows: Iterator[Row]) -> Iterator[str]:
    """The file in pieces: an object on each line."""
    while some := list(islice(rows, ROWS_AT_ONCE)):
        yield "".join(f"{json.dumps(row)}\n" for row in some)


def _table(rows: Iterable[Row]) -> Iterator[str]:
    """The file in pieces: the columns' names, then the rows."""
    flat = (_flat(row) for row in rows)
    first = next(flat, None)
    yield _written([list(first) if first else ["id"]])
    lines = ([_cell(value) for value in row.values()] for row in chain([first] if first else [], flat))
    while some := list(islice(lines, ROWS_AT_ONCE)):
        yield _written(some)


def _written(lines: Iterable[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _flat(row: Row) -> dict[str, Any]:
    """The row with what its holder is made of in columns of their own."""
    flat = dict(row)
    holder = flat.pop("holder", None)
    return {**flat, **{f"holder_{name}": value for name, value in holder.items()}} if isinstance(holder, Mapping) else dict(row)


def _cell(value: Any) -> Any:
    """Text that is nothing but text; what is not known is empty, and a number stays one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = spelled_out(_text(value))
    return _AT_A_START.sub(r"\1'", text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(part)}" for name, part in value.items())
    return "; ".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)

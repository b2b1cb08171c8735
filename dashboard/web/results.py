"""The pages of results. A value is read when somebody who may see it asks for it: one bounded look, never more."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import snapshot as snapshots
from dashboard.acts.result_target import looked_at
from dashboard.web.access import page_for
from dashboard.web.instants import maybe
from dashboard.web.panels import RESULT, RESULTS
from dashboard.web.panels.result import name_of
from dashboard.web.previews import lines
from dashboard.web.show import is_partial, may_of, now_utc, show, show_page
from dashboard.words import visible
from dashboard.words.results import NOTES, extent, format_words, size

VIEW_SECRETS = "lockhouse.view_unredacted"


@require_GET
@page_for("lockhouse.view_locks")
def results(request: HttpRequest) -> HttpResponse:
    """Every result: the whole page, or only its live part when htmx asks."""
    return show(request, RESULTS, _("Results"), request.GET.dict())


@require_GET
@page_for("lockhouse.view_locks")
def result(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # the URL's own word
    """One result; 404 with a sentence for one that nobody knows."""
    newest = snapshots.newest()
    name = name_of(newest, id)
    if name is None:
        return show_page(request, "lockhouse/result_missing.html", here="result", title=_("No such result"), status=404, has_observer=newest.at is not None)
    is_there = any(one.id == id and one.gone_at is None and one.first_seen_at is not None for one in newest.results)
    return show(request, RESULT, visible(name), {"id": id}, newest, also={"is_there": is_there})


@require_GET
@page_for("lockhouse.view_payloads")
def result_value(request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002  # as above
    """What the result says, as nodes that do nothing; its secrets only for those who may see them, and only when asked for."""
    with_secrets = request.GET.get("secrets") == "1" and VIEW_SECRETS in may_of(request)
    found = looked_at(id, unredacted=with_secrets)
    context = {"id": id, "name": visible(found.name), "with_secrets": with_secrets, "read": maybe(now_utc(), now_utc()), **_value(found.preview, found.kind)}
    if not is_partial(request):
        return show_page(request, "lockhouse/result_value.html", here="result", title=visible(found.name), **context)
    response = render(request, "lockhouse/panels/result_value.html", context)
    patch_vary_headers(response, ["HX-Request"])
    patch_cache_control(response, no_store=True)
    return response


def _value(preview: Any, kind: str) -> dict[str, Any]:
    if preview is None:
        return {"kind": visible(kind)}
    return {
        "kind": visible(kind),
        "preview": preview,
        "format": format_words(preview),
        "extent": extent(preview),
        "unpacked": size(preview.unpacked_bytes) if preview.unpacked_bytes is not None else "",
        "note": NOTES.get(preview.note, ""),
        "lines": lines(preview.root),
    }

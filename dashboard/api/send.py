"""The API's operations that send: will this run, and send it."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Router

from dashboard import snapshot as snapshots
from dashboard.acts.json_text import parse
from dashboard.acts.preflight import layout, look
from dashboard.acts.refusals import Refused
from dashboard.acts.send import send_now
from dashboard.acts.sending import MAX_BODY, from_json
from dashboard.api.auth import caller, needs
from dashboard.api.locks import IdempotencyKey, status_of
from dashboard.api.rows import as_known
from dashboard.api.send_rows import check_row, sent_row
from dashboard.records import Sending

router = Router(tags=["send"])
FIELDS = {
    "task": {"type": "string"},
    "queue": {"type": "string"},
    "args": {"type": "array", "items": {}},
    "kwargs": {"type": "object"},
    "countdown": {"type": "number", "description": "Seconds."},
    "eta": {"type": "string", "format": "date-time"},
    "expires": {"description": "Seconds, or a time.", "oneOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]},
    "priority": {"type": "integer", "minimum": 0, "maximum": 9},
    "ignore_result": {"type": "boolean", "default": True},
    "count": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
    "reason": {"type": "string", "maxLength": 1000},
    "anyway": {"type": "boolean", "default": False, "description": "Send it although by what is known it will not run."},
}
BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object", "required": ["task", "queue"], "properties": FIELDS}}}}


@router.post("/send/check", summary="Will this run?", auth=needs("lockhouse.send_tasks"), openapi_extra={"requestBody": BODY})
def check(request: HttpRequest) -> dict[str, Any]:
    """The verdict and every check behind it; nothing is sent."""
    sending, _said = _read(request)
    now, known = datetime.now(UTC), snapshots.newest()
    return {**check_row(look(sending, known, now), now), **as_known(known, now)}


@router.post("/send", summary="Send a task to a queue", auth=needs("lockhouse.send_tasks"), openapi_extra={"requestBody": BODY})
def send(request: HttpRequest, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Sends it once; the same Idempotency-Key answers with what came of the first request. 409 where by what is known it will not run."""
    sending, said = _read(request)
    reason = said.get("reason", "")
    if not isinstance(reason, str):
        raise Refused("send_field_type", what="reason")
    outcome = send_now(caller(request), sending, origin="api", reason=reason, anyway=said.get("anyway") is True, idempotency_key=idempotency_key)
    return JsonResponse(sent_row(outcome), status=status_of(outcome))


def _read(request: HttpRequest) -> tuple[Sending, dict[str, Any]]:
    """The message that the body means, and the body.  Raises: Refused, Malformed."""
    if len(request.body) > MAX_BODY:
        raise Refused("send_too_large", limit="1 MB")
    said = parse(request.body.decode("utf-8", "surrogateescape"), "the body", limit=MAX_BODY)
    if not isinstance(said, dict) or (unknown := sorted(said.keys() - FIELDS.keys())):
        raise Refused("send_body", names=", ".join(unknown) if isinstance(said, dict) else "?")
    return from_json(said, layout()), said

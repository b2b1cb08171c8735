"""The API's operations that change how long a lock lasts, and the one that undoes an act."""

import uuid
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import Field, Router, Schema
from pydantic import AwareDatetime

from dashboard.acts.lifetime import LONGEST, change_now
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT, Act
from dashboard.acts.revoke import revoke_now
from dashboard.acts.undo import undo
from dashboard.api.auth import caller, needs
from dashboard.api.locks import IdempotencyKey, outcome_row, status_of

MS = timedelta(milliseconds=1)
RELEASE_LOCK = "lockhouse.release_lock"
REVOKE_RUNS = "lockhouse.revoke_runs"
router = Router(tags=["locks"])


class Change(Schema):
    """Which token, and why."""

    token_digest: str = Field(pattern=r"^[0-9a-f]{16}$", description="The lock's token_digest as you saw it: only that token's lifetime is changed.")
    reason: str = Field(min_length=1, max_length=1000, description="Kept with the act.")


class Extend(Change):
    """The same, with how much is added."""

    by_ms: int = Field(ge=1000, le=LONGEST // MS, description="Added to what is left.")
    expected_deadline: AwareDatetime | None = Field(
        None, description="The lock's expires_at as you saw it: where it was moved since, nothing is done (409, `deadline_moved`). Without it any will do."
    )


class Protect(Change):
    """The same, with for how long."""

    for_ms: int | None = Field(None, ge=1000, le=LONGEST // MS, description="The token is back for so long; without it for the time that the lock had.")


class Revoke(Change):
    """The same, and whether its process is ended."""

    terminate: bool = Field(False, description="End the run's process (SIGTERM); needs the permission terminate_runs. Else a run that is under way goes on.")


class Timeout(Change):
    """The same, with how long it lasts from now."""

    timeout_ms: int = Field(ge=1000, le=LONGEST // MS, description="The lock expires so long from now.")
    force: bool = Field(False, description="Also where it is not proved that nobody holds it; needs the permission force_release_lock.")


@router.post("/locks/{lock_id}/extend", summary="Add time to a lock", auth=needs(RELEASE_LOCK))
def extend(request: HttpRequest, lock_id: str, body: Extend, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Compares and extends; the same Idempotency-Key answers with what came of the first request."""
    return _changed(request, EXTEND, lock_id, body, idempotency_key, span=body.by_ms * MS, expected_deadline=body.expected_deadline)


@router.post("/locks/{lock_id}/timeout", summary="Give a timeout to a lock that never expires", auth=needs(RELEASE_LOCK))
def timeout(request: HttpRequest, lock_id: str, body: Timeout, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Compares and sets it; refused for a lock that expires anyway."""
    return _changed(request, LIMIT, lock_id, body, idempotency_key, span=body.timeout_ms * MS, force=body.force)


@router.post("/locks/{lock_id}/protect", summary="Put back the token of a run that outlived its lock", auth=needs(RELEASE_LOCK))
def protect(request: HttpRequest, lock_id: str, body: Protect, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """While nobody has taken it; refused where no run is known to go on."""
    return _changed(request, PROTECT, lock_id, body, idempotency_key, span=None if body.for_ms is None else body.for_ms * MS)


@router.post("/locks/{lock_id}/revoke", summary="Revoke the run that holds a lock, and release it once the run was seen to end", auth=needs(REVOKE_RUNS))
def revoke(request: HttpRequest, lock_id: str, body: Revoke, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """It waits up to 8 s for the end; where that was not seen the lock stays, and `code` is `revoked_not_ended` though `state` is `done`."""
    outcome = revoke_now(caller(request), lock_id, body.token_digest, body.reason, terminate=body.terminate, origin="api", idempotency_key=idempotency_key)
    return JsonResponse(outcome_row(outcome), status=status_of(outcome))


@router.post("/acts/{act_id}/undo", summary="Undo a release, an extension, a timeout or a protection", auth=needs(RELEASE_LOCK))
def undone(request: HttpRequest, act_id: uuid.UUID) -> JsonResponse:
    """Until its `undo_until`; asked for twice, it answers with what came of the first."""
    outcome = undo(caller(request), act_id, origin="api")
    return JsonResponse(outcome_row(outcome), status=status_of(outcome))


def _changed(request: HttpRequest, act: Act, lock_id: str, body: Change, idempotency_key: str | None, **extent: Any) -> JsonResponse:
    outcome = change_now(caller(request), act, lock_id, body.token_digest, body.reason, origin="api", idempotency_key=idempotency_key, **extent)
    return JsonResponse(outcome_row(outcome), status=status_of(outcome))

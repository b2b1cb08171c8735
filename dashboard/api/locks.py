"""The API's operations on locks: list, look at one, release."""

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, JsonResponse
from ninja import Field, Header, Query, Router, Schema
from ninja.errors import HttpError

from dashboard import snapshot as snapshots
from dashboard.acts import history
from dashboard.acts.again import not_sent_with, release_and_send, sent_with
from dashboard.acts.bulk import release_many
from dashboard.acts.picked import MAX_LOCKS
from dashboard.acts.refusals import Refused
from dashboard.acts.release import Outcome, release_now
from dashboard.api.auth import caller, needs
from dashboard.api.paging import INVALID, page
from dashboard.api.rows import as_known, lock_row, locks_answer, rfc3339, shown_name
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.judge.filtering import matches
from dashboard.judge.one_lock import of_lock
from dashboard.words import visible
from dashboard.words.lock_filter import wrong_lock_filter

MAX_LIMIT = 1000
STATUS = {"done": 200, "refused": 409, "failed": 503, "unknown": 202, "intent": 202}
NOT_THERE = {"already_gone": 404}
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
router = Router(tags=["locks"])


class Release(Schema):
    """Which token to release, and why."""

    token_digest: str = Field(pattern=r"^[0-9a-f]{16}$", description="The lock's token_digest as you saw it: only that token is released.")
    reason: str = Field(min_length=1, max_length=1000, description="Kept with the act.")
    force: bool = Field(False, description="Also where it is not proved that nobody holds it; needs the permission force_release_lock.")
    send_again: bool = Field(False, description="Then send the run that was lost with it again, if all of it is known; needs the permission send_tasks.")
    send_once_more: bool = Field(False, description="The same, also where that run was sent again before, which is refused else.")


class Seen(Schema):
    """A lock, and the token of it that you saw."""

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    token_digest: str = Field(pattern=r"^[0-9a-f]{16}$")


class ReleaseMany(Schema):
    """Which tokens to release, and why."""

    locks: list[Seen] = Field(min_length=1, max_length=MAX_LOCKS, description="Each is released by itself, if it is proved that nobody holds it.")
    reason: str = Field(min_length=1, max_length=1000, description="Kept with each act.")


class ReleaseOf(Release):
    """The same, with the lock's id."""

    id: str = Field(pattern=r"^[0-9a-f]{16}$")


@router.get("/locks", summary="The held locks, most urgent first", auth=needs("lockhouse.view_locks"))
def locks(request: HttpRequest, q: str = "", limit: Limit = 100, cursor: str | None = None) -> dict[str, Any]:
    """`q` filters like the page: free words, and `field:value` for verdict, task, worker, cache, holder; 422 for a verdict that is none.

    `note`: what of the filter was not looked for, or not as it was meant, in words; null where there is nothing to say.
    """
    now, known = datetime.now(UTC), snapshots.newest()
    if said := wrong_lock_filter(q):
        raise HttpError(INVALID, said)
    found = [one for one in assess(known, now, policy()) if matches(one, q)]
    shown, of_all = page(found, lambda one: one.lock.id, limit, cursor)
    rows = [lock_row(one, now) for one in shown]
    return {**locks_answer(known, rows, now, q), **of_all}


# Before the routes with an id, which would take "release" for one.
@router.post("/locks/release", summary="Release a lock, its id in the body", auth=needs("lockhouse.release_lock"))
def release_of(request: HttpRequest, body: ReleaseOf, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Compares and deletes; the same Idempotency-Key answers with what came of the first request."""
    return _released(request, body.id, body, idempotency_key)


@router.post("/locks/release-many", summary="Release several locks, each by itself", auth=needs("lockhouse.release_lock"))
def release_several(request: HttpRequest, body: ReleaseMany, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Never forced, never all or nothing: `locks` says what came of each, in the same form as one release. 200 where any was released."""
    picked = [(one.id, one.token_digest) for one in body.locks]
    outcome = release_many(caller(request), picked, body.reason, origin="api", idempotency_key=idempotency_key)
    return JsonResponse(many_row(outcome), status=status_of(outcome))


@router.get("/locks/{lock_id}", summary="One lock", auth=needs("lockhouse.view_locks"))
def lock(request: HttpRequest, lock_id: str) -> dict[str, Any]:
    """The token that is under its key now, else one whose run goes on without it; 404 where there is neither."""
    now, known = datetime.now(UTC), snapshots.newest()
    found = of_lock(assess(known, now, policy()), lock_id)
    if not found:
        raise Refused("not_known")
    return {"lock": lock_row(found[0], now), **as_known(known, now)}


@router.post("/locks/{lock_id}/release", summary="Release a lock", auth=needs("lockhouse.release_lock"))
def release(request: HttpRequest, lock_id: str, body: Release, idempotency_key: IdempotencyKey = None) -> JsonResponse:
    """Compares and deletes; the same Idempotency-Key answers with what came of the first request."""
    return _released(request, lock_id, body, idempotency_key)


def _released(request: HttpRequest, lock_id: str, body: Release, idempotency_key: str | None) -> JsonResponse:
    named = (caller(request), lock_id, body.token_digest, body.reason)
    given: dict[str, Any] = {"force": body.force, "origin": "api", "idempotency_key": idempotency_key}
    with_run = body.send_again or body.send_once_more
    outcome = release_and_send(*named, once_more=body.send_once_more, **given) if with_run else release_now(*named, **given)
    return JsonResponse(release_row(outcome), status=status_of(outcome))


def release_row(outcome: Outcome) -> dict[str, Any]:
    """What came of a release, and of sending its lost run again where that was asked for."""
    sent = sent_with(outcome.act)
    not_sent = not_sent_with(outcome.act)
    said = {"sent_again": outcome_row(Outcome(act=sent))} if sent else {"not_sent_again": not_sent} if not_sent else {}
    return {**outcome_row(outcome), **said}


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """What came of an act, for programs; the command line prints the same."""
    row = {
        "act": str(outcome.act.id),
        "state": outcome.state,
        "code": outcome.code,
        "message": outcome.sentence,
        "values": {name: shown_name(value) if isinstance(value, str) else value for name, value in outcome.act.values.items()},
        "replayed": outcome.replayed,
        "undo_until": rfc3339(outcome.act.undo_until),
    }
    return row if outcome.state in {"done", "unknown", "intent"} else {**row, "error": outcome.sentence}


def many_row(outcome: Outcome) -> dict[str, Any]:
    """What came of an act on several locks: of all, and of each with its lock's id and name."""
    done = history.parts_of(outcome.act)
    return {**outcome_row(outcome), "locks": [{"id": part.target_id, "name": visible(part.target_name), **outcome_row(Outcome(act=part))} for part in done]}


def status_of(outcome: Outcome) -> int:
    """Done 200; not known yet 202; gone 404; any other refusal 409; a source that does not answer 503."""
    return NOT_THERE.get(outcome.code, STATUS[outcome.state])

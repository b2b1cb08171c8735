"""The API: its operations, who may call them, and how it says no. Every error is `{"error": sentence}`."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import HttpError, ValidationError

from dashboard.api import acts, lock_history, locks, overview, queues, results, runs, schedules, send, tasks, workers
from dashboard.api.auth import ANY_OF
from dashboard.api.docs import Docs
from dashboard.api.invalid import wrong
from dashboard.api.openapi import Api
from dashboard.exceptions import DashboardError

UNAUTHORIZED = 401
HOW_TO = "Log in, or send the header `Authorization: Bearer <token>` with a token from `manage.py token USER`."

api = Api(
    title="Lockhouse",
    version="1",
    description="What Celery does on Redis: locks, queues, tasks, runs, results, workers, schedules, and the acts that change something. " + HOW_TO,
    urls_namespace="lockhouse:lockhouse-api",
    auth=ANY_OF,
    docs=Docs(),
)
api.add_router("", locks.router)
api.add_router("", lock_history.router)
api.add_router("", acts.router)
api.add_router("", overview.router)
api.add_router("", queues.router)
api.add_router("", results.router)
api.add_router("", runs.router)
api.add_router("", schedules.router)
api.add_router("", send.router)
api.add_router("", tasks.router)
api.add_router("", workers.router)


@api.exception_handler(DashboardError)
def on_refusal(request: HttpRequest, error: DashboardError) -> HttpResponse:
    """What was refused or failed on purpose."""
    code = getattr(error, "code", None)
    return JsonResponse({"error": str(error), **({"code": code} if code else {})}, status=error.status)


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Not logged in, no CSRF token, no JSON."""
    if error.status_code == UNAUTHORIZED:
        return JsonResponse({"error": HOW_TO}, status=UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    return JsonResponse({"error": error.message}, status=error.status_code)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Which part of the request is wrong, and how; what was sent is not sent back."""
    return JsonResponse({"error": "; ".join(wrong(one) for one in error.errors)}, status=422)


@api.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    """What an operation looked for is not there."""
    return missing(request)


@csrf_exempt
def missing(request: HttpRequest, **_path: str) -> HttpResponse:
    """No such operation, whatever the method: programs get no page."""
    return JsonResponse(
        {"error": _("There is nothing here; %(docs)s tells what there is.") % {"docs": reverse("lockhouse:lockhouse-api:openapi-view")}}, status=404
    )

"""Every role, every route, every method: who gets in, and that nobody else has any effect."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLResolver

from dashboard.acts.registry import ACTS
from dashboard.acts.tokens import make_token
from dashboard.api.app import api
from dashboard.models import ApiToken, OperatorAct
from dashboard.web import urls
from tests.dashboard.acts.scene import make_user

pytestmark = pytest.mark.django_db

ROLES = [None, "nobody", "staff", "Viewers", "Auditors", "Operators", "Administrators"]
READERS = {"Viewers", "Auditors", "Operators", "Administrators"}
RECORDERS = {"Auditors", "Operators", "Administrators"}
RELEASERS = SENDERS = {"Operators", "Administrators"}
DELETERS = CONTROLLERS = {"Administrators"}
ROUTES = [
    ("/locks/{id}/release/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/locks/release/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/locks/{id}/extend/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/locks/{id}/timeout/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/locks/{id}/protect/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/results/{id}/delete/", {"GET": DELETERS, "POST": DELETERS}),
    ("/acts/{act}/restore/", {"POST": DELETERS}),
    ("/acts/{act}/undo-all/", {"POST": RELEASERS}),
    ("/workers/{id}/events/", {"GET": CONTROLLERS, "POST": CONTROLLERS}),
    ("/send/", {"GET": SENDERS, "POST": SENDERS}),
    ("/send/check/", {"POST": SENDERS}),
    ("/trace/{act}/", {"GET": READERS}),
    ("/results/{id}/value/", {"GET": RELEASERS}),
    ("/runs/?format=csv", {"GET": READERS}),
    ("/acts/", {"GET": RECORDERS}),
    ("/acts/{act}/", {"GET": RECORDERS}),
    ("/acts/{act}/undo/", {"POST": RELEASERS}),
    ("/api/v1/locks", {"GET": READERS}),
    ("/api/v1/locks/{id}", {"GET": READERS}),
    ("/api/v1/locks/{id}/release", {"POST": RELEASERS}),
    ("/api/v1/locks/release", {"POST": RELEASERS}),
    ("/api/v1/locks/release-many", {"POST": RELEASERS}),
    ("/api/v1/locks/{id}/extend", {"POST": RELEASERS}),
    ("/api/v1/locks/{id}/timeout", {"POST": RELEASERS}),
    ("/api/v1/locks/{id}/protect", {"POST": RELEASERS}),
    ("/api/v1/acts/{act}/undo", {"POST": RELEASERS}),
    ("/api/v1/send", {"POST": SENDERS}),
    ("/api/v1/send/check", {"POST": SENDERS}),
    ("/api/v1/results/{id}/value", {"GET": RELEASERS}),
    ("/api/v1/runs", {"GET": READERS}),
    ("/api/v1/overview", {"GET": READERS}),
]
PERMISSIONS = import_module("dashboard.migrations.0002_groups").PERMISSIONS
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def user_of(role: str):
    user = make_user(f"a-{role}")
    user.is_staff = role == "staff"
    user.save()
    if role not in {"nobody", "staff"}:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.mark.parametrize("role", ROLES)
def test_every_route_and_method_answers_as_the_role_allows(scene, operator, role):
    lock = scene.orphan()
    then = datetime.now(UTC) - timedelta(hours=1)
    act = OperatorAct.objects.create(
        act="lock-release", username="olga", user=operator, nonce="n", target_id=lock.id, planned_at=then, started_at=then, origin="page", state="refused"
    )
    client = Client()
    if role:
        client.force_login(user_of(role))
    wrong = []
    for route, allowed in ROUTES:
        path = route.format(id=lock.id, act=act.pk)
        for method in METHODS:
            status = client.generic(method, path, json.dumps({}), content_type="application/json").status_code
            may = role in allowed.get("GET" if method in {"HEAD"} and not path.startswith("/api") else method, set())
            if not _fits(status, may, role, method, path, allowed):
                wrong.append((role, method, path, status))
    assert not wrong
    assert scene.value(lock.raw_key) is not None, "none of these requests names a plan or a token"
    assert OperatorAct.objects.count() == 1


def _fits(status: int, may: bool, role: str | None, method: str, path: str, allowed: dict[str, set[str]]) -> bool:
    if may:
        return status in {200, 302, 400, 404, 409, 422} or (status == 405 and method == "HEAD")
    if method not in allowed and method != "HEAD":
        return status in {405, 302, 401, 403}
    if role is None:
        return status == (401 if path.startswith("/api") else 302) or status == 405
    return status in {403, 405}


# Whatever is added to the pages or to the API is in the tests below by itself.
OPEN = {"login", "logout", "healthz", "readyz", "api-root", "openapi-json", "openapi-view", "missing"}  # they show nothing of the watched system
BY_TOKEN = {"metrics"}  # has its own tests


def every_route(patterns: Any = None, before: str = "/") -> Iterator[tuple[str, str, Any]]:
    """Name, path with something for every parameter, and view of each URL in our namespace."""
    found: Any = urls.urlpatterns if patterns is None else patterns
    for pattern in found:
        said = before + re.sub(r"<uuid:\w+>", "d9c26803-1111-4222-8333-444455556666", str(pattern.pattern))
        path = re.sub(r"<(?:\w+:)?\w+>", "0123456789abcdef", said)
        if isinstance(pattern, URLResolver):
            yield from every_route(pattern.url_patterns, path)
        else:
            yield pattern.name or "", path, pattern.callback


PAGES = [(name, path, view) for name, path, view in every_route() if not path.startswith("/api/") and name not in OPEN | BY_TOKEN]
OPERATIONS = [
    (f"/api/v1{path}", method, {str(getattr(way, "permission", None)) for way in operation.auth_callbacks})
    for _prefix, router in api._routers
    for path, methods in router.path_operations.items()
    for operation in methods.operations
    for method in operation.methods
]
MAY_CHANGE = {act.permission for act in ACTS.values()}


def test_every_url_is_known_to_these_tests():
    assert {name for name, path, _view in every_route() if path.startswith("/api/")} - OPEN == {operation_name(path) for path, _method, _needed in OPERATIONS}
    assert {"overview", "locks", "queues", "results", "acts"} <= {name for name, _path, _view in PAGES}


def operation_name(path: str) -> str:
    return next(name for name, route, _view in every_route() if route == re.sub(r"\{\w+\}", "0123456789abcdef", path))


@pytest.mark.parametrize(("name", "path", "view"), PAGES, ids=[page[0] for page in PAGES])
def test_page_needs_a_permission_and_one_that_changes_something_needs_that_of_an_act(watching, name, path, view):
    permission = getattr(view, "permission", "")
    anonymous, nobody, anybody = Client(), Client(), Client()
    nobody.force_login(user_of("nobody"))
    anybody.force_login(User.objects.create_superuser("root"))

    assert permission.startswith("lockhouse."), f"{path} is open"
    for method in METHODS:
        assert answer(anonymous, method, path) in {302, 405}, f"{method} {path} answers anonymous people"
        assert answer(nobody, method, path) in {403, 405}, f"{method} {path} answers people without a permission"
    if answer(anybody, "POST", path) != 405:
        assert permission in MAY_CHANGE, f"POST {path} is allowed, and no act has its permission"
    assert {answer(anybody, method, path) for method in ("PUT", "PATCH", "DELETE")} == {405}


@pytest.mark.parametrize(("path", "method", "needed"), OPERATIONS, ids=[f"{one[1]} {one[0]}" for one in OPERATIONS])
def test_operation_needs_a_permission_and_one_that_changes_something_needs_that_of_an_act(watching, path, method, needed):
    path = re.sub(r"\{\w+\}", "0123456789abcdef", path)
    nobody = {"Authorization": f"Bearer {make_token(user_of('nobody'))}"}

    assert answer(Client(), method, path) == 401
    assert answer(Client(headers=nobody), method, path) == 403
    assert len(needed) == 1, "the same for a token and for a session"
    assert needed.pop() in (MAY_CHANGE if method != "GET" else {f"lockhouse.{codename}" for codename in PERMISSIONS})


def answer(client, method: str, path: str) -> int:
    return client.generic(method, path, "{}", content_type="application/json").status_code


def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(watching, viewer):
    token = make_token(viewer, "grafana")

    Client().get("/api/v1/locks", headers={"Authorization": f"Bearer {token}"})

    kept = ApiToken.objects.get()
    assert token not in str(vars(kept))
    assert kept.last_used_at is not None

"""Every role, every route, every method: who gets in, and that nobody else has any effect."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import make_user

pytestmark = pytest.mark.django_db

ROLES = [None, "nobody", "staff", "Viewers", "Auditors", "Operators", "Administrators"]
READERS = {"Viewers", "Auditors", "Operators", "Administrators"}
RECORDERS = {"Auditors", "Operators", "Administrators"}
RELEASERS = {"Operators", "Administrators"}
ROUTES = [
    ("/locks/{id}/release/", {"GET": RELEASERS, "POST": RELEASERS}),
    ("/acts/", {"GET": RECORDERS}),
    ("/acts/{act}/", {"GET": RECORDERS}),
    ("/acts/{act}/undo/", {"POST": RELEASERS}),
    ("/api/v1/locks", {"GET": READERS}),
    ("/api/v1/locks/{id}", {"GET": READERS}),
    ("/api/v1/locks/{id}/release", {"POST": RELEASERS}),
    ("/api/v1/locks/release", {"POST": RELEASERS}),
]
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
        return status in {200, 400, 409, 422}
    if method not in allowed and method != "HEAD":
        return status in {405, 302, 401, 403}
    if role is None:
        return status == (401 if path.startswith("/api") else 302) or status == 405
    return status in {403, 405}

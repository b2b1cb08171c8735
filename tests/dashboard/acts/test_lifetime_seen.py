"""An extension is of the deadline that was seen: where it was moved meanwhile, nothing is added to another one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from dashboard import snapshot
from dashboard.acts.lifetime import change_now, execute_change, plan_change
from dashboard.acts.registry import EXTEND
from tests.dashboard.acts.pages import logged_in, plan_in
from tests.dashboard.acts.scene import OPERATOR, make_user
from tests.dashboard.acts.test_settle import proxied, scene, server
from tests.dashboard.api.calls import bearer, post
from tests.dashboard.commands.test_locks import run

pytestmark = pytest.mark.django_db
__all__ = ["proxied", "scene", "server"]
MINUTE = timedelta(minutes=1)


def execute(user, plan):
    return execute_change(user, "session", EXTEND, plan.signed, "it takes longer today")


def extend_url(lock) -> str:
    return reverse("lockhouse:lock-change", args=[lock.id, "extend"])


def test_two_peoples_extensions_do_not_add_up(scene, operator):
    lock, other = scene.plain(timeout=60), make_user("otto", OPERATOR)
    plans = [plan_change(user, "session", EXTEND, lock.id, lock.token_digest, 10 * MINUTE) for user in (operator, other)]

    first, second = (execute(user, plan) for user, plan in zip((operator, other), plans, strict=True))

    assert first.code == "extended"
    assert (second.state, second.code) == ("refused", "deadline_moved")
    assert "its deadline was moved since you looked: it blocks until" in second.sentence
    told = [datetime.fromisoformat(outcome.act.values["until"]) for outcome in (first, second)]
    assert abs(told[0] - told[1]) < timedelta(milliseconds=75)
    assert scene.redis.pttl(lock.raw_key) <= 660_000


@pytest.mark.parametrize("moved_by_ms", [-20_000, 20_000])
def test_a_deadline_that_is_moved_at_the_last_moment_stays_as_it_is(scene, proxied, operator, moved_by_ms):
    lock = scene.plain(timeout=60)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, MINUTE)
    moved = scene.redis.pexpiretime(lock.raw_key) + moved_by_ms
    proxied.on_eval = lambda: scene.redis.pexpireat(lock.raw_key, moved)

    assert execute(operator, plan).code == "deadline_moved"
    assert scene.redis.pexpiretime(lock.raw_key) == moved


def test_what_reading_can_be_wrong_by_is_no_move(scene, operator):
    lock = scene.plain(timeout=60)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, MINUTE)
    scene.redis.pexpireat(lock.raw_key, scene.redis.pexpiretime(lock.raw_key) + 20)

    assert execute(operator, plan).code == "extended"


def test_the_page_offers_a_fresh_plan(scene, operator):
    lock, client = scene.plain(timeout=60), logged_in(operator)
    planned = client.get(extend_url(lock), {"digest": lock.token_digest, "span": "60"})
    scene.redis.pexpire(lock.raw_key, 600_000)

    page = client.post(extend_url(lock), {"plan": plan_in(planned), "reason": "x"}, follow=True).content.decode()

    assert "its deadline was moved since you looked" in page
    assert f'href="{extend_url(lock)}?digest={lock.token_digest}">Try again' in page


def listed(client, lock, headers) -> str:
    return client.get(f"/api/v1/locks/{lock.id}", headers=headers).json()["lock"]["expires_at"]


def test_programs_name_the_deadline_that_they_saw_if_they_want(scene, operator):
    lock, client, headers = scene.plain(timeout=60), Client(), bearer(operator)
    body = {"token_digest": lock.token_digest, "by_ms": 60_000, "reason": "x", "expected_deadline": listed(client, lock, headers)}

    first, second = (post(client, f"/api/v1/locks/{lock.id}/extend", body, **headers) for _ in range(2))
    without = post(client, f"/api/v1/locks/{lock.id}/extend", {**body, "expected_deadline": None}, **headers)
    odd = post(client, f"/api/v1/locks/{lock.id}/extend", {**body, "expected_deadline": "2026-11-25T14:00:00"}, **headers)

    assert first.json()["code"] == "extended"
    assert (second.status_code, second.json()["code"]) == (409, "deadline_moved")
    assert without.json()["code"] == "extended"
    assert odd.status_code == 422
    assert 170_000 < scene.redis.pttl(lock.raw_key) <= 180_000


def test_an_answer_that_took_long_when_it_was_listed_is_no_move(scene, operator):
    lock = scene.plain(timeout=60)
    slow = replace(lock, expires_at=lock.expires_at - timedelta(seconds=2), read_in=timedelta(seconds=3))
    known = replace(snapshot.newest(), locks=(slow,))
    more = {"span": MINUTE, "origin": "api", "snapshot": known}

    assert change_now(operator, EXTEND, lock.id, lock.token_digest, "x", expected_deadline=slow.expires_at, **more).code == "extended"


def test_a_terminal_names_it_too(scene, operator, capsys):
    lock = scene.plain(timeout=60)
    shell = ("extend", lock.id, "--digest", lock.token_digest, "--by", "60", "--reason", "x", "--expected-deadline", lock.expires_at.isoformat())

    assert run(capsys, *shell)[0] == 0
    status, out, _ = run(capsys, *shell)

    assert (status, "its deadline was moved since you looked" in out) == (1, True)
    assert scene.redis.pttl(lock.raw_key) <= 120_000

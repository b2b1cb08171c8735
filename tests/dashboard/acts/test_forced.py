"""A lock whose holder was seen to run a moment ago: its page says so, and nothing ends it before its name is typed by somebody who may force."""

import html

import pytest
from django.urls import reverse

from dashboard.acts.plan import to_type
from tests.dashboard.acts.pages import logged_in, plan_in
from tests.dashboard.acts.test_effects import LIVES, held_by_a_run

pytestmark = pytest.mark.django_db


def page_of(client, lock, change):
    name = "lock-release" if change == "release" else "lock-change"
    url = reverse(f"lockhouse:{name}", args=[lock.id] if change == "release" else [lock.id, change])
    return url, client.get(url, {"digest": lock.token_digest})


@pytest.mark.parametrize(("change", "timeout"), [("release", 600), ("timeout", None)])
@pytest.mark.parametrize("typed", ["", "lock_report_8", "lock_report"])
def test_the_lock_of_a_living_holder_stays_as_it_is_until_its_name_is_typed(scene, admin, change, timeout, typed):
    lock = held_by_a_run(scene, timeout=timeout)
    token, client = scene.value(lock.raw_key), logged_in(admin)
    url, planned = page_of(client, lock, change)
    form = {"plan": plan_in(planned), "reason": "it hangs", "digest": lock.token_digest, "span": "60"}

    refused = client.post(url, {**form, "typed_name": typed})

    assert refused.status_code == 422
    assert "What you typed is not “lock_report_7”" in html.unescape(refused.content.decode())
    assert scene.value(lock.raw_key) == token
    assert (scene.redis.pttl(lock.raw_key) == -1) is (timeout is None)

    client.post(url, {**form, "plan": plan_in(refused), "typed_name": "lock_report_7"})

    assert (scene.value(lock.raw_key) is None) is (change == "release")
    assert scene.redis.pttl(lock.raw_key) != -1


def test_its_page_says_that_the_holder_runs_and_never_that_it_is_safe(scene, admin):
    lock = held_by_a_run(scene)

    _url, planned = page_of(logged_in(admin), lock, "release")

    page = html.unescape(planned.content.decode())
    assert "lh-held" in page
    assert LIVES in page
    assert "safe" not in page
    assert 'name="typed_name"' in page


@pytest.mark.parametrize(("change", "timeout"), [("release", 600), ("timeout", None)])
def test_who_may_not_force_gets_no_plan_for_it(scene, operator, change, timeout):
    lock = held_by_a_run(scene, timeout=timeout)

    _url, planned = page_of(logged_in(operator), lock, change)

    page = planned.content.decode()
    assert "Nothing done" in page
    assert 'name="plan"' not in page


NOT_TYPED = ["lock_a  b", "lock_a ", " lock_a", "lock_https://bob:hunter2secret@db.example/x", "lock_\u3164a", "lock_u\u0308", "lock_\u2026", "lock_a\xa0b"]


@pytest.mark.parametrize("name", NOT_TYPED)
def test_what_a_page_does_not_show_as_it_is_typed_is_confirmed_by_the_id(scene, admin, settings, name):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCK_PATTERNS": ("*",)}
    lock, client = scene.plain(name), logged_in(admin)
    url, planned = page_of(client, lock, "release")
    assert f"type <code>{lock.id}</code>" in planned.content.decode()

    client.post(url, {"plan": plan_in(planned), "reason": "it hangs", "digest": lock.token_digest, "typed_name": lock.id})

    assert scene.value(lock.raw_key) is None


@pytest.mark.parametrize("name", ["lock_report_7", "lock a b", "lock_größe", "lock_日報", "lock' or 1=1", "{{ 7 }}"])
def test_what_a_keyboard_has_is_confirmed_by_the_name(name):
    assert to_type("0" * 16, name) == name

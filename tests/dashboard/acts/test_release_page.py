"""The pages of a release, with and without JavaScript: plan, confirmation, outcome and undo, and who gets none of them."""

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import found, logged_in, plan_in, planned, release_url
from tests.dashboard.acts.scene import OPERATOR, make_user, release

pytestmark = pytest.mark.django_db


def test_the_plan_is_a_page_without_javascript(scene, operator):
    lock = scene.orphan()

    response = logged_in(operator).get(release_url(lock), {"digest": lock.token_digest})

    page = response.content.decode()
    assert response.status_code == 200
    assert "lh-orphaned" in page
    assert "releasing it is safe" in page
    assert "pid 815 is no longer one of its processes" in page
    assert 'name="reason"' in page
    assert response["Cache-Control"] == "no-store"


def test_htmx_gets_only_the_dialog(scene, operator):
    lock = scene.orphan()

    response = logged_in(operator).get(release_url(lock), {"digest": lock.token_digest}, headers={"HX-Request": "true"})

    assert "<html" not in response.content.decode()
    assert 'id="lh-plan"' in response.content.decode()
    assert "HX-Request" in response["Vary"]


def test_confirming_leads_to_the_outcome_with_an_undo(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator)

    response = client.post(release_url(lock), {"plan": planned(client, lock), "reason": "its worker died"}, follow=True)

    act = OperatorAct.objects.get()
    page = response.content.decode()
    assert response.redirect_chain == [(reverse("lockhouse:act", args=[act.pk]), 302)]
    assert "Released." in page
    assert reverse("lockhouse:act-undo", args=[act.pk]) in page
    assert "data-timed" in page
    assert scene.value(lock.raw_key) is None


def test_undo_puts_it_back_and_the_button_is_gone(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator)
    client.post(release_url(lock), {"plan": planned(client, lock), "reason": "its worker died"})
    done = OperatorAct.objects.get()

    response = client.post(reverse("lockhouse:act-undo", args=[done.pk]), follow=True)

    assert "Put back" in response.content.decode()
    assert scene.value(lock.raw_key) is not None
    again = client.get(reverse("lockhouse:act", args=[done.pk])).content.decode()
    assert "Undone by olga" in again
    assert "data-timed" not in again


def test_htmx_gets_the_outcome_in_the_dialog(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator)

    response = client.post(release_url(lock), {"plan": planned(client, lock), "reason": "gone"}, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "Released." in response.content.decode()
    assert "<html" not in response.content.decode()


def test_a_missing_reason_shows_the_plan_again(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator)

    response = client.post(release_url(lock), {"plan": planned(client, lock), "reason": " ", "digest": lock.token_digest})

    assert response.status_code == 422
    assert "Say why" in response.content.decode()
    assert plan_in(response)
    assert scene.value(lock.raw_key) is not None


def test_a_forged_plan_shows_a_fresh_one(scene, operator):
    lock = scene.orphan()

    response = logged_in(operator).post(release_url(lock), {"plan": "forged", "reason": "x", "digest": lock.token_digest})

    assert response.status_code == 400
    assert "damaged" in response.content.decode()
    assert scene.value(lock.raw_key) is not None


def test_the_plan_of_another_person_is_403_with_a_sentence(scene, operator):
    lock = scene.orphan()
    plan = planned(logged_in(make_user("otto", OPERATOR)), lock)

    response = logged_in(operator).post(release_url(lock), {"plan": plan, "reason": "x"})

    assert response.status_code == 403
    assert "made for another person" in response.content.decode()


def test_a_viewer_who_posts_a_release_is_403_and_nothing_changes(scene, operator, viewer):
    lock = scene.orphan()
    plan = planned(logged_in(operator), lock)

    response = logged_in(viewer).post(release_url(lock), {"plan": plan, "reason": "x"})

    assert response.status_code == 403
    assert "release_lock" in response.content.decode()
    assert scene.value(lock.raw_key) is not None
    assert not OperatorAct.objects.exists()


def test_being_staff_alone_gives_nothing(scene, db):
    staff = make_user("stan")
    staff.is_staff = True
    staff.save()
    lock = scene.orphan()

    assert logged_in(staff).get(release_url(lock)).status_code == 403


def test_anonymous_people_are_asked_to_log_in(scene, db):
    lock = scene.orphan()

    response = Client().post(release_url(lock), {"plan": "x", "reason": "x"})

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("lockhouse:login"))


def test_a_post_needs_the_csrf_token(scene, operator):
    lock = scene.orphan()
    client = logged_in(operator, enforce_csrf_checks=True)
    plan = planned(client, lock)

    assert client.post(release_url(lock), {"plan": plan, "reason": "x"}).status_code == 403
    assert scene.value(lock.raw_key) is not None
    token = client.cookies["csrftoken"].value
    assert client.post(release_url(lock), {"plan": plan, "reason": "x", "csrfmiddlewaretoken": token}).status_code == 302


def test_no_get_changes_anything(scene, operator):
    released = release(operator, scene.orphan("lock_before")).act
    lock = scene.orphan()
    client = logged_in(operator)
    plan = planned(client, lock)
    before = scripts_run(scene.redis)

    client.get(release_url(lock), {"plan": plan, "reason": "x", "digest": lock.token_digest, "typed_name": lock.name})
    client.head(release_url(lock), {"plan": plan, "reason": "x"})
    client.get(reverse("lockhouse:act", args=[released.pk]))
    client.get(reverse("lockhouse:acts"))
    assert client.get(reverse("lockhouse:act-undo", args=[released.pk])).status_code == 405

    assert scripts_run(scene.redis) == before
    assert OperatorAct.objects.count() == 1
    assert scene.value(lock.raw_key) is not None


def scripts_run(redis) -> int:
    return redis.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]


def test_read_only_is_a_sentence(scene, operator, settings):
    lock = scene.orphan()
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}

    response = logged_in(operator).get(release_url(lock), {"digest": lock.token_digest})

    assert response.status_code == 403
    assert "switched off" in response.content.decode()


def test_a_lock_that_nobody_knows_is_404_with_a_sentence(scene, operator):
    response = logged_in(operator).get(reverse("lockhouse:lock-release", kwargs={"id": "0" * 16}))

    assert response.status_code == 404
    assert "No lock with this id" in response.content.decode()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 }}", "lock_\u202egnp.exe", "a\nb", "lock' or 1=1"])
def test_a_hostile_name_is_only_text(scene, admin, settings, name):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCK_PATTERNS": ("*",)}  # else it would be no lock's name, and not released
    lock = scene.plain(name)
    client = logged_in(admin)

    plan = client.get(release_url(lock), {"digest": lock.token_digest})
    page = client.post(release_url(lock), {"plan": plan_in(plan), "reason": name, "typed_name": "wrong", "digest": lock.token_digest}).content.decode()
    outcome = release(admin, lock, reason=name, typed_name=_to_type(page))
    act = client.get(reverse("lockhouse:act", args=[outcome.act.pk])).content.decode()
    acts = client.get(reverse("lockhouse:acts")).content.decode()

    for html in (plan.content.decode(), page, act, acts):
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    assert "\u202e" not in plan.content.decode()


def _to_type(page: str) -> str:
    return found(r"type <code>([^<]+)</code>", page)

import csv
import io
import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.acts.refusals import Refused
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import OPERATOR, make_user, release

pytestmark = pytest.mark.django_db


def logged_in(user, **options) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def release_url(lock) -> str:
    return reverse("lockhouse:lock-release", kwargs={"id": lock.id})


def plan_in(response) -> str:
    return found(r'name="plan" value="([^"]+)"', response.content.decode())


def found(pattern: str, page: str) -> str:
    [first] = re.findall(pattern, page)
    return unescape(first)


def planned(client: Client, lock, **headers) -> str:
    return plan_in(client.get(release_url(lock), {"digest": lock.token_digest}, headers=headers))


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
    assert "data-undo-until" in page
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
    assert "data-undo-until" not in again


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


def test_the_list_of_acts_is_filtered_and_paged(scene, operator, auditor):
    for number in range(3):
        release(operator, scene.orphan(f"lock_{number}"), reason=f"reason {number}")
    client = logged_in(auditor)

    everything = client.get(reverse("lockhouse:acts")).content.decode()
    one = client.get(reverse("lockhouse:acts"), {"q": "lock_1 olga"}).content.decode()
    nothing = client.get(reverse("lockhouse:acts"), {"q": "nothing like that"}).content.decode()

    assert all(f"lock_{number}" in everything for number in range(3))
    assert "reason 1" in one
    assert "reason 2" not in one
    assert "No act matches" in nothing
    assert client.get(reverse("lockhouse:acts"), {"p": "x"}).status_code == 200


def test_the_list_of_acts_is_a_file_too(scene, operator, auditor, viewer):
    act = release(operator, scene.orphan("lock_first"), reason="=HYPERLINK(1)").act
    release(operator, scene.orphan("lock_second"))
    client = logged_in(auditor)

    page = client.get("/acts/?q=first").content.decode()
    [row] = csv.DictReader(io.StringIO(client.get("/acts/?q=first&format=csv").getvalue().decode()))
    listed = [json.loads(line) for line in client.get("/acts/?format=json").getvalue().splitlines()]

    assert "?q=first&amp;format=csv" in page
    assert (row["id"], row["act"], row["target"]) == (str(act.pk), "lock-release", "lock_first")
    assert (row["user"], row["state"], row["code"]) == (operator.username, "done", "released")
    assert row["reason"] == "'=HYPERLINK(1)"
    assert [one["target"] for one in listed] == ["lock_second", "lock_first"]
    assert "token" not in row
    assert logged_in(viewer).get("/acts/?format=csv").status_code == 403


def test_the_list_of_acts_leads_to_the_undo_as_long_as_there_is_one(scene, operator):
    done = release(operator, scene.orphan()).act
    client = logged_in(operator)

    before = client.get(reverse("lockhouse:acts")).content.decode()
    client.post(reverse("lockhouse:act-undo", args=[done.pk]))
    after = client.get(reverse("lockhouse:acts")).content.decode()

    assert "Undo…" in before
    assert "Undo…" not in after


def test_an_undo_is_offered_only_to_those_who_may(scene, operator, auditor, settings):
    done = release(operator, scene.orphan()).act
    url = reverse("lockhouse:act", args=[done.pk])

    assert "data-undo-until" in logged_in(operator).get(url).content.decode()
    assert "data-undo-until" not in logged_in(auditor).get(url).content.decode()
    assert "Undo…" not in logged_in(auditor).get(reverse("lockhouse:acts")).content.decode()
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}
    assert "data-undo-until" not in logged_in(operator).get(url).content.decode()


def test_a_result_in_the_list_of_acts_leads_to_results(scene, operator, auditor):
    done = release(operator, scene.orphan()).act
    OperatorAct.objects.filter(pk=done.pk).update(act="result-delete")

    page = logged_in(auditor).get(reverse("lockhouse:acts")).content.decode()

    assert reverse("lockhouse:result", args=[done.target_id]) in page


def test_an_auditor_reads_acts_and_releases_nothing(scene, operator, auditor):
    lock = scene.orphan()
    act = release(operator, lock).act
    client = logged_in(auditor)

    assert client.get(reverse("lockhouse:act", args=[act.pk])).status_code == 200
    assert client.post(reverse("lockhouse:act-undo", args=[act.pk])).status_code == 403
    assert scene.value(lock.raw_key) is None


def test_a_viewer_sees_no_act_of_another(scene, operator, viewer):
    act = release(operator, scene.orphan()).act

    assert logged_in(viewer).get(reverse("lockhouse:act", args=[act.pk])).status_code == 403
    assert logged_in(viewer).get(reverse("lockhouse:acts")).status_code == 403


def test_the_reason_in_the_error_is_the_code_for_programs():
    assert Refused("too_many", limit=30).status == 429

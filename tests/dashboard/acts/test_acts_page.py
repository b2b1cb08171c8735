"""The list of acts and one act's page: filtered, as a file, with an undo as long as there is one, for those who may."""

import csv
import io
import json

import pytest
from django.urls import reverse

from dashboard.acts.ledger import Outcome
from dashboard.api.locks import outcome_row
from dashboard.management.commands.release import status_of_one
from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import release

pytestmark = pytest.mark.django_db


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

    assert "data-timed" in logged_in(operator).get(url).content.decode()
    assert "data-timed" not in logged_in(auditor).get(url).content.decode()
    assert "Undo…" not in logged_in(auditor).get(reverse("lockhouse:acts")).content.decode()
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": True}
    assert "data-timed" not in logged_in(operator).get(url).content.decode()


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


@pytest.fixture(params=["revoked_not_ended", "revoked_not_released"])
def told_only(request, scene, operator):
    """A revoke whose worker was told, and whose lock was not released."""
    done = release(operator, scene.orphan()).act
    done.act, done.code, done.values = "lock-revoke", request.param, {"worker": "celery@web-1", "seconds": 8}
    done.save()
    return done


def test_a_revoke_that_released_nothing_is_not_called_done(operator, told_only):
    client = logged_in(operator)

    page = client.get(reverse("lockhouse:act", args=[told_only.pk])).content.decode()
    listed = client.get(reverse("lockhouse:acts")).content.decode()

    assert "<bdi>lock_report_7</bdi>: told, not released</h2>" in page
    assert ">told, not released</span>" in listed
    assert "lh-act-done" not in page + listed


def test_a_terminal_ends_such_a_revoke_with_status_1_and_programs_read_its_state_as_before(told_only):
    assert status_of_one(Outcome(act=told_only)) == 1
    assert outcome_row(Outcome(act=told_only))["state"] == "done"

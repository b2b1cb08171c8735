"""The pages, the API and the commands that change how long a lock lasts; what they do is tested in acts/test_lifetime.py."""

import html
import json

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.locking.holder import Run as HolderRun
from dashboard.locking.token import write_process, write_token
from dashboard.models import OperatorAct
from dashboard.records import Run
from tests.dashboard.acts.conftest import admin, operator, viewer
from tests.dashboard.acts.pages import logged_in, plan_in
from tests.dashboard.acts.scene import PARENT_PID, WORKER, scene
from tests.dashboard.acts.test_lifetime import overrun
from tests.dashboard.api.calls import bearer, post
from tests.dashboard.commands.test_locks import run

pytestmark = pytest.mark.django_db
__all__ = ["admin", "operator", "overrun", "scene", "viewer"]
RUN_ID, TASK = "d9c26803-1111-4222-8333-444455556666", "reports_prepare_massive_report"


def url(lock, change: str) -> str:
    return reverse("lockhouse:lock-change", args=[lock.id, change])


def test_a_lock_is_extended_from_its_page(scene, operator):
    lock = scene.plain(timeout=60)
    client = logged_in(operator)
    own = client.get(reverse("lockhouse:lock", args=[lock.id])).content.decode()
    assert f"{url(lock, 'extend')}?digest={lock.token_digest}" in own
    assert url(lock, "timeout") not in own

    planned = client.get(url(lock, "extend"), {"digest": lock.token_digest, "span": "300"})
    page = client.post(url(lock, "extend"), {"plan": plan_in(planned), "reason": "a large report"}, follow=True).content.decode()

    assert "it blocks until" in page
    assert "data-timed" in page
    assert scene.redis.pttl(lock.raw_key) > 300_000


def test_the_plan_can_be_for_another_time(scene, operator):
    lock = scene.plain(timeout=60)

    page = logged_in(operator).get(url(lock, "extend"), {"digest": lock.token_digest, "span": "90"}, headers={"HX-Request": "true"}).content.decode()

    assert "by 1 m 30 s" in page
    assert "<html" not in page


@pytest.mark.parametrize("span", ["0", "x", "99999999", "-5", "1" * 400, "²"])
def test_an_odd_time_is_said_with_a_plan_that_fits(scene, operator, span):
    lock = scene.plain(timeout=60)

    response = logged_in(operator).get(url(lock, "extend"), {"digest": lock.token_digest, "span": span})

    assert response.status_code == 422
    assert "from one second to" in response.content.decode()


def test_a_forgotten_name_shows_the_plan_again(scene, admin):
    lock = scene.plain(timeout=None)
    client = logged_in(admin)
    plan = plan_in(client.get(url(lock, "timeout"), {"digest": lock.token_digest, "span": "60"}))

    response = client.post(url(lock, "timeout"), {"plan": plan, "reason": "x", "typed_name": "", "digest": lock.token_digest, "span": "60"})

    assert response.status_code == 422
    assert "in 1 m" in response.content.decode()
    assert scene.redis.pttl(lock.raw_key) == -1


def test_an_overrun_is_protected_from_the_list(scene, operator, overrun):
    client = logged_in(operator)
    listed = client.get(reverse("lockhouse:locks")).content.decode()
    address = f"{url(overrun, 'protect')}?digest={overrun.token_digest}"
    assert address in listed

    page = client.post(url(overrun, "protect"), {"plan": plan_in(client.get(address)), "reason": "it still writes"}, follow=True).content.decode()

    assert "Protected" in page
    assert scene.redis.pttl(overrun.raw_key) > 100_000


def test_an_overrun_is_protected_for_as_long_as_its_run_may_still_take(scene, operator, overrun):
    client, asked = logged_in(operator), {"digest": overrun.token_digest}
    offered = html.unescape(client.get(url(overrun, "protect"), asked).content.decode())
    assert f"{url(overrun, 'protect')}?digest={overrun.token_digest}&span=3600" in offered

    client.post(url(overrun, "protect"), {"plan": plan_in(client.get(url(overrun, "protect"), asked | {"span": "3600"})), "reason": "it still writes"})

    assert 3_500_000 < scene.redis.pttl(overrun.raw_key) <= 3_600_000


def test_a_viewer_is_offered_nothing_and_turned_away(scene, viewer, overrun):
    client = logged_in(viewer)

    assert "protect" not in client.get(reverse("lockhouse:locks")).content.decode()
    for change in ("extend", "timeout", "protect"):
        assert client.post(url(overrun, change), {"plan": "x", "reason": "x"}).status_code == 403
        answer = post(Client(), f"/api/v1/locks/{overrun.id}/{change}", {"token_digest": overrun.token_digest, "reason": "x"}, **bearer(viewer))
        assert answer.status_code == 403
    assert not OperatorAct.objects.exists()


def test_another_change_is_not_there(scene, operator):
    assert logged_in(operator).get(url(scene.plain(), "steal")).status_code == 404


def test_programs_extend_and_undo(scene, operator):
    lock = scene.plain(timeout=60)
    headers = bearer(operator)

    answer = post(Client(), f"/api/v1/locks/{lock.id}/extend", {"token_digest": lock.token_digest, "by_ms": 300_000, "reason": "x"}, **headers)
    back = post(Client(), f"/api/v1/acts/{answer.json()['act']}/undo", {}, **headers)

    assert (answer.status_code, answer.json()["code"]) == (200, "extended")
    assert (back.status_code, back.json()["code"]) == (200, "deadline_back")
    assert scene.redis.pttl(lock.raw_key) <= 60_000


def test_programs_set_a_timeout_by_force_and_protect(scene, admin, overrun):
    headers = bearer(admin)
    protected = post(Client(), f"/api/v1/locks/{overrun.id}/protect", {"token_digest": overrun.token_digest, "reason": "x"}, **headers)
    lock = scene.plain("lock_never", timeout=None)
    body = {"token_digest": lock.token_digest, "timeout_ms": 60_000, "reason": "x"}

    refused = post(Client(), f"/api/v1/locks/{lock.id}/timeout", body, **headers)
    done = post(Client(), f"/api/v1/locks/{lock.id}/timeout", {**body, "force": True}, **headers)

    assert protected.json()["code"] == "protected"
    assert (refused.status_code, refused.json()["code"]) == (409, "needs_force")
    assert done.json()["code"] == "timeout_set"


def test_programs_protect_for_a_time_of_their_own(scene, operator, overrun):
    body = {"token_digest": overrun.token_digest, "reason": "x"}

    odd = post(Client(), f"/api/v1/locks/{overrun.id}/protect", {**body, "for_ms": 999}, **bearer(operator))
    done = post(Client(), f"/api/v1/locks/{overrun.id}/protect", {**body, "for_ms": 3_600_000}, **bearer(operator))

    assert (odd.status_code, done.json()["code"]) == (422, "protected")
    assert 3_500_000 < scene.redis.pttl(overrun.raw_key) <= 3_600_000


def test_a_terminal_protects_for_a_time_of_its_own(scene, overrun, capsys):
    status, out, _ = run(capsys, "protect", overrun.id, "--digest", overrun.token_digest, "--for", "3600", "--reason", "x")

    assert status == 0, out
    assert 3_500_000 < scene.redis.pttl(overrun.raw_key) <= 3_600_000


def test_a_terminal_extends_and_undoes(scene, capsys):
    lock = scene.plain(timeout=60)

    status, out, _ = run(capsys, "extend", lock.id, "--digest", lock.token_digest, "--by", "300", "--reason", "x", "--json")
    assert (status, json.loads(out)["code"]) == (0, "extended")
    status, out, _ = run(capsys, "undo", json.loads(out)["act"])

    assert (status, out.strip()) == (0, "Put back: it expires when it did before.")


def test_a_terminal_sets_a_timeout_and_protects(scene, overrun, capsys):
    status, out, _ = run(capsys, "protect", overrun.id, "--digest", overrun.token_digest, "--reason", "x")
    assert status == 0, out
    lock = scene.plain("lock_never", timeout=None)

    assert run(capsys, "timeout", lock.id, "--digest", lock.token_digest, "--after", "60", "--reason", "x")[0] == 1
    assert run(capsys, "timeout", lock.id, "--digest", lock.token_digest, "--after", "60", "--reason", "x", "--force")[0] == 0


def test_revoking_is_offered_for_an_exact_holder_that_lives_and_says_what_it_does_not_do(scene, operator, admin):
    lock = scene.see(scene.take(token=write_token_of_a_living_run()), runs=[Run(task_id=RUN_ID, name=TASK, worker=WORKER)])
    client = logged_in(operator)
    address = reverse("lockhouse:lock-revoke", args=[lock.id])
    assert address in client.get(reverse("lockhouse:lock", args=[lock.id])).content.decode()

    page = client.get(address, {"digest": lock.token_digest}).content.decode()

    assert "not to run d9c26803 of reports_prepare_massive_report again" in page
    assert "This does not stop a run that is under way" in page
    assert "terminate its process" not in page, "that is another permission"
    assert client.get(address, {"digest": lock.token_digest, "terminate": "1"}).status_code == 403


def test_a_holder_that_is_not_exact_is_never_revoked(scene, operator):
    lock = scene.plain()

    page = logged_in(operator).get(reverse("lockhouse:lock-revoke", args=[lock.id]), {"digest": lock.token_digest}).content.decode()

    assert "not known for certain" in page
    assert 'name="plan"' not in page


def write_token_of_a_living_run() -> bytes:
    """Of a process that its worker has."""
    process = write_process(pid=900, parent_pid=PARENT_PID, process_started="100814", boot_id="b00t", host="web-1")
    return write_token(HolderRun(RUN_ID, TASK, 0, WORKER), process)

"""A worker started without -E: it is said that it tells nothing, and switched on by hand, as an act that is recorded."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.acts import worker_events
from dashboard.acts.refusals import Refused
from dashboard.acts.settle import settle
from dashboard.acts.worker_events import execute_events, plan_events
from dashboard.models import OperatorAct
from dashboard.records import Snapshot, Worker
from dashboard.records.identity import identity
from dashboard.web.look import look
from dashboard.web.panels.coverage import coverage
from tests.dashboard.acts.scene import make_user
from tests.dashboard.observer.conftest import snapshot as seen
from tests.dashboard.observer.conftest import system
from tests.system import wait_for

__all__ = ["seen", "system"]
MAY = ("view_locks", "control_workers", "view_acts")
NAME, ID = "w@guest", identity("w@guest")
pytestmark = pytest.mark.django_db


@pytest.fixture
def user(db):
    return make_user("olga", MAY)


@pytest.fixture
def acting(system, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "READ_ONLY": False}
    return system


def put(*workers: Worker) -> None:
    known = Snapshot(at=datetime.now(UTC), workers=workers)
    assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=10**9)


def worker(**changes) -> Worker:
    now = datetime.now(UTC)
    return Worker(name=NAME, pid=7, first_heard_at=now, last_heard_at=now, **({"sends_events": False} | changes))


def test_worker_without_events_is_said_and_switched_on(monkeypatch, acting, seen, user, client):
    monkeypatch.setattr(worker_events, "ANSWER_WITHIN_S", 20.0)  # it is waited for no longer than it takes
    acting.worker("w", events=False)
    acting.observer()
    client.force_login(user)
    page = reverse("lockhouse:worker", args=[ID])

    def is_mute() -> bool:
        acting.send("guest_import", "lock_quick", 0)
        return any(one.sends_events is False for one in seen().workers)

    wait_for(is_mute, every=3, said="its heartbeats count runs that it tells nothing of")
    assert f"{NAME} tells nothing of its tasks" in " ".join(coverage(look(seen(), datetime.now(UTC)))["notes"])
    assert reverse("lockhouse:worker-events", args=[ID]) in client.get(page).content.decode()

    plan = plan_events(user, "session", ID)
    done = execute_events(user, "session", plan.signed, "its runs are missing")

    assert (done.state, done.code, done.act.username, done.act.reason) == ("done", "worker_tells", "olga", "its runs are missing")
    acting.send("guest_import", "lock_told", 0)
    wait_for(lambda: any(run.name == "guest_import" and run.outcome == "SUCCESS" for run in seen().runs))
    wait_for(lambda: all(one.sends_events for one in seen().workers))
    assert execute_events(user, "session", plan.signed, "again").replayed
    assert plan_events(user, "session", ID).obstacle.code == "worker_tells_already"


def test_worker_that_does_not_answer_is_not_known_and_settled_when_it_tells(acting, user):
    put(worker())

    done = execute_events(user, "session", plan_events(user, "session", ID).signed, "why not")

    assert (done.state, done.code) == ("unknown", "worker_silent")
    assert settle(done.act).state == "unknown"
    assert settle(done.act, now=datetime.now(UTC) + timedelta(hours=1)).code == "not_done"
    OperatorAct.objects.filter(pk=done.act.pk).update(state="unknown")
    put(worker(sends_events=True, task_event_at=datetime.now(UTC) + timedelta(seconds=1)))
    assert settle(OperatorAct.objects.get(pk=done.act.pk)).code == "worker_tells"


def test_nobody_switches_on_without_the_permission_a_reason_or_a_worker(acting, user, client):
    put(worker())
    signed = plan_events(user, "session", ID).signed
    for call, code in (
        (lambda: plan_events(make_user("vera", ("view_locks",)), "session", ID), "forbidden"),
        (lambda: execute_events(user, "session", signed, " "), "reason_missing"),
        (lambda: execute_events(user, "another", signed, "x"), "plan_of_another"),
        (lambda: plan_events(user, "session", "no-such-worker"), "worker_not_known"),
    ):
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.code == code
    client.force_login(make_user("bob", ("view_locks",)))
    url = reverse("lockhouse:worker-events", args=[ID])
    assert client.get(url).status_code == client.post(url).status_code == 403
    assert url not in client.get(reverse("lockhouse:worker", args=[ID])).content.decode()
    assert not OperatorAct.objects.exists()


def test_page_plans_by_get_and_acts_by_post_alone(acting, user, client):
    put(worker())
    client.force_login(user)
    url = reverse("lockhouse:worker-events", args=[ID])

    planned = client.get(url).content.decode()

    assert "It lasts until that worker is started again" in planned
    assert not OperatorAct.objects.exists()
    refused = client.post(url, {"plan": "forged", "reason": "x"})
    assert "This plan was not made here" in refused.content.decode()
    assert 'name="plan"' in refused.content.decode(), "with a fresh one"
    assert not OperatorAct.objects.exists()

"""A lock is released and its lost run sent again: only whole, once, and only after the release."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.acts.again import execute_and_send, look_at_again, not_sent_with, release_and_send, sending_again, sent_with
from dashboard.acts.plan import plan_release
from dashboard.acts.refusals import Refused
from dashboard.acts.release import release_now
from dashboard.acts.sending import digest_of
from dashboard.conf import policy
from dashboard.judge import assess
from dashboard.models import OperatorAct
from dashboard.records import QueueReading, Run
from tests.dashboard.acts.pages import logged_in, plan_in
from tests.dashboard.acts.scene import WORKER, orphan_token

pytestmark = pytest.mark.django_db
TASK = "d9c26803-1111-4222-8333-444455556666"
NAME = "reports_prepare_massive_report"


def run_of(**changes) -> Run:
    told: dict[str, Any] = {"task_id": TASK, "name": NAME, "queue": "reports", "worker": WORKER}
    known = told | {"pid": 815, "args": "(7, 'monthly')", "kwargs": "{'send': True}"}
    return Run(**(known | changes))


def lost(scene, *, names=("lock_report_7",), **changes):
    """A lock, the first of several, whose run died with its process; the observer has told of the run and of the queue's readers."""
    lock = scene.see(*[scene.take(name, token=orphan_token(TASK)) for name in names])
    known, now = snapshot.newest(), datetime.now(UTC)
    ended = {"ended_at": now + timedelta(seconds=1), "heard_at": now - timedelta(seconds=5), "outcome": "FAILURE", "error": "WorkerLostError()"}
    run = run_of(**{"parent_pid": 801, "started_at": now - timedelta(seconds=30), **ended, **changes})
    queue = QueueReading(name="reports", id="0" * 16, raw_name=b"reports", ready=0, unacked=0, eta=0, consumers=(WORKER,))
    worker = replace(known.workers[0], tasks=(NAME,), active_at=now)
    version = known.version + 10_000
    put = replace(known, version=version, runs=(run,), queues=(queue,), workers=(worker,))
    assert snapshot.put(connections.own(), put, dict.fromkeys(snapshot.SECTIONS, version), set(snapshot.SECTIONS), epoch=1)
    return lock


@pytest.fixture(autouse=True)
def _forget():
    yield
    snapshot.forget()


def message_of(lock) -> str:
    known, now = snapshot.newest(), datetime.now(UTC)
    judged = next(one for one in assess(known, now, policy()) if one.lock.id == lock.id)
    found = look_at_again(judged, known, now)
    assert found is not None, [fact.code for fact in judged.evidence]
    return digest_of(found.sending)


def done(user, lock, message, session="session"):
    plan = plan_release(user, session, lock.id, lock.token_digest)
    return execute_and_send(user, session, plan.signed, "its process died", "", message)


def test_the_lost_run_is_sent_again_with_its_arguments(scene, operator, redis):
    lock = lost(scene)

    outcome = done(operator, lock, message_of(lock))

    assert outcome.code == "released"
    assert sent_with(outcome.act).code == "sent"
    [message] = redis.lrange("reports", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["task"], headers["argsrepr"], headers["kwargsrepr"]) == (NAME, "(7, 'monthly')", "{'send': True}")


def test_nothing_is_sent_where_nothing_was_released(scene, operator, redis):
    lock = lost(scene)
    message = message_of(lock)
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.redis.set(lock.raw_key, "somebody-else", px=60_000)

    outcome = execute_and_send(operator, "session", plan.signed, "its process died", "", message)

    assert outcome.code == "changed_hands"
    assert redis.llen("reports") == 0


def test_submitted_twice_it_is_sent_once(scene, operator, redis):
    lock = lost(scene)
    message = message_of(lock)
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    first = execute_and_send(operator, "session", plan.signed, "its process died", "", message)
    second = execute_and_send(operator, "session", plan.signed, "its process died", "", message)

    assert second.act.pk == first.act.pk
    assert redis.llen("reports") == 1


def test_released_and_then_refused_to_send_is_told_as_both(scene, operator, redis, settings):
    lock = lost(scene)
    message = message_of(lock)
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "SEND_LIMIT": 0}

    outcome = done(operator, lock, message)

    assert (outcome.code, sent_with(outcome.act), scene.value(lock.raw_key)) == ("released", None, None)
    assert "Nothing was sent" in not_sent_with(OperatorAct.objects.get(pk=outcome.act.pk))
    assert redis.llen("reports") == 0


def test_same_key_answers_with_what_came_of_the_first_request(scene, operator, redis):
    lock = lost(scene)
    first, second = (release_and_send(operator, lock.id, lock.token_digest, "its process died", origin="api", idempotency_key="k") for _ in range(2))

    assert (second.act.pk, second.replayed, sent_with(second.act).code) == (first.act.pk, True, "sent")
    assert redis.llen("reports") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"args": None},
        {"args": "(7, 'mon...)"},
        {"args": "('abc...',)"},
        {"args": "(" + "1, " * 65 + "1, 1)"},
        {"args": "(<Report: 7>,)"},
        {"args": "({1, 2},)"},
        {"args": "(b'x',)"},
        {"args": "({1: 2},)"},
        {"args": "(1e999,)"},
        {"args": "7"},
        {"kwargs": "[]"},
        {"kwargs": None},
        {"args": "__import__('os').getcwd()"},
        {"args": "(" * 150},
    ],
)
def test_what_is_not_known_whole_is_never_sent(scene, operator, redis, changes):
    lock = lost(scene, **changes)

    with pytest.raises(Refused) as caught:
        release_and_send(operator, lock.id, lock.token_digest, "its process died", origin="api")

    assert caught.value.code == "again_cut"
    assert redis.llen("reports") == 0
    assert scene.value(lock.raw_key) is not None, "it is not released either: both were asked for"


@pytest.mark.parametrize("changes", [{"name": None}, {"queue": None}])
def test_a_run_without_a_name_or_a_queue_is_not_sent(changes):
    with pytest.raises(Refused) as caught:
        sending_again(run_of(**changes))

    assert caught.value.code == "again_not_known"


def test_a_message_other_than_the_confirmed_one_is_not_sent(scene, operator, redis):
    lock = lost(scene)

    with pytest.raises(Refused) as caught:
        done(operator, lock, "0" * 16)

    assert caught.value.code == "send_changed"
    assert scene.value(lock.raw_key) is not None


def test_it_needs_the_permission_to_send(scene, redis):
    from tests.dashboard.acts.scene import make_user

    lock = lost(scene)
    user = make_user("rita", ("view_locks", "release_lock"))
    message = message_of(lock)

    with pytest.raises(Refused) as caught:
        done(user, lock, message)

    assert caught.value.code == "forbidden"
    assert not OperatorAct.objects.exists()


def test_the_page_offers_it_and_links_what_was_sent(scene, operator, redis):
    client = logged_in(operator)
    lock = lost(scene)
    url = reverse("lockhouse:lock-release", args=[lock.id])
    planned = client.get(url, {"digest": lock.token_digest})
    assert "send the lost run of" in planned.content.decode()

    page = client.post(url, {"plan": plan_in(planned), "reason": "x", "again": message_of(lock)}, follow=True).content.decode()

    assert "Its lost run was sent again" in page
    assert redis.llen("reports") == 1


def test_the_page_says_why_it_cannot_be_sent_again(scene, operator):
    client = logged_in(operator)
    lock = lost(scene, args="(7, 'mon...)")

    page = client.get(reverse("lockhouse:lock-release", args=[lock.id]), {"digest": lock.token_digest}).content.decode()

    assert "known only in part" in page
    assert 'name="again"' not in page


def test_a_key_that_released_without_sending_is_not_answered_as_if_it_had_sent(scene, operator, redis):
    lock, key = lost(scene), {"origin": "api", "idempotency_key": "k"}
    release_now(operator, lock.id, lock.token_digest, "its process died", **key)

    with pytest.raises(Refused) as caught:
        release_and_send(operator, lock.id, lock.token_digest, "its process died", **key)

    assert caught.value.code == "again_not_with_it"
    assert redis.llen("reports") == 0
    assert OperatorAct.objects.get().code == "released"

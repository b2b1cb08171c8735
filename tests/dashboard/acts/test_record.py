"""The database fails around an act: what cannot be written down is not done, and what was done is told all the same."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from dashboard.acts import words
from dashboard.acts.refusals import Refused
from dashboard.acts.release import execute, plan_release
from dashboard.acts.settle import settle
from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import planned
from tests.dashboard.acts.scene import release

pytestmark = pytest.mark.django_db


def failing(verb: str):
    """Every statement of that kind on the acts fails, as with a full disk or a locked database."""

    def wrapper(execute, sql, params, many, context):
        if sql.startswith(verb) and "lockhouse_operatoract" in sql:
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


@pytest.mark.parametrize("verb", ["INSERT", "SELECT"])
def test_an_act_that_cannot_be_recorded_is_refused(scene, operator, verb):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    with failing(verb), pytest.raises(Refused) as caught:
        execute(operator, "session", plan.signed, "gone")

    assert (caught.value.code, caught.value.status) == ("record_failed", 503)
    assert scene.value(lock.raw_key) is not None


def test_the_page_says_that_the_record_failed(scene, operator):
    lock = scene.orphan()
    client = Client()
    client.force_login(operator)
    plan = planned(client, lock)

    with failing("INSERT"):
        response = client.post(reverse("lockhouse:lock-release", args=[lock.id]), {"plan": plan, "reason": "gone"})

    assert response.status_code == 503
    assert "could not be written" in response.content.decode()
    assert scene.value(lock.raw_key) is not None


def test_what_was_done_is_told_although_its_record_stays_open(scene, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)

    with failing("UPDATE"):
        outcome = execute(operator, "session", plan.signed, "gone")

    assert outcome.code == "released"
    kept = OperatorAct.objects.get()
    assert kept.state == "intent"
    settled = settle(_past(kept, scene), now=datetime.now(UTC) + timedelta(seconds=20))
    assert (settled.state, settled.code) == ("done", "gone_since")


def _past(act: OperatorAct, scene) -> OperatorAct:
    act.before["valid_until_ms"] = (scene.redis.time()[0] - 1) * 1000
    return act


@pytest.mark.parametrize(
    ("ttl_ms", "said"), [(8_400, "another 8 s."), (1_120_000, "another 18 m 40 s."), (7_450_000, "another 2 h 4 m."), (None, "never have expired")]
)
def test_how_long_it_would_have_blocked_is_said_in_two_units(ttl_ms, said):
    assert said in words.answer("released", {"ttl_ms": ttl_ms})


def test_every_answer_and_effect_that_is_given_has_words(scene, admin):
    outcome = release(admin, scene.plain(), typed_name="lock_report_7")

    assert outcome.sentence
    moment = datetime.now(UTC).isoformat()
    known = {
        "blocks": "reports",
        "task": "servers_retrieve_info",
        "task_id": "d9c26803",
        "task_name": "servers_retrieve_info",
        "worker": "worker-a@web-1",
        "key": "lock-signal:report_7",
        "until": moment,
        "was": moment,
        "span": "20 s",
        "left": timedelta(seconds=20),
        "waiting": 3,
        "refused": 12,
    }
    assert all(words.effect(code, known) for code in words.EFFECTS)

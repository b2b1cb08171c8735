"""A lost run is sent again once, whichever of its locks is released and however often; more only where somebody says so, who knows of the first."""

import re
from html import unescape

import pytest
from django.test import Client

from dashboard import snapshot
from dashboard.acts.again import not_sent_with, release_and_send, sent_with
from dashboard.acts.release import release_now
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from tests.dashboard.acts.pages import logged_in, plan_in, release_url
from tests.dashboard.acts.scene import OPERATOR, code_of, make_user
from tests.dashboard.acts.test_again import _forget, done, lost, message_of
from tests.dashboard.api.calls import bearer, post
from tests.dashboard.commands.test_locks import run

pytestmark = pytest.mark.django_db
__all__ = ["_forget"]
NAMES = ("lock_a", "lock_b")


@pytest.fixture
def two(scene, redis):
    """Two locks of one run, which died with its process."""
    lost(scene, names=NAMES)
    return sorted(snapshot.newest().locks, key=lambda lock: lock.name)


def release_with_it(user, lock, **more):
    return release_and_send(user, lock.id, lock.token_digest, "its process died", origin="api", **more)


def plan_of(client, lock):
    return client.get(release_url(lock), {"digest": lock.token_digest})


def confirmed(client, lock, planned, **ticked):
    return client.post(release_url(lock), {"plan": plan_in(planned), "reason": "x", "digest": lock.token_digest, **ticked}, follow=True)


def test_one_run_is_not_sent_again_with_each_of_its_locks(scene, operator, redis, two):
    first, second = two
    release_with_it(operator, first)

    assert code_of(lambda: release_with_it(operator, second)) == "again_sent_before"
    assert redis.llen("reports") == 1
    assert scene.value(second.raw_key) is not None, "both were asked for"


def test_a_release_that_was_undone_and_is_done_again_does_not_send_twice(scene, operator, redis):
    lock = lost(scene)
    outcome = release_with_it(operator, lock)
    undo(operator, outcome.act.pk)

    assert code_of(lambda: done(operator, lock, message_of(lock))) == "again_sent_before"
    assert redis.llen("reports") == 1


def test_who_knows_that_it_was_sent_again_can_send_it_once_more(scene, operator, redis, two):
    first, second = two
    release_with_it(operator, first)

    outcome = release_with_it(operator, second, once_more=True)

    assert (outcome.code, sent_with(outcome.act).code) == ("released", "sent")
    assert redis.llen("reports") == 2


def test_a_message_that_never_left_is_none(scene, operator, redis, two):
    redis.set("reports", "no list")
    first, second = two
    assert sent_with(release_with_it(operator, first).act).state == "failed"
    redis.delete("reports")

    assert sent_with(release_with_it(operator, second).act).code == "sent"


def test_of_two_at_the_same_moment_one_sends_and_the_other_says_so(scene, operator, redis, two):
    first, second = two
    otto, others = make_user("otto", OPERATOR), []
    operator.has_perm = lambda permission: others or permission != "lockhouse.release_lock" or others.append(release_with_it(otto, second)) or True

    outcome = release_with_it(operator, first)

    assert (outcome.code, sent_with(outcome.act)) == ("released", None)
    assert "by otto" in not_sent_with(OperatorAct.objects.get(pk=outcome.act.pk))
    assert sent_with(others[0].act).code == "sent"
    assert redis.llen("reports") == 1


def test_the_plan_says_that_it_was_sent_again_and_when_and_by_whom(scene, operator, redis, two):
    first, second = two
    sent = sent_with(release_with_it(operator, first).act)

    page = unescape(plan_of(logged_in(operator), second).content.decode())

    assert f"was sent again at {sent.started_at:%H:%M:%S} UTC by olga" in page
    assert f"/trace/{sent.pk}/" in page
    assert 'name="again"' not in page
    assert re.search(r'type="checkbox" name="once_more" value="[0-9a-f]{16}">', page), "and it is not ticked"


def test_the_page_sends_it_once_more_by_a_tick_of_its_own_alone(scene, operator, redis, two):
    first, second = two
    release_with_it(operator, first)
    client = logged_in(operator)
    planned = plan_of(client, second)

    refused = confirmed(client, second, planned, again=message_of(second))
    page = confirmed(client, second, planned, once_more=message_of(second), earlier="1").content.decode()

    assert refused.status_code == 409
    assert "was sent again at" in refused.content.decode() and plan_in(refused)
    assert "Its lost run was sent again" in page
    assert redis.llen("reports") == 2


def test_a_tick_does_not_speak_of_a_message_that_was_sent_after_the_plan(scene, operator, redis):
    lost(scene, names=(*NAMES, "lock_c"))
    first, second, third = sorted(snapshot.newest().locks, key=lambda lock: lock.name)
    release_with_it(operator, first)
    client = logged_in(operator)
    planned = plan_of(client, third)
    release_with_it(operator, second, once_more=True)

    assert confirmed(client, third, planned, once_more=message_of(third), earlier="1").status_code == 409
    assert redis.llen("reports") == 2


def test_programs_and_terminals_say_it_by_a_flag(scene, operator, redis, capsys):
    lost(scene, names=(*NAMES, "lock_c"))
    first, second, third = sorted(snapshot.newest().locks, key=lambda lock: lock.name)
    release_with_it(operator, first)
    body = {"token_digest": second.token_digest, "reason": "x", "send_again": True}
    address, headers = f"/api/v1/locks/{second.id}/release", bearer(operator)
    shell = ("release", third.id, "--digest", third.token_digest, "--reason", "x")

    refused = post(Client(), address, body, **headers)
    sent = post(Client(), address, {**body, "send_once_more": True}, **headers)

    assert (refused.status_code, refused.json()["code"]) == (409, "again_sent_before")
    assert sent.json()["sent_again"]["code"] == "sent"
    status, out, _ = run(capsys, *shell, "--send-again")
    assert status == 1
    assert "was sent again at" in out
    assert run(capsys, *shell, "--send-once-more")[0] == 0
    assert redis.llen("reports") == 3


def test_the_undo_of_a_release_with_its_message_says_that_the_message_stays(scene, operator, redis, capsys):
    lock = lost(scene)
    outcome = release_with_it(operator, lock)

    back = undo(operator, outcome.act.pk)

    assert (back.state, back.code) == ("done", "restored")
    assert "stays sent" in back.sentence
    assert "refuse" in back.sentence
    assert redis.llen("reports") == 1


def test_the_undo_of_a_plain_release_says_nothing_of_a_message(scene, operator, redis):
    lock = lost(scene)

    outcome = release_now(operator, lock.id, lock.token_digest, "its process died", origin="api")

    assert "sent" not in undo(operator, outcome.act.pk).sentence

"""Redis hangs or the connection breaks after the command was sent: said to be unknown, and settled by looking again."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from redis import Redis

from dashboard import connections
from dashboard.acts.bulk import execute_bulk, plan_bulk
from dashboard.acts.history import act_for, parts_of
from dashboard.acts.lifetime import execute_change, plan_change
from dashboard.acts.registry import EXTEND, LIMIT
from dashboard.acts.release import execute, plan_release
from dashboard.acts.settle import settle
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from tests.dashboard.acts.proxy import Proxy
from tests.dashboard.acts.scene import Scene, orphan_token
from tests.system import running_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with running_server() as started:
        pid = Redis.from_url(started.connection_url).info("server")["process_id"]
        try:
            yield started, pid
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def proxied(settings, watching, server):
    """The cache is on a server of this test's own, behind a proxy; our own Redis is elsewhere."""
    started, _pid = server
    parts = urlsplit(started.connection_url)
    proxy = Proxy(parts.hostname, parts.port)
    shop = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": f"redis://127.0.0.1:{proxy.port}/1"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": shop}}
    connections.forget_connections()
    yield proxy
    proxy.close()


@pytest.fixture
def scene(proxied, server):
    return Scene(redis=Redis.from_url(f"{server[0].connection_url}/1"))


def wait_past(redis: Redis, act: OperatorAct) -> None:
    """Until Redis' clock has passed the act's last moment."""
    seconds, microseconds = redis.time()
    left = act.before["valid_until_ms"] - (seconds * 1000 + microseconds // 1000)
    redis.blpop(["never-written"], timeout=max(left, 0) / 1000 + 0.02)


def test_a_server_that_freezes_after_the_command_is_unknown_and_then_settled(scene, proxied, server, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    proxied.on_eval = lambda: os.kill(server[1], signal.SIGSTOP)

    outcome = execute(operator, "session", plan.signed, "its worker died")

    assert (outcome.state, outcome.code) == ("unknown", "no_answer")
    assert settle(outcome.act).state == "unknown", "while it is frozen nobody can know"

    os.kill(server[1], signal.SIGCONT)
    wait_past(scene.redis, outcome.act)
    settled = settle(OperatorAct.objects.get())

    is_there = scene.value(lock.raw_key) is not None
    assert (settled.state, settled.code) == (("failed", "not_done") if is_there else ("done", "gone_since"))


def test_a_command_that_arrives_too_late_is_not_carried_out(scene, proxied, server, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    frozen = threading.Event()

    def freeze_for_three_seconds():
        os.kill(server[1], signal.SIGSTOP)
        frozen.set()
        threading.Timer(3.0, os.kill, (server[1], signal.SIGCONT)).start()

    proxied.on_eval = freeze_for_three_seconds

    outcome = execute(operator, "session", plan.signed, "its worker died")
    assert frozen.is_set()
    assert outcome.state == "unknown"

    patient = Redis.from_url(f"{server[0].connection_url}/1", socket_timeout=10)
    patient.ping()
    settled = settle(OperatorAct.objects.get())

    assert (settled.state, settled.code) == ("failed", "not_done")
    assert scene.value(lock.raw_key) is not None


def test_a_connection_that_drops_with_the_answer_is_settled_as_gone(scene, proxied, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    proxied.on_eval = lambda: setattr(proxied, "drops_answers", True)

    outcome = execute(operator, "session", plan.signed, "its worker died")

    assert outcome.state == "unknown"
    assert scene.value(lock.raw_key) is None, "it was carried out, once"
    proxied.drops_answers = False
    wait_past(scene.redis, outcome.act)
    settled = settle(outcome.act)
    assert (settled.state, settled.code) == ("done", "gone_since")


def test_a_lock_taken_anew_between_the_last_look_and_the_deletion_is_left_alone(scene, proxied, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    proxied.on_eval = lambda: scene.redis.set(lock.raw_key, "somebody-else")

    outcome = execute(operator, "session", plan.signed, "its worker died")

    assert (outcome.state, outcome.code) == ("refused", "changed_hands")
    assert scene.value(lock.raw_key) == b"somebody-else"


def test_a_dropped_answer_is_not_asked_for_again(scene, proxied, operator):
    """The driver's own second try would find the key gone and hide that the first one removed it."""
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    proxied.on_eval = lambda: setattr(proxied, "drops_answers", True)

    execute(operator, "session", plan.signed, "its worker died")

    assert scene.redis.info("commandstats")["cmdstat_eval"]["calls"] == 1


def test_an_undo_without_an_answer_is_settled_as_well(scene, proxied, operator):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    released = execute(operator, "session", plan.signed, "its worker died")
    proxied.on_eval = lambda: setattr(proxied, "drops_answers", True)

    outcome = undo(operator, released.act.pk)

    assert outcome.state == "unknown"
    proxied.drops_answers = False
    wait_past(scene.redis, outcome.act)
    assert (settle(outcome.act).code, scene.value(lock.raw_key)) == ("restored", token)


def test_an_act_whose_process_was_killed_is_settled_later(scene, operator):
    lock = scene.orphan()
    now = datetime.now(UTC)
    seconds, _ = scene.redis.time()
    abandoned = OperatorAct.objects.create(
        act="lock-release",
        target_id=lock.id,
        cache="shop",
        username="olga",
        nonce="n",
        planned_at=now,
        started_at=now - timedelta(seconds=20),
        token_digest=lock.token_digest,
        before={"key": "c2hvcDoxOmxvY2tfcmVwb3J0Xzc=", "valid_until_ms": (seconds - 10) * 1000},
        origin="page",
    )

    assert (settle(abandoned).state, abandoned.code) == ("failed", "not_done")


def test_an_act_that_is_being_done_is_left_alone(scene, operator):
    now = datetime.now(UTC)
    act = OperatorAct.objects.create(act="lock-release", username="olga", nonce="n", planned_at=now, started_at=now, origin="page")

    assert settle(act).state == "intent"


def test_a_server_that_refuses_scripts_is_said_and_nothing_is_done(scene, proxied, operator):
    lock = scene.orphan()
    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    scene.redis.acl_setuser("default", enabled=True, nopass=True, commands=["-eval"], keys=["*"], channels=["*"], categories=["+@all"])

    outcome = execute(operator, "session", plan.signed, "its worker died")

    assert (outcome.state, outcome.code) == ("failed", "rejected")
    assert "NOPERM" in outcome.sentence or "permission" in outcome.sentence
    assert scene.value(lock.raw_key) is not None


@pytest.mark.parametrize(("act", "timeout", "code"), [(EXTEND, 60, "extended"), (LIMIT, None, "timeout_set")])
def test_a_change_of_a_lifetime_without_an_answer_is_settled_by_the_deadline(scene, proxied, operator, act, timeout, code):
    lock = scene.orphan(timeout=timeout)
    plan = plan_change(operator, "session", act, lock.id, lock.token_digest, timedelta(minutes=5))
    proxied.on_eval = lambda: setattr(proxied, "drops_answers", True)

    outcome = execute_change(operator, "session", act, plan.signed, "it takes longer")

    assert (outcome.state, outcome.code) == ("unknown", "no_answer")
    proxied.drops_answers = False
    wait_past(scene.redis, outcome.act)
    assert (settle(outcome.act).state, outcome.act.code) == ("done", code)
    assert scene.redis.pttl(lock.raw_key) > 200_000


def test_an_extension_that_a_frozen_server_carries_out_too_late_is_none(scene, proxied, server, operator):
    lock = scene.orphan(timeout=60)
    plan = plan_change(operator, "session", EXTEND, lock.id, lock.token_digest, timedelta(minutes=5))

    def freeze_for_three_seconds():
        os.kill(server[1], signal.SIGSTOP)
        threading.Timer(3.0, os.kill, (server[1], signal.SIGCONT)).start()

    proxied.on_eval = freeze_for_three_seconds

    outcome = execute_change(operator, "session", EXTEND, plan.signed, "it takes longer")

    assert outcome.state == "unknown"
    Redis.from_url(f"{server[0].connection_url}/1", socket_timeout=10).ping()
    wait_past(scene.redis, outcome.act)
    assert (settle(outcome.act).state, outcome.act.code) == ("failed", "not_done")
    assert scene.redis.pttl(lock.raw_key) <= 60_000


def test_several_on_a_server_that_freezes_are_not_known_or_not_tried_and_settled_later(scene, proxied, server, operator):
    keys = [scene.take(name, token=orphan_token()) for name in ("lock_a", "lock_b", "lock_c")]
    scene.see(*keys)
    from dashboard import snapshot

    plan = plan_bulk(operator, "session", [(lock.id, lock.token_digest) for lock in snapshot.newest().locks])
    proxied.on_eval = lambda: os.kill(server[1], signal.SIGSTOP)

    outcome = execute_bulk(operator, "session", plan.signed, "their workers died")

    assert (outcome.state, outcome.code) == ("unknown", "released_unknown")
    assert [part.code for part in parts_of(outcome.act)] == ["no_answer", "unreachable", "unreachable"]
    os.kill(server[1], signal.SIGCONT)
    wait_past(scene.redis, parts_of(outcome.act)[0])
    settled = act_for(operator, outcome.act.pk)
    assert settled.state in {"done", "refused"}
    assert scene.redis.exists(*keys) == 3 - settled.values["released"]

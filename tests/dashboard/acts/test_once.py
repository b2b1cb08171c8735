"""The same act submitted from several threads at once has one effect; a database on disk, so that each has its own connection."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connections

from dashboard.acts.ledger import Outcome
from dashboard.acts.release import execute, plan_release, release_now
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import OPERATOR, make_user, orphan_token

THREADS = 8


@pytest.fixture
def in_threads(tmp_path, django_db_setup, django_db_blocker):
    """Calls every function in a thread of its own, all at once, on a database that is a file; the answers in order."""
    settings = connections.settings["default"]
    before = settings["NAME"]
    barrier: threading.Barrier

    def called(function):
        try:
            barrier.wait()
            return function()
        finally:
            connections["default"].close()

    def run(*functions):
        nonlocal barrier
        barrier = threading.Barrier(len(functions))
        with ThreadPoolExecutor(len(functions)) as pool:
            return [future.result() for future in [pool.submit(called, function) for function in functions]]

    with django_db_blocker.unblock():
        settings["NAME"] = str(tmp_path / "acts.sqlite3")
        try:
            run(lambda: call_command("migrate", verbosity=0, skip_checks=True))
            yield run
        finally:
            settings["NAME"] = before


def test_one_plan_in_eight_threads_is_one_release(scene, in_threads):
    lock = scene.orphan()
    [user] = in_threads(lambda: make_user("olga", OPERATOR))
    [plan] = in_threads(lambda: plan_release(user, "session", lock.id, lock.token_digest))
    deletions = scene.redis.info("commandstats").get("cmdstat_del", {"calls": 0})["calls"]

    outcomes: list[Outcome] = in_threads(*[lambda: execute(user, "session", plan.signed, "its worker died")] * THREADS)

    assert len({outcome.act.pk for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert in_threads(lambda: [act.code for act in OperatorAct.objects.all()]) == [["released"]]
    assert scene.redis.info("commandstats")["cmdstat_del"]["calls"] == deletions + 1


def test_eight_people_at_once_are_one_release(scene, in_threads):
    users = in_threads(*[lambda name=f"user{number}": make_user(name, OPERATOR) for number in range(THREADS)])
    lock = scene.orphan()

    outcomes = in_threads(*[lambda user=user: release_now(user, lock.id, lock.token_digest, "its worker died", origin="api") for user in users])

    assert sorted(outcome.code for outcome in outcomes) == [*["already_gone"] * (THREADS - 1), "released"]


def test_one_idempotency_key_in_eight_threads_is_one_release(scene, in_threads):
    lock = scene.orphan()
    [user] = in_threads(lambda: make_user("olga", OPERATOR))

    outcomes = in_threads(*[lambda: release_now(user, lock.id, lock.token_digest, "gone", origin="api", idempotency_key="once")] * THREADS)

    assert len({outcome.act.pk for outcome in outcomes}) == 1


def test_eight_undos_at_once_are_one_undo(scene, in_threads):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))
    [user] = in_threads(lambda: make_user("olga", OPERATOR))
    [released] = in_threads(lambda: release_now(user, lock.id, lock.token_digest, "gone", origin="api"))

    outcomes = in_threads(*[lambda: undo(user, released.act.pk)] * THREADS)

    assert len({outcome.act.pk for outcome in outcomes}) == 1
    assert scene.value(lock.raw_key) == token

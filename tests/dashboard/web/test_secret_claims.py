"""A token is only text, and so is what a worker tells: a secret in what they name is shown to nobody, on no page, in no file and to no program."""

import contextlib
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from dashboard.history import names_read
from dashboard.history.rows import SUCCEEDED, Batch
from dashboard.history.write import Writer
from dashboard.metrics import rendered
from dashboard.records import Lane, Loss, Refusal, Span, Wait
from dashboard.records.identity import identity
from dashboard.redaction import HIDDEN, hide_in_name
from dashboard.snapshot import newest
from dashboard.web.links import run_url, task_url, worker_url
from dashboard.web.panels import PANELS
from tests.dashboard.acts.scene import VIEWER, make_user
from tests.dashboard.api.calls import bearer
from tests.dashboard.api.test_queues import put
from tests.dashboard.history.made import made_event, make_row
from tests.factories import make_claim, make_lock, make_run, make_worker

__all__ = ["put"]
pytestmark = pytest.mark.django_db
TASK_ID, TASK, WORKER, HOST = "password=hunter3", "task_password=hunter3", "AKIAIOSFODNN7EXAMPLE", "redis://u:hunter3pw@h/0"
SECRETS = ("hunter3", "AKIAIOSFODNN7EXAMPLE")
SAID = {"task_id": TASK_ID, "task_name": TASK, "worker": WORKER}
MAY = frozenset(f"lockhouse.{permission}" for permission in VIEWER)
LISTS = ("locks", "queues", "tasks", "runs", "results", "schedules", "workers")


def claimed(now, **changes):
    return make_claim(**{**SAID, "host": HOST, "attempted_at": now - timedelta(seconds=80)} | changes)


def locks(now):
    """One whose run is known, one taken outside any task, one that expired under its run, and a plain one that the run may hold."""
    times = {"acquired_at": now - timedelta(seconds=80), "first_seen_at": now - timedelta(seconds=80), "seen_at": now, "expires_at": now + timedelta(hours=1)}
    outside = claimed(now, worker=None, task_id=None, task_name=None)
    only_time = claimed(now, worker=None, task_id=None, task_name=None, pid=None, host=None)
    return (
        make_lock(name="lock_named", claim=claimed(now), **times),
        make_lock(name="lock_outside", claim=outside, **times),
        make_lock(name="lock_expired", claim=claimed(now), **{**times, "lapsed_at": now - timedelta(seconds=5), "expires_at": now - timedelta(seconds=5)}),
        make_lock(name="lock_plain", dialect="redis-py", claim=only_time, **times),
    )


@pytest.fixture
def seen(put):
    """A moment at which all that tokens and workers say has a secret in it; the same in the history."""
    now = datetime.now(UTC)
    held = locks(now)
    span = Span(from_at=now - timedelta(seconds=80), to_at=None, token_digest="d")
    told = {"lock_id": held[0].id, "cache": "default", "name": "lock_named", **SAID}
    run = {"name": TASK, "worker": WORKER, "received_at": now - timedelta(seconds=81), "started_at": now - timedelta(seconds=80.1), "heard_at": now}
    worker = make_worker(name=WORKER, last_heard_at=now, answered_at=now, asked_at=now, active=(TASK_ID,), active_at=now, tasks=(TASK,), pool_read_at=now)
    put(
        locks=held,
        runs=tuple(make_run(task_id=task_id, last_active_at=now, **run) for task_id in (TASK_ID, f"{TASK_ID}-2")),
        workers=(worker,),
        refusals=(Refusal(at=now - timedelta(seconds=3), **told),),
        waits=(Wait(token_digest="w", from_at=now - timedelta(seconds=3), **told),),
        losses=(Loss(token_digest="l", at=now - timedelta(seconds=3), **told),),
        lanes=tuple(Lane(lock_id=one.id, cache=one.cache, name=one.name, spans=(span,), refused_at=()) for one in held),
    )
    write_history(held[0].id, now)
    return held


def write_history(lock_id, now):
    """The lock expired under one run, and another took it while that one went on."""
    names_read.forget()
    us = int((now - timedelta(minutes=5)).timestamp() * 1_000_000)
    writer = Writer("test:1")
    writer.claim(us)
    runs = [
        make_row(number, task_id=f"{TASK_ID}{number}", task=TASK, worker=WORKER, received_us=us, started_us=us, heard_us=us + 60_000_000,
                 ended_us=us + 60_000_000, outcome=SUCCEEDED, args=f"('{TASK_ID}',)")
        for number in (1, 2)
    ]  # fmt: skip
    events = [
        made_event(number, what, lock_id=lock_id, name="lock_named", us=us, task=TASK, task_id=f"{TASK_ID}{run}", run=run)
        for number, what, run in ((1000, "acquired", 1), (2000, "expired", 1), (3000, "acquired", 2), (4000, "refused", 1))
    ]
    events = [(*event[:10], f"token-{event[9][-1]}", *event[11:]) for event in events]
    writer.write(Batch(rows=runs, locks=events), us)


def leaks(text):
    return [secret for secret in SECRETS if secret in text]


def pages(held):
    yield from ("/", "/flow/", "/timeline/", "/locks/overlaps/", "/locks/overlaps/?format=csv", "/locks/overlaps/?format=json")
    yield from (f"/{name}/{kind}" for name in LISTS for kind in ("", "?format=csv", "?format=json"))
    yield from (path for one in held for path in (f"/locks/{one.id}/", f"/locks/{one.id}/history/"))
    yield from (run_url(TASK_ID), run_url(f"{TASK_ID}1"), task_url(TASK), worker_url(WORKER))


def answers(held):
    yield from (f"/api/v1/{name}" for name in (*LISTS, "overview", "overlaps"))
    yield from (path for one in held for path in (f"/api/v1/locks/{one.id}", f"/api/v1/locks/{one.id}/history"))
    yield f"/api/v1/runs/{identity(TASK_ID)}"
    yield f"/api/v1/tasks/{identity(TASK)}"
    yield f"/api/v1/tasks/{identity(TASK)}/locks"
    yield f"/api/v1/workers/{identity(WORKER)}"


def test_no_page_and_no_file_has_it(seen):
    client = Client()
    client.force_login(make_user("vera", VIEWER))

    told = {path: client.get(path) for path in pages(seen)}

    assert {path: response.status_code for path, response in told.items() if response.status_code != 200} == {}
    assert {path: found for path, response in told.items() if (found := leaks(response.getvalue().decode()))} == {}
    lock = told[f"/locks/{seen[0].id}/"].content.decode()
    assert HIDDEN in lock, "the holder is shown, without it"
    assert run_url(TASK_ID) in lock, "and its run is found all the same"
    assert HIDDEN in told["/locks/overlaps/"].content.decode(), "an overlap is told"


def test_no_answer_of_the_api_has_it(seen):
    client = Client(headers=bearer(make_user("vera", VIEWER)))

    told = {path: client.get(path) for path in answers(seen)}

    assert {path: response.status_code for path, response in told.items() if response.status_code != 200} == {}
    assert {path: found for path, response in told.items() if (found := leaks(response.content.decode()))} == {}
    [holder] = [row["holder"] for row in told["/api/v1/locks"].json()["locks"] if row["id"] == seen[0].id]
    assert (holder["certainty"], holder["worker"], holder["host"]) == ("exact", HIDDEN, f"redis://u:{HIDDEN}@h/0")
    assert [lock["name"] for lock in told[f"/api/v1/runs/{identity(TASK_ID)}"].json()["run"]["locks"]], "the run and its lock are still one"


def test_nothing_that_a_socket_pushes_has_it_whoever_looks(seen):
    queries = [{"id": one.id} for one in seen] + [{"id": identity(name)} for name in (TASK_ID, TASK, WORKER)] + [{}]

    for may in (MAY, MAY | {"lockhouse.view_unredacted", "lockhouse.release_lock"}):
        found = {
            (name, piece.id): leaks(piece.html)
            for name, panel in PANELS.items()
            for query in queries
            for piece in panel.pieces(newest(), panel.query(query), may, datetime.now(UTC))
        }
        assert {where: secrets for where, secrets in found.items() if secrets} == {}


def test_no_line_for_the_incident_channel_has_it(seen):
    pieces = {piece.id: piece.html for piece in PANELS["lock"].pieces(newest(), {"id": seen[0].id}, MAY, datetime.now(UTC))}
    assert "data-copy" in pieces["lock-head"] and not leaks(pieces["lock-head"])


@pytest.mark.parametrize("command", ["overview", *LISTS, "overlaps"])
def test_no_command_prints_it(seen, command):
    for options in ([], ["--json"]):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.suppress(SystemExit):
            call_command(command, *options, stdout=out, stderr=err)
        assert out.getvalue() and not leaks(out.getvalue() + err.getvalue())


def test_no_measurement_has_it(seen):
    text = rendered(newest(), datetime.now(UTC))[0].decode()
    assert "lockhouse" in text and not leaks(text)


@pytest.mark.parametrize(
    "name",
    ["d9c26803-1111-4222-8333-444455556666", "41111111-1111-4111-8111-111111111111", "celery@web-1", "celery@sk-worker-6f9d8b7c4d-x2x5z",
     "reports.tokens.refresh", "ip-10-0-12-7.eu-west-1.compute.internal", "orders-1763900000000", "auth:password_reset", "gen4711@3f1c9a0b7d52"],
)  # fmt: skip
def test_ordinary_names_and_ids_are_shown_as_they_are(name):
    assert hide_in_name(name) == name


def test_no_id_that_celery_gives_is_taken_for_a_card():
    ids = [str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC834) % 2**128, version=4)) for number in range(1, 2000)]
    digits = ["4111111" + str(last) + "-1111-4111-8111-111111111111" for last in range(10)]
    assert [one for one in ids + digits if hide_in_name(one) != one] == []

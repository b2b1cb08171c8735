"""The Workers page and one worker's: what they say, and in which of the four states the list is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from dashboard import connections, snapshot
from dashboard.records import Snapshot
from dashboard.records.identity import identity
from tests.dashboard.acts.scene import make_user
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.dashboard.web.test_runs import EVIL, text_of
from tests.factories import NOW, ago, make_lock, make_run, make_snapshot, make_source, make_worker

WORKER = make_worker(reserved=3, scheduled=1, processed=12310, load=(0.52, 0.4, 0.3), software="py-celery 5.7.0")


def rows(*workers, query=None, now=NOW, **sections):
    return rows_of("workers", make_snapshot(**({"workers": workers} | sections)), "workers-rows", query, VIEWER, now)


def page(*workers, query=None, **sections):
    return pieces_of("workers", make_snapshot(**({"workers": workers} | sections)), query)


def one(*workers, **sections):
    return pieces_of("worker", make_snapshot(**({"workers": workers} | sections)), {"id": identity(workers[0].name)})


def test_row_says_what_it_is_and_does():
    (row,) = rows(WORKER)
    text = text_of(row)
    assert f'href="/workers/{identity("worker-b@web-2")}/"' in row
    assert [said for said in ("online", "prefork", "1 of 2", "3 · 1 later", "12,310", "0.5", "py-celery 5.7.0", "reports") if said not in text] == []


def test_what_is_not_known_is_a_question_mark_and_not_zero():
    bare = make_worker(pool=None, processes=None, concurrency=None, queues=None, tasks=None, active=None)
    text = text_of(rows(bare)[0])
    assert text.count("?") == 7
    assert "0" not in text.replace("worker-b@web-2", "")


def test_row_does_not_change_from_second_to_second():
    later = NOW + timedelta(seconds=1)
    assert rows(WORKER) == rows(make_worker(**{name: getattr(WORKER, name) for name in WORKER.__slots__} | {"last_heard_at": later}), now=later)


def test_tells_nothing_of_its_tasks_is_said_with_the_fix():
    assert "so its runs are missing: switch its events on, or start it with -E" in text_of(rows(make_worker(sends_events=False))[0])


def test_list_has_its_four_states():
    assert "hidden" in page(WORKER)["workers-state"]
    assert "No worker has been heard of" in page()["workers-state"]
    assert "Nothing matches the filter" in page(WORKER, query={"q": "nosuch"})["workers-state"]
    assert "workers is unavailable" in page(sources=(make_source("workers", ok=False),))["workers-state"]
    assert "Not known" in pieces_of("workers", Snapshot())["workers-state"]


@pytest.mark.parametrize("column", ["worker", "state", "pool", "busy", "waiting", "processed", "load", "queues"])
def test_every_column_sorts_both_ways(column):
    workers = (WORKER, make_worker(name="bare", pool=None, queues=None, active=None))
    assert len(rows(*workers, query={"o": column})) == len(rows(*workers, query={"o": f"-{column}"})) == 2


def test_chips_count_and_choose():
    gone = make_worker(name="z", last_heard_at=ago(minutes=2), asked_at=ago(seconds=2), connection_known=True, connection_gone_at=ago(minutes=2))
    assert text_of(page(WORKER, gone)["workers-chips"]) == "All 2 Online 1 Gone 1"
    assert len(rows(WORKER, gone, query={"show": "gone"})) == 1


def test_worker_shows_what_each_process_runs_its_locks_and_its_tasks():
    shown = one(WORKER, locks=(make_lock(),), runs=(make_run(),))
    runs = text_of(shown["worker-runs"].replace("</td>", "</td> "))
    assert "pid 811 active reports_prepare_massive_report d9c26803" in runs
    assert "lock_report_12" in runs
    assert "pid 812 idle" in runs
    assert "reports_prepare_massive_report" in shown["worker-tasks"]
    assert f'href="/locks/{make_lock().id}/"' in shown["worker-facts"]


def test_worker_that_is_gone_says_how_that_is_known():
    gone = make_worker(last_heard_at=ago(minutes=2), asked_at=ago(seconds=2), connection_known=True, connection_gone_at=ago(minutes=2))
    head = text_of(one(gone)["worker-head"])
    assert "The broker has closed the connection of worker-b@web-2" in head.replace("&#x27;", "'")
    assert "did not answer" in head


def test_processes_before_are_listed():
    before = make_worker(pid=5, last_heard_at=ago(minutes=9), first_heard_at=ago(hours=3))
    assert "pid 5" in text_of(one(WORKER, before)["worker-before"])


def test_hostile_names_are_text():
    evil = make_worker(name=EVIL, queues=(EVIL,), tasks=(EVIL,), pool=EVIL, software=EVIL, sends_events=False)
    for html in (*rows(evil), *one(evil, runs=(make_run(name=EVIL, worker=EVIL),)).values()):
        assert "<script>alert" not in html
        assert "\u202e" not in html


def test_overview_leads_to_the_worker():
    assert f'href="/workers/{identity("worker-b@web-2")}/"' in "".join(rows_of("overview", make_snapshot(), "worker-rows"))


@pytest.mark.django_db
def test_pages_are_whole_without_a_script_and_need_the_permission(watching):
    known, version = make_snapshot(at=datetime.now(UTC)), int(datetime.now(UTC).timestamp() * 1000)
    snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, version), set(snapshot.SECTIONS), epoch=1)
    made = Client()
    made.force_login(make_user("ann", ["view_locks"]))
    assert "worker-b@web-2" in made.get("/workers/").content.decode()
    assert "Tasks it knows" in made.get(f"/workers/{identity('worker-b@web-2')}/").content.decode()
    missing = made.get("/workers/unknown/")
    assert (missing.status_code, "No worker with this id is known" in missing.content.decode()) == (404, True)
    assert Client().get("/workers/").status_code == 302
    nobody = Client()
    nobody.force_login(make_user("bob"))
    assert nobody.get("/workers/").status_code == 403

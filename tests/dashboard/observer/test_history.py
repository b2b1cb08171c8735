"""The history of a real system: written while it runs, going on after an observer was killed, and honest about what it missed."""

import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from redis import Redis

from tests.system import wait_for


def test_the_whole_life_of_a_run_is_written(system, snapshot, query):
    system.worker()
    system.observer()
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    system.send("guest_import", "import-1", 0.2)

    (row,) = wait_for(lambda: query("SELECT * FROM lockhouse_taskrun WHERE outcome = 7"))
    (told,) = query("SELECT task_id, args, received_us, started_us, ended_us, runtime_us, pid FROM lockhouse_taskrun")
    assert row and told[1] == "('import-1', 0.2)" and 0 < told[2] <= told[3] <= told[4] and told[5] > 0
    assert query("SELECT text FROM lockhouse_historyname WHERE kind IN (1, 2) ORDER BY kind") == [("guest_import",), ("w@guest",)]
    wait_for(lambda: query("SELECT 1 FROM lockhouse_runminute WHERE succeeded = 1"), said="it is counted")


def test_an_observer_that_is_killed_loses_only_what_happened_meanwhile_and_says_so(system, snapshot, query):
    system.worker(concurrency=1)
    first = system.observer("first")
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))
    system.send("guest_import", "import-1", 300)
    system.taken("import-1")
    for number in range(3):
        system.send("guest_import", f"import-{2 + number}", 0)
    wait_for(lambda: query("SELECT count(*) FROM lockhouse_taskrun") == [(4,)], said="received, all of them")

    system.signal(first, signal.SIGKILL)
    killed_at = datetime.now(UTC).timestamp() * 1e6
    first.wait()
    system.observer("second")
    wait_for(lambda: query("SELECT count(*) FROM lockhouse_historygap") == [(1,)])
    system.guest.rpush("import-1:go", 1)

    wait_for(lambda: query("SELECT count(*) FROM lockhouse_taskrun WHERE outcome = 7") == [(4,)])
    assert query("SELECT count(*), count(DISTINCT task_id) FROM lockhouse_taskrun") == [(4, 4)], "no row is doubled"
    assert query("SELECT min(received_us) > 0 FROM lockhouse_taskrun") == [(1,)], "what the first one wrote of them is there"
    ((from_us, to_us, why),) = query("SELECT from_us, to_us, why FROM lockhouse_historygap")
    assert why == "no-observer" and killed_at - 15_000_000 < from_us < to_us and killed_at < to_us


def test_a_database_that_is_locked_is_said_and_what_came_meanwhile_is_written_when_it_is_free(system, snapshot, query):
    system.worker()
    system.observer()
    wait_for(lambda: any(source.name == "history" and source.ok for source in snapshot().sources))
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    with closing(sqlite3.connect(system.logs / "lockhouse.sqlite3", timeout=10, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        system.send("guest_import", "import-1", 0)
        wait_for(lambda: any(source.name == "history" and not source.ok for source in snapshot().sources))
        assert query("SELECT count(*) FROM lockhouse_taskrun") == [(0,)]
        database.execute("ROLLBACK")

    wait_for(lambda: query("SELECT count(*) FROM lockhouse_taskrun WHERE outcome = 7") == [(1,)])
    wait_for(lambda: all(source.ok for source in snapshot().sources))


def test_without_tables_everything_else_goes_on(system, snapshot):
    (system.logs / "lockhouse.sqlite3").unlink()
    system.observer()

    said = wait_for(lambda: [source for source in snapshot().sources if source.name == "history"])
    assert not said[0].ok and "manage.py migrate" in said[0].reason
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))


def test_what_happens_to_locks_is_written_with_the_runs_that_it_happens_to(system, snapshot, query):
    system.worker(concurrency=3, GUEST_REDIS_CLIENT_CLASS="dashboard.locking.HolderRedis")
    system.observer()
    wait_for(lambda: any(source.name == "events" and source.ok for source in snapshot().sources))

    def events():
        return query(
            "SELECT what, task.text, task_id <> '' FROM lockhouse_lockevent AS event JOIN lockhouse_historyname AS lock ON lock.id = event.name "
            "LEFT JOIN lockhouse_historyname AS task ON task.id = event.task WHERE lock.text = 'import-1' ORDER BY event.id"
        )

    system.send("guest_import", "import-1", 60, 600)
    system.taken("import-1")
    wait_for(lambda: [what for what, _task, _run in events()] == [1], said="acquired")
    system.send("guest_import", "import-1", 60, 600, 3)
    wait_for(lambda: [what for what, _task, _run in events()] == [1, 3, 2], said="acquired, waiting, refused")
    system.guest.rpush("import-1:go", 1)
    wait_for(lambda: events()[3:] == [(4, "guest_import", 1)], said="released")

    system.send("guest_import", "import-1", 60, 600)
    wait_for(lambda: len(events()) == 5)
    Redis.from_url(f"{system.url}/1").flushdb()

    wait_for(lambda: [what for what, _task, _run in events()][5:] == [9], said="flushed")
    assert {(task, is_known) for _what, task, is_known in events()} == {("guest_import", 1)}

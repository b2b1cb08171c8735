"""`kill -9` of the observer, the web process, Redis and the database in turn, while runs are told of: what is missing afterwards, and what is doubled.

    python -m tests.bench.kills [--quick] [--json FILE]

Runs are published at a steady rate all the while, each with an id that is kept here; the history is in SQLite, and in another round in PostgreSQL. SQLite
has no server: killed is a stranger that had locked the file for longer than anybody waits for it. Whoever is killed is started again, as
a service manager would: with one of ours `manage.py up` ends as a whole. Nothing may be missing but what began or ended in a gap that the history tells
of, and no run may be there twice.
"""

import argparse
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from config.tooling.machine import find_postgres
from dashboard.history.rows import US
from tests.bench import recorded
from tests.bench.installation import Installation, lockhouse
from tests.bench.receivers import is_receiving
from tests.postgres import Postgres, running_postgres
from tests.system import System, running_system, wait_for

RUNS_A_SECOND, QUICK_RUNS_A_SECOND = 500, 100
APART_S, QUICK_APART_S = 12.0, 8.0  # from one kill to the next
MARGIN_US = 1_500_000  # a gap begins where the last event, or the last word of the observer, was seen
SETTLE_S = 4.0
LOCKED_S = 8.0  # SQLite is waited for 5 s
EVERY_S = 0.05
ID = re.compile(rb'"uuid": "([0-9a-f-]{36})"')
ENDS = {"task-succeeded", "task-failed"}
HTTP_OK = 200
COOKIES = {"LOCKHOUSE_SECURE_COOKIES": "0"}


class Load(threading.Thread):
    """Publishes whole lives, and keeps when each was; of those whose publishing failed nobody knows what was told."""

    def __init__(self, url: str, rate: int) -> None:
        super().__init__(daemon=True)
        self.told: dict[str, tuple[int, int]] = {}  # task id -> from when to when, in microseconds since 1970
        self._broker, self._rate = Redis.from_url(url, socket_timeout=2), rate
        self._stopped = threading.Event()

    def run(self) -> None:
        recording = recorded.recording()
        lives = recording.lives()
        while not self._stopped.is_set():
            began, ids = time.time(), list[str]()
            pipe = self._broker.pipeline(transaction=False)
            while len(ids) < self._rate * EVERY_S:
                kind, event = next(lives)
                pipe.publish(*recording.message(kind, event))
                if kind in ENDS and (found := ID.search(event)):
                    ids.append(found[1].decode())
            with suppress(RedisError):
                pipe.execute()
                self.told |= dict.fromkeys(ids, (int(began * US), int(time.time() * US)))
            self._stopped.wait(max(0.0, EVERY_S - (time.time() - began)))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def restart_redis(system: System) -> None:
    """Kill it, and start another on its port, empty."""
    kill(int(system.broker.info("server")["process_id"]))
    system.server.stop()
    system.server.start()


def restart_database(cluster: Postgres) -> None:
    cluster.kill()
    time.sleep(1.0)
    cluster.start()


def kill_who_locked(file: Path) -> None:
    """Have a process lock the file, and kill it."""
    script = "import sqlite3, sys, time; sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None).execute('BEGIN EXCLUSIVE'); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script, str(file)]) as locker:
        time.sleep(LOCKED_S)
        locker.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where the history is."""

    url: str
    kill: Callable[[], None]
    ask: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """One of its own, "sqlite" or "postgresql"."""
    if kind == "sqlite":
        file = folder / "lockhouse.sqlite3"

        def ask(statement: str) -> list[tuple[Any, ...]]:
            with closing(sqlite3.connect(file, timeout=30)) as connection:
                return connection.execute(statement).fetchall()

        yield Database(url=f"sqlite:///{file}", kill=lambda: kill_who_locked(file), ask=ask)
        return
    with running_postgres() as cluster:

        def ask_server(statement: str) -> list[tuple[Any, ...]]:
            with psycopg.connect(cluster.url) as connection:
                return connection.execute(statement.encode()).fetchall()

        yield Database(url=cluster.url, kill=lambda: restart_database(cluster), ask=ask_server)


def restart_ours(system: System, running: list[Installation], part: str) -> None:
    """Kill one part of `manage.py up`, and start it again when it has ended."""
    kill(running[-1].children()[part])
    system.processes[-1].wait(20)
    process = system.start("up", "manage.py", "up", "--port", str(running[-1].port), **COOKIES)
    running.append(replace(running[-1], process=process.pid))


def answers(installation: Installation) -> bool:
    """Whether a page is given."""
    with suppress(OSError), urlopen(f"{installation.url}/healthz", timeout=2) as response:
        return bool(response.status == HTTP_OK)
    return False


def rows_of(ask: Callable[[str], list[tuple[Any, ...]]]) -> tuple[dict[str, int], int, list[tuple[int, int, str]]]:
    """What is written: of each task id how often, how many rows have not ended, and the gaps."""
    counts = {str(task_id): int(count) for task_id, count in ask("SELECT task_id, count(*) FROM lockhouse_taskrun GROUP BY task_id")}
    ended = {row[0] for row in ask("SELECT task_id FROM lockhouse_taskrun WHERE outcome IN (6, 7)")}
    gaps = [(int(from_us), int(to_us), str(why)) for from_us, to_us, why in ask("SELECT from_us, to_us, why FROM lockhouse_historygap ORDER BY from_us")]
    return {task_id: count for task_id, count in counts.items() if task_id in ended}, len(counts) - len(ended), gaps


def one_round(kind: str, *, quick: bool) -> dict[str, Any]:
    """All of them killed in turn, with the history in a database of this kind."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system, database(kind, Path(folder)) as history:
        system.env["DATABASE_URL"] = history.url
        with lockhouse(system) as installation:
            wait_for(lambda: is_receiving(system), said="events are received")
            running = [installation]
            kills: dict[str, Callable[[], None]] = {
                "observer": lambda: restart_ours(system, running, "observer"),
                "web": lambda: restart_ours(system, running, "web"),
                "redis": lambda: restart_redis(system),
                "database": history.kill,
            }
            load = Load(f"{system.url}/0", QUICK_RUNS_A_SECOND if quick else RUNS_A_SECOND)
            load.start()
            back = {name: killed(name, do, system, installation, quick=quick) for name, do in kills.items()}
            time.sleep(QUICK_APART_S if quick else APART_S)
            load.stop()
            time.sleep(SETTLE_S)
            rows, unended, gaps = rows_of(history.ask)
    missing = [told for task_id, told in load.told.items() if task_id not in rows]
    unsaid = [told for told in missing if not any(told[0] <= to_us + MARGIN_US and from_us - MARGIN_US <= told[1] for from_us, to_us, _ in gaps)]
    return {
        "told": len(load.told),
        "written": len(rows),
        "doubled": sum(count > 1 for count in rows.values()),
        "not_ended": unended,
        "missing": len(missing),
        "missing_outside_of_gaps": len(unsaid),
        "gaps": [{"why": why, "seconds": round((to_us - from_us) / US, 2)} for from_us, to_us, why in gaps],
        "back_s": back,
    }


def killed(name: str, do: Callable[[], None], system: System, installation: Installation, *, quick: bool) -> float:
    """Seconds from a kill, after a while of peace, until a page is given and events are received again."""
    time.sleep(QUICK_APART_S if quick else APART_S)
    began = time.monotonic()
    do()
    wait_for(lambda: answers(installation), said=f"a page after {name} was killed")
    wait_for(lambda: is_receiving(system), every=0.2, said=f"events after {name} was killed")
    return round(time.monotonic() - began, 1)


def measure(*, quick: bool) -> dict[str, Any]:
    """A round for each database that there is."""
    kinds = ["sqlite", *(["postgresql"] if find_postgres() else [])]
    rounds = {kind: one_round(kind, quick=quick) for kind in kinds}
    return {"what": "runs told while all were killed in turn", **rounds, "load": [round(one, 1) for one in os.getloadavg()]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS_A_SECOND} runs a second instead of {RUNS_A_SECOND}, and less time between the kills")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    rounds = {kind: result[kind] for kind in ("sqlite", "postgresql") if kind in result}
    for kind, one in rounds.items():
        print(f"{kind}: {one['told']:,} runs told, {one['written']:,} written, {one['doubled']} doubled; missing {one['missing']:,}", end="")
        print(f", of which {one['missing_outside_of_gaps']:,} in no gap; gaps: {', '.join('{why} {seconds} s'.format(**gap) for gap in one['gaps'])}")
        print(f"  back after: {', '.join(f'{name} {seconds} s' for name, seconds in one['back_s'].items())}")
    if "postgresql" not in rounds:
        print("postgresql: no server is installed (on Debian: apt-get install postgresql)")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if any(one["doubled"] or one["missing_outside_of_gaps"] for one in rounds.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

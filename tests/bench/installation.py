"""A Lockhouse that runs beside a watched system, for the benchmarks: `manage.py up` with its users, sessions, and what its processes cost."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.system import ROOT, System, wait_for

GROUP_CHANNEL = "lockhouse:test-system__group__lockhouse"
PASSWORD = "only for this measurement"
SESSIONS = """
import sys
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
for number in range(int(sys.argv[1])):
    user = get_user_model().objects.create_superuser(f"viewer-{number}", password=None)
    hashed = user.get_session_auth_hash()
    session = SessionStore()
    session.update({SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend", HASH_SESSION_KEY: hashed})
    session.create()
    print(session.session_key)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running one: where it is, and how its processes are found."""

    url: str
    port: int
    process: int  # of `manage.py up`
    started_at: float  # by the monotonic clock

    def children(self) -> dict[str, int]:
        """The pids of its parts, "observer" and "web"."""
        pids = [int(pid) for pid in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]
        return {"web" if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes() else "observer": pid for pid in pids}


@contextmanager
def lockhouse(system: System) -> Iterator[Installation]:
    """A running Lockhouse with one superuser, `bench`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    also = {"LOCKHOUSE_SECURE_COOKIES": "0", "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    for command in (["migrate", "--verbosity", "0"], ["createsuperuser", "--noinput", "--username", "bench", "--email", "bench@example.com"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env={**system.env, **also}, check=True, stdout=subprocess.DEVNULL)
    started_at = time.monotonic()
    up = system.start("up", "manage.py", "up", "--port", str(port), **also)
    try:
        wait_for(lambda: "Lockhouse is at" in system.log("up"), said="manage.py up")
        yield Installation(url=f"http://127.0.0.1:{port}", port=port, process=up.pid, started_at=started_at)
    finally:
        up.terminate()
        up.wait(15)


def sessions(system: System, count: int) -> list[str]:
    """Session keys of that many new superusers, each logged in."""
    script = f"import django; django.setup()\n{SESSIONS}"
    made = subprocess.run([sys.executable, "-c", script, str(count)], cwd=ROOT, env=system.env, check=True, capture_output=True, text=True, timeout=60)
    return made.stdout.split()


class Announcements(threading.Thread):
    """When something was announced to the web processes: tells the observer's part of the time from the web's."""

    def __init__(self, own: Redis) -> None:
        super().__init__(daemon=True)
        self.at: list[float] = []
        self._pubsub = own.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(GROUP_CHANNEL)

    def run(self) -> None:
        with suppress(RedisError):  # the server ends before this thread
            for message in self._pubsub.listen():
                if b"locks" in message["data"]:
                    self.at.append(time.time())

    def first_after(self, moment: float) -> float | None:
        return next((at for at in self.at if at >= moment), None)


def commands_of(redis: Redis) -> dict[str, int]:
    """How often each command was called since the server started; those of scripts are counted as well."""
    return {name.removeprefix("cmdstat_"): said["calls"] for name, said in redis.info("commandstats").items()}


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """The memory of a process, in MB of 10**6 bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(seconds: list[float]) -> dict[str, float]:
    """p50, p90, p99 and the greatest, in ms."""
    return {name: round(quantile(seconds, share) * 1000, 1) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))}

"""Who receives the events in a benchmark: Lockhouse's observer, Flower, or nothing but a decoder; each a process pinned to one processor."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from redis import Redis

from dashboard.exceptions import SourceUnavailable
from dashboard.records import Observer, SourceState
from dashboard.sources.event import read_events
from dashboard.sources.stream import Stream
from tests.bench.extras import flower_python
from tests.system import ROOT, System, wait_for

SNAPSHOT = "lockhouse:test-system:snapshot"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running one: how many events it has taken in, and what it says of those it has not."""

    received: Callable[[], int]
    lost: Callable[[], str]  # empty: nothing that it knows of
    pid: int


def pinned(command: list[str], cpu: int) -> list[str]:
    """The command on this processor alone, where that can be chosen."""
    return ["taskset", "-c", str(cpu), *command] if os.path.exists("/usr/bin/taskset") else command


@contextmanager
def lockhouse(system: System, cpu: int) -> Iterator[Receiver]:
    """The observer as `manage.py observe` runs it, with a history in SQLite."""
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=system.env, check=True)
    with (system.logs / "observer.log").open("ab") as log:
        process = subprocess.Popen(pinned([sys.executable, "manage.py", "observe"], cpu), cwd=ROOT, env=system.env, stdout=log, stderr=subprocess.STDOUT)
    system.processes.append(process)
    wait_for(lambda: is_receiving(system), said="the observer receives")

    def lost() -> str:
        said = newest(system)
        return f"dropped {said.events_dropped}, gaps {len(said.event_gaps)}" if said.events_dropped or said.event_gaps else ""

    try:
        yield Receiver(lambda: newest(system).events_received, lost, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def newest(system: System) -> Observer:
    """What the observer says of itself; read from where it writes it, for the benchmarks are no Django project."""
    found = Redis.from_url(f"{system.url}/2").hget(SNAPSHOT, "observer")
    said = msgspec.msgpack.decode(found, type=Observer | None) if isinstance(found, bytes) else None
    return said or Observer(leader="", since=datetime.now(UTC))


def is_receiving(system: System) -> bool:
    """Whether it has said that it receives events."""
    found = Redis.from_url(f"{system.url}/2").hget(SNAPSHOT, "sources")
    sources = msgspec.msgpack.decode(found, type=tuple[SourceState, ...]) if isinstance(found, bytes) else ()
    return any(source.name == "events" and source.ok for source in sources)


COUNTED = re.compile(rb"^flower_events_total\{.*\} ([0-9.e+]+)", re.MULTILINE)


@contextmanager
def flower(system: System, cpu: int, port: int) -> Iterator[Receiver]:
    """Flower with its own defaults, but that it keeps no more runs than it must."""
    python = flower_python()
    command = [str(python), "-m", "celery", f"--broker={system.url}/0", "flower", f"--port={port}", "--address=127.0.0.1"]
    with (system.logs / "flower.log").open("ab") as log:
        process = subprocess.Popen(pinned(command, cpu), cwd=system.logs, stdout=log, stderr=subprocess.STDOUT)
    system.processes.append(process)

    def received() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                return round(sum(float(one) for one in COUNTED.findall(answer.read())))
        except (urllib.error.URLError, OSError):
            return 0

    listens = Redis.from_url(f"{system.url}/0")
    wait_for(lambda: listens.pubsub_numpat(), said="Flower receives")
    try:
        yield Receiver(received, lambda: "", process.pid)
    finally:
        process.kill()
        process.wait(20)


def decode_only(url: str) -> None:
    """Receive and decode until killed; says how many on each line of standard input."""
    count, stop = 0, threading.Event()

    def put(one) -> None:
        nonlocal count
        count += len(read_events([payload for _, payload in one.messages])[0])

    def follow() -> None:
        while not stop.is_set():  # the server cuts one that is too slow: the next step finds it there again
            with suppress(SourceUnavailable):
                Stream(Redis.from_url(url, protocol=2), {}, put, lambda at: None, stop).run()

    threading.Thread(target=follow, daemon=True).start()
    while sys.stdin.readline():
        print(count, flush=True)


@contextmanager
def decoder(system: System, cpu: int) -> Iterator[Receiver]:
    """What receiving and decoding alone takes."""
    command = [sys.executable, "-c", f"from tests.bench.receivers import decode_only; decode_only('{system.url}/0')"]
    process = subprocess.Popen(pinned(command, cpu), cwd=ROOT, env=system.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def received() -> int:
        assert process.stdin is not None and process.stdout is not None, "both are pipes"
        process.stdin.write("\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    wait_for(lambda: Redis.from_url(f"{system.url}/0").pubsub_numpat(), said="the decoder receives")
    try:
        yield Receiver(received, lambda: "", process.pid)
    finally:
        process.kill()
        process.wait(20)


def cpu_seconds(pid: int) -> float:
    """What this process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """What it holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def settled(receiver: Receiver, expected: int, seconds: float) -> int:
    """How many it has taken in: as soon as that is all, or when it has had that long."""
    until = time.monotonic() + seconds
    while (count := receiver.received()) < expected and time.monotonic() < until:
        time.sleep(0.2)
    return count

"""A stream of events as a real worker and a real sender publish them: recorded once, and multiplied with ids and times of its own.

    python -m tests.bench.recorded URL --rate R --seconds S [--grouped]

publishes so many events a second, and prints as JSON how many that were and how long it took.
"""

import argparse
import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from binascii import b2a_base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from tests.system import ROOT, running_system, wait_for

LIFE = ("task-sent", "task-received", "task-started", "task-succeeded")
FAILED = (*LIFE[:3], "task-failed")
KINDS = {*LIFE, *FAILED, "worker-heartbeat"}
FAILS_EVERY = 50  # runs
BEATS_EVERY = 1000  # runs
GROUP = 24  # Celery's own limit
WORKERS = 8
ID, TIME, HOST, PID, DONE = b"@the-id-of-the-run-36-characters-it-@", b"1234567890.123456", b"w@guest", b"4711", b"987654321"
Message = tuple[bytes, bytes]  # channel and payload

SEND = """
from tests.guest.app import app
app.conf.task_send_sent_event = True
for number in range(20):
    name, args = ("guest_import", [f"bench-{number}", 0]) if number % 5 else ("guest_fetch", ["no number", 0])
    app.send_task(name, args=args, kwargs={}, queue="celery", ignore_result=True)
"""


def record() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """One event of each kind with its envelope, as published by a prefork worker and a sender of this Celery."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        listener = Redis.from_url(f"{system.url}/0").pubsub(ignore_subscribe_messages=True)
        listener.psubscribe("/0.celeryev/*")
        listener.get_message(timeout=1)
        system.worker()
        subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=system.env, check=True)
        found: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

        def is_whole() -> bool:
            while message := listener.get_message(timeout=0.2):
                envelope = json.loads(message["data"])
                body = json.loads(base64.b64decode(envelope["body"]))
                for event in body if isinstance(body, list) else [body]:
                    found.setdefault(event["type"], (event, envelope))
            return found.keys() >= KINDS

        wait_for(is_whole, said="every kind of event")
        return found


class Recording:
    """The recorded events as texts, into which each run's own id, time and worker are put."""

    def __init__(self, recorded: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> None:
        self._events = {kind: json.dumps(self._open(event)).encode() for kind, (event, _) in recorded.items() if kind in KINDS}
        envelope = recorded["task-started"][1] | {"body": "@body@"}
        self._before, self._after = json.dumps(envelope).encode().split(b"@body@")

    @staticmethod
    def _open(event: dict[str, Any]) -> dict[str, Any]:
        own: dict[str, Any] = {"timestamp": float(TIME)}
        if event["type"] != "task-sent":
            own |= {"hostname": HOST.decode(), "pid": int(PID)}
        own |= {name: ID.decode() for name in ("uuid", "root_id") if name in event}
        if "processed" in event:
            own["processed"] = int(DONE)
        return event | own

    def lives(self) -> Iterator[tuple[str, bytes]]:
        """The events of runs without end, each with its type; heartbeats between them."""
        run = os.urandom(8).hex()
        workers = [(b"w%d@guest" % number, b"%d" % (100 + number)) for number in range(WORKERS)]
        number = 0
        while True:
            task_id, (host, pid) = f"{run[:8]}-{run[8:12]}-4{run[13:16]}-8000-{number:012x}".encode(), workers[number % WORKERS]
            now = b"%.6f" % time.time()
            for kind in FAILED if number % FAILS_EVERY == 0 else LIFE:
                event = self._events[kind].replace(ID, task_id).replace(TIME, now)
                yield kind, event if kind == "task-sent" else event.replace(HOST, host).replace(PID, pid)
            number += 1
            if number % BEATS_EVERY == 0:
                for host, pid in workers:
                    beat = self._events["worker-heartbeat"].replace(TIME, now).replace(HOST, host).replace(PID, pid)
                    yield "worker-heartbeat", beat.replace(DONE, b"%d" % (number // WORKERS))

    def published(self, *, grouped: bool) -> Iterator[tuple[Message, int]]:
        """Messages with how many events each holds: one, or of tasks as many as Celery puts together."""
        waiting: list[bytes] = []
        for kind, event in self.lives():
            if not grouped or kind == "worker-heartbeat":
                yield self.message(kind, event), 1
                continue
            waiting.append(event)
            if len(waiting) == GROUP:
                yield (b"/0.celeryev/task.multi", self._wrapped(b"[" + b", ".join(waiting) + b"]")), GROUP
                waiting = []

    def message(self, kind: str, event: bytes) -> Message:
        """One event as it is published alone."""
        return b"/0.celeryev/" + kind.replace("-", ".").encode(), self._wrapped(event)

    def _wrapped(self, body: bytes) -> bytes:
        return self._before + b2a_base64(body, newline=False) + self._after


RECORDED = "LOCKHOUSE_BENCH_RECORDED"  # a file that another process has recorded into


def recording() -> Recording:
    """What was recorded before in this run of the benchmarks, or now."""
    if path := os.environ.get(RECORDED):
        return Recording(json.loads(Path(path).read_text()))
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        found = record()
        json.dump(found, file)
    os.environ[RECORDED] = file.name  # for the processes that this one starts
    return Recording(found)


def command(message: Message) -> bytes:
    """PUBLISH as it goes over the wire."""
    channel, payload = message
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(payload), payload)


def publish(url: str, messages: Iterator[tuple[Message, int]], rate: float, seconds: float) -> dict[str, float]:
    """So many events a second for so long, a hundredth of a second's worth at a time."""
    parts = urlsplit(url)
    events, began = 0, time.monotonic()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        while (elapsed := time.monotonic() - began) < seconds:
            due = min(rate * seconds, rate * (elapsed + 0.01))
            lot = []
            while events < due:
                message, held = next(messages)
                lot.append(command(message))
                events += held
            if lot:
                connection.sendall(b"".join(lot))
                drain(connection)
            time.sleep(max(0.0, events / rate - (time.monotonic() - began)))
        took = time.monotonic() - began
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
    return {"events": events, "seconds": took}


def drain(connection: socket.socket) -> None:
    """The server's answers are nobody's, but they would fill up the connection."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 20):
            pass
    except BlockingIOError:
        pass
    finally:
        connection.setblocking(True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--grouped", action="store_true")
    options = parser.parse_args()
    print(json.dumps(publish(options.url, recording().published(grouped=options.grouped), options.rate, options.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long the Runs page takes with a filter over a history of a million runs, and the API with the same ones.

    python tests/bench/runs_page.py [--quick] [--json FILE]

The real thing: a history filled by the observer's own writer, `manage.py up` beside an embedded Valkey, pages fetched one after the other over HTTP by a
logged-in client, each filter in turn; then by 20 at once from two web processes. The filter `nothing` says what a page without a row costs: all but the
list.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench.installation import lockhouse, sessions, spread
from tests.system import ROOT, System, running_system, wait_for

RUNS, QUICK_RUNS = 1_000_000, 20_000
ROUNDS, QUICK_ROUNDS = 25, 2
BUDGET_MS, CROWD_BUDGET_MS = {"p50": 30.0, "p99": 100.0}, {"p50": 150.0, "p99": 400.0}
CLIENTS, CROWD_ROUNDS = 20, 2
FILTERS = {
    "everything": "", "a task": "task:group3_task_15", "a rare task": "task:rare_task", "a group of tasks": "task:group3", "a worker": "worker:worker-7",
    "a queue": "queue:queue-12", "failed": "state:failed", "failed on a worker": "state:failed worker:worker-7", "of a lock": "lock:lock_report_7",
    "a word": "group5_task", "a time": "since:{middle} until:{later}", "nothing": "task:no_such_task",
}  # fmt: skip
FILL = """
import sys, time
import django; django.setup()
from dashboard.history.rows import Batch
from dashboard.history.write import Writer
from tests.bench.history_rows import locks_of, rows_of
total, now = int(sys.argv[1]), int(time.time() * 1e6)
writer, busy = Writer("bench"), 0.0
writer.claim(now)
for first in range(0, total, 5000):
    rows = list(rows_of(first, min(5000, total - first), now, total))
    began = time.process_time()
    writer.write(Batch(rows=rows, locks=list(locks_of(rows))), now)
    busy += time.process_time() - began
print(busy / total * 1e6)
"""


def fill(system: System, runs: int) -> float:
    """Write that many runs; the processor time of one in microseconds."""
    done = subprocess.run([sys.executable, "-c", FILL, str(runs)], cwd=ROOT, env=system.env, check=True, capture_output=True, text=True, timeout=600)
    return float(done.stdout)


def measured(port: int, session: str, path: str, rounds: int) -> list[float]:
    """Seconds of each fetch; the first one, which may find cold caches, is among them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
        response = connection.getresponse()
        response.read()
        seconds.append(time.perf_counter() - began)
        assert response.status == 200, (path, response.status)
    return seconds


def report(runs: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        write_us = fill(system, runs)
        with lockhouse(system) as installation:
            (session,) = sessions(system, 1)
            now = time.time()
            instants = {name: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - ago * runs * 0.075)) for name, ago in (("middle", 0.5), ("later", 0.4))}
            measured(installation.port, session, "/runs/", 3)
            said: dict[str, Any] = {"runs": runs, "write_us": round(write_us, 1), "page": {}, "api": {}}
            all_pages: list[float] = []
            for name, text in FILTERS.items():
                q = quote(text.format(**instants))
                page = measured(installation.port, session, f"/runs/?q={q}", rounds)
                all_pages += page
                said["page"][name] = spread(page)
                said["api"][name] = spread(measured(installation.port, session, f"/api/v1/runs?q={q}", rounds))
            said["all pages"] = spread(all_pages)
            with another_web(system) as port:
                paths = [f"/runs/?q={quote(text.format(**instants))}" for text in FILTERS.values()]
                said["20 clients"] = spread(crowd([installation.port, port], session, paths))
            return said


@contextmanager
def another_web(system: System) -> Iterator[int]:
    """The port of a second web process on the same history; its observer stands by."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = system.start("another", "manage.py", "up", "--port", str(port), LOCKHOUSE_SECURE_COOKIES="0")
    wait_for(lambda: "Lockhouse is at" in system.log("another"), said="the second web process")
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


def crowd(ports: list[int], session: str, paths: list[str]) -> list[float]:
    """Seconds of each fetch by CLIENTS at once, half of them from either port, each beginning with another path."""

    def client(number: int) -> list[float]:
        turned = paths[number % len(paths) :] + paths[: number % len(paths)]
        return [one for path in turned for one in measured(ports[number % len(ports)], session, path, CROWD_ROUNDS)]

    for port in ports:
        measured(port, session, paths[0], 3)
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for seconds in pool.map(client, range(CLIENTS)) for one in seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 runs and few rounds")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    said = report(QUICK_RUNS if options.quick else RUNS, QUICK_ROUNDS if options.quick else ROUNDS)
    print(f"{said['runs']:,} runs, written in {said['write_us']} µs of processor time each; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in FILTERS:
        print(f"{name:20} page {said['page'][name]}   api {said['api'][name]}")
    print(f"all pages            {said['all pages']}, to be p50 {BUDGET_MS['p50']:g} and p99 {BUDGET_MS['p99']:g} ms")
    print(f"20 clients           {said['20 clients']}, to be p50 {CROWD_BUDGET_MS['p50']:g} and p99 {CROWD_BUDGET_MS['p99']:g} ms on two web processes")
    if options.json:
        options.json.write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()

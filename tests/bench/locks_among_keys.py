"""1,000 held locks among very many other keys: the start scan, what it delays for others, and reading all locks once tracking runs.

    python tests/bench/locks_among_keys.py [--quick] [--keys N ...] [--json FILE]

A real `manage.py observe` looks; a client in a process of its own reads one key every millisecond, before and during the scan. The server and that client
have a processor, the observer another, as if it ran on another machine; the server's own times of each command that looks are told beside. Reading is
what a page or `manage.py locks` does, from the snapshot: nearly all looks find nothing new, and one after a change decodes all locks again; what the judge
takes comes on top of both. The observer reads all names anew from the server every ten seconds.

It ends with another status than 0 where a budget is missed: reading all from memory, and what the scan adds for others. With `--quick` both need only be there,
and be less than one look through all keys would take.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from redis import Redis

from tests.bench.installation import spread
from tests.bench.receivers import pinned
from tests.system import ROOT, System, running_system

KEYS, QUICK_KEYS = (1_000_000, 10_000_000), (50_000,)
LOCKS = 1000
BUDGET_LIST_MS = 10.0
BUDGET_DELAY_MS = 1.0  # that looking adds to what 99 % of the reads of others take
QUICK_MS = 1000.0  # beside others on one processor times mean little: this is not a scan for each look
FILL_BATCH = 10_000
BEFORE_S = 5
READS = 30
CHANGES = 15
LOOKING = ("scan", "getrange", "pttl", "object|encoding", "strlen")
FIGURES = {
    "others_before_ms": "a read of another client before",
    "others_during_ms": "... and during the start scan",
    "listed_first_ms": "reading all, a process's first time",
    "listed_ms": "reading all, with nothing new",
    "changed_ms": "reading all, the first after a change",
    "judged_ms": "judging all",
    "changed_and_judged_ms": "a change read and judged",
    "read_ms": "the observer's reading all anew",
}

OTHER_CLIENT = """
import json, signal, sys, time
from redis import Redis
client = Redis.from_url(sys.argv[1])
took, going = [], True
def end(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while going:
    began = time.perf_counter()
    client.get("filler:0")
    took.append(time.perf_counter() - began)
    time.sleep(0.001)
print(json.dumps(took))
"""
READ = """
import json, sys, time
import django
django.setup()
from datetime import UTC, datetime
from redis import Redis
from dashboard import connections, snapshot
from dashboard.conf import policy
from dashboard.judge.verdicts import assess
from dashboard.sources.locks import read_locks
place = connections.watched()[0]
redis = connections.look(place)
reader, own, policy_now = snapshot.Reader(), connections.own(), policy()
def listed():
    began = time.perf_counter()
    seen = reader.newest(own)
    read_after = time.perf_counter() - began
    assert len(assess(seen, datetime.now(UTC), policy_now)) >= int(sys.argv[1])
    return read_after, time.perf_counter() - began - read_after
lists = [listed() for _ in range(int(sys.argv[2]) + 1)]
writer, scout = Redis.from_url(sys.argv[3]), snapshot.Reader()
def changed(number):
    listed()
    before, until = scout.newest(own).locks, time.monotonic() + 30
    writer.pexpire(f"shop:3:lock_report_{number}", 3_000_000)
    while scout.newest(own).locks is before:
        assert time.monotonic() < until, "the change was not told"
        time.sleep(0.005)
    return listed()
changes = [changed(number) for number in range(int(sys.argv[4]))]
keys = [f"{place.prefix.decode()}lock_report_{number}".encode() for number in range(int(sys.argv[1]))]
took = []
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    assert all(read_locks(redis, place, keys, datetime.now(UTC)))
    took.append(time.perf_counter() - began)
print(json.dumps({
    "listed_first_ms": [read for read, _ in lists[:1]],
    "listed_ms": [read for read, _ in lists[1:]],
    "changed_ms": [read for read, _ in changes],
    "judged_ms": [judged for _, judged in lists + changes],
    "changed_and_judged_ms": [read + judged for read, judged in changes],
    "read_ms": took,
}))
"""
UNTIL_SCANNED = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[2])})
import django
django.setup()
from dashboard import connections, snapshot
reader, own, until = snapshot.Reader(), connections.own(), time.monotonic() + 600
while time.monotonic() < until:
    seen = reader.newest(own)
    if len(seen.locks) >= int(sys.argv[1]) and any(one.name == "cache default" and one.ok and not one.search for one in seen.sources):
        sys.exit()
    time.sleep(0.25)
sys.exit("not within ten minutes")
"""
HOLD = """
import sys
from redis import Redis
from dashboard.locking import HolderLock
client = Redis.from_url(sys.argv[1])
for number in range(int(sys.argv[2])):
    assert client.lock(f"shop:3:lock_report_{number}", timeout=3600, lock_class=HolderLock).acquire(blocking=False)
"""


def fill(cache: Redis, keys: int) -> float:
    """So many keys of another kind; the seconds it took."""
    began = time.perf_counter()
    for start in range(0, keys, FILL_BATCH):
        cache.mset({f"filler:{number}": "x" for number in range(start, min(start + FILL_BATCH, keys))})
    return time.perf_counter() - began


def processors() -> tuple[int, int]:
    """One for the server and who else uses it, and one for those that look."""
    known = sorted(os.sched_getaffinity(0))
    return known[-1], known[0]


def set_apart(pid: int, processor: int) -> None:
    """Have all threads of that process on this processor; those that they start are there as well."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {processor})


def python(system: System, script: str, *arguments: object) -> str:
    """What this script prints, run with the system's environment."""
    command = [sys.executable, "-c", script, *(str(one) for one in arguments)]
    return subprocess.run(command, cwd=ROOT, env=system.env, check=True, capture_output=True, text=True).stdout


def commands(cache: Redis) -> dict[str, dict[str, int]]:
    """By command that looks: calls, and the microseconds under which 99 % and all of them took, as the server counts (powers of two)."""
    answer: Any = cache.execute_command("LATENCY", "HISTOGRAM", *LOOKING)
    found = {}
    for name, said in answer.items():
        calls, buckets = said[b"calls"], list(said[b"histogram_usec"].items())
        found[name.decode()] = {"calls": calls, "p99": next(us for us, up_to in buckets if up_to >= calls * 0.99), "max": buckets[-1][0]}
    return found


class OtherClient:
    """Somebody who uses the same server meanwhile; how long each of its reads took, in seconds, once it has ended."""

    def __init__(self, url: str) -> None:
        self.took: list[float] = []
        self._process = subprocess.Popen(pinned([sys.executable, "-c", OTHER_CLIENT, url], processors()[0]), stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "OtherClient":
        assert self._process.stdout
        self._process.stdout.readline()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self.took = json.loads(self._process.communicate()[0])


def measure(keys: int) -> dict[str, Any]:
    """The figures among so many keys."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        cache = Redis.from_url(f"{system.url}/1")
        filled_s = fill(cache, keys)
        theirs, ours = processors()
        set_apart(int(cache.info("server")["process_id"]), theirs)
        python(system, HOLD, f"{system.url}/1", LOCKS)
        with OtherClient(f"{system.url}/1") as before:
            time.sleep(BEFORE_S)
        with OtherClient(f"{system.url}/1") as during:
            began = time.monotonic()
            set_apart(system.observer().pid, ours)
            python(system, UNTIL_SCANNED, LOCKS, ours)
            known_s = time.monotonic() - began
        looked = commands(cache)
        took = json.loads(python(system, READ, LOCKS, READS, f"{system.url}/1", CHANGES))
    return {
        "keys": keys,
        "locks": LOCKS,
        "filled_s": round(filled_s, 1),
        "all_locks_known_after_s": round(known_s, 2),
        "others_before_ms": spread(before.took),
        "others_during_ms": spread(during.took),
        "server_us": looked,
        **{name: spread(seconds) for name, seconds in took.items()},
    }


def budgets(found: dict[str, Any], *, quick: bool) -> dict[str, tuple[float, float]]:
    """By what is bounded: the milliseconds it took, and those it may take."""
    added = max(0.0, found["others_during_ms"]["p99"] - found["others_before_ms"]["p99"])
    list_ms, delay_ms = (QUICK_MS, QUICK_MS) if quick else (BUDGET_LIST_MS, BUDGET_DELAY_MS)
    return {"reading all from memory, p50": (found["listed_ms"]["p50"], list_ms), "added to the reads of others, p99": (added, delay_ms)}


def tell(found: dict[str, Any], bounded: dict[str, tuple[float, float]]) -> None:
    """Print it, with whether its budgets are kept."""
    print(f"{found['locks']:,} locks among {found['keys']:,} keys (filled in {found['filled_s']} s)")
    print(f"  all known, and tracked, {found['all_locks_known_after_s']} s after the observer's start")
    for name, words in FIGURES.items():
        print(f"  {words:>36}: " + "  ".join(f"{key} {value:6.2f} ms" for key, value in found[name].items()))
    for name, us in found["server_us"].items():
        print(f"  {name:>36}: {us['calls']:,} calls, p99 under {us['p99']} µs, most under {us['max']} µs, by the server")
    for name, (took, limit) in bounded.items():
        print(f"  {name:>36}: {took:.2f} ms, budget {limit} ms, {'kept' if took <= limit else 'MISSED'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"among {QUICK_KEYS[0]:,} keys alone")
    parser.add_argument("--keys", type=int, nargs="+", help=f"among so many keys instead of {', '.join(f'{number:,}' for number in KEYS)}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    rows = [measure(keys) for keys in options.keys or (QUICK_KEYS if options.quick else KEYS)]
    bounded = [budgets(row, quick=options.quick) for row in rows]
    for row, its in zip(rows, bounded, strict=True):
        tell(row, its)
    print(f"observer on processor {processors()[1]}, server and the other client on {processors()[0]}")
    print(f"load {os.getloadavg()[0]:.1f}")
    if options.json:
        found = {"what": "held locks among very many keys", "rows": rows, "budget_list_ms": BUDGET_LIST_MS, "budget_delay_ms": BUDGET_DELAY_MS}
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if all(took <= limit for its in bounded for took, limit in its.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

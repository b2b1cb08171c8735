"""What Lockhouse costs the watched server: commands a second with 0, 1 and 200 viewers, and what its own processes use meanwhile.

    python tests/bench/redis_commands.py [--quick] [--json FILE]

Lockhouse's own Redis is a second server here, so that what the watched one is asked can be told apart: it must not depend on who looks.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from redis import Redis

from tests.bench.installation import Installation, commands_of, cpu_seconds, lockhouse, resident_mb, sessions
from tests.bench.viewers import USERS, opened
from tests.system import System, running_server, running_system

VIEWERS, QUICK_VIEWERS = (0, 1, 200), (0, 20)
SECONDS, QUICK_SECONDS = 20.0, 4.0
LOCKS, QUEUES = 20, 100
SAME_WITHIN = 0.1  # one server is asked as often whoever looks
PREFIX = "shop:3:"


def fill(url: str) -> None:
    """Held locks, and queues with a message each that nobody reads."""
    cache, broker = Redis.from_url(f"{url}/1"), Redis.from_url(f"{url}/0")
    for number in range(LOCKS):
        cache.set(f"{PREFIX}lock_other_{number}", uuid.uuid1().hex, px=3_600_000)
    for number in range(QUEUES):
        broker.sadd("_kombu.binding.bench", f"bench_{number}\x06\x16\x06\x16bench_{number}")
        broker.lpush(f"bench_{number}", json.dumps({"headers": {"task": "bench_task", "id": str(uuid.uuid4())}, "body": "", "properties": {}}))


async def with_viewers(watched: Redis, own: Redis, installation: Installation, keys: list[str], count: int, seconds: float) -> dict[str, Any]:
    """Everything counted over that many seconds while as many sockets are open."""
    sockets = await opened(installation, keys, count)
    reading = [asyncio.create_task(_drain(socket)) for socket in sockets]
    await asyncio.sleep(3)
    pids = installation.children()
    before = commands_of(watched), commands_of(own), {name: cpu_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    await asyncio.sleep(seconds)
    span = time.monotonic() - began
    asked, ours = (
        {name: round((calls - then.get(name, 0)) / span, 1) for name, calls in now.items() if calls != then.get(name, 0)}
        for now, then in ((commands_of(watched), before[0]), (commands_of(own), before[1]))
    )
    await asyncio.gather(*(socket.close() for socket in sockets))
    await asyncio.gather(*reading)
    return {
        "viewers": count,
        "watched_per_s": round(sum(asked.values()), 1),
        "watched": asked,
        "own_per_s": round(sum(ours.values()), 1),
        "cpu_share": {name: round((cpu_seconds(pid) - before[2][name]) / span, 3) for name, pid in pids.items()},
        "mb": {name: round(resident_mb(pid), 1) for name, pid in pids.items()},
    }


async def _drain(socket: Any) -> None:
    async for _ in socket:
        pass


def measure(*, quick: bool) -> dict[str, Any]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as folder, running_server() as own, running_system(Path(folder)) as system:
        system.env["LOCKHOUSE_REDIS_URL"] = f"{own.connection_url}/0"
        fill(system.url)
        with lockhouse(system) as installation:
            rows = list(_rows(system, Redis.from_url(f"{own.connection_url}/0"), installation, quick=quick))
    return {"what": "commands a second", "locks": LOCKS, "queues": QUEUES, "rows": rows, "load": [round(load, 1) for load in os.getloadavg()]}


def _rows(system: System, own: Redis, installation: Installation, *, quick: bool) -> Any:
    keys, watched = sessions(system, USERS), Redis.from_url(f"{system.url}/0")
    time.sleep(5)  # the start scan is not what is asked here
    for count in QUICK_VIEWERS if quick else VIEWERS:
        yield asyncio.run(with_viewers(watched, own, installation, keys, count, QUICK_SECONDS if quick else SECONDS))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_VIEWERS[-1]} viewers for {QUICK_SECONDS} s")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    for row in result["rows"]:
        parts = "  ".join(f"{name} {row['cpu_share'][name]:.1%} of a processor, {row['mb'][name]} MB" for name in row["mb"])
        print(f"{row['viewers']:>4} viewers: watched server {row['watched_per_s']} commands/s, our own {row['own_per_s']}; {parts}")
    counts = [row["watched_per_s"] for row in result["rows"]]
    is_same = max(counts) - min(counts) <= SAME_WITHIN * max(counts)
    busiest = sorted(result["rows"][-1]["watched"].items(), key=lambda item: -item[1])[:6]
    print("most asked: " + ", ".join(f"{name} {per_s}" for name, per_s in busiest))
    print(f"the watched server is asked as often whoever looks: {'yes' if is_same else 'NO'} (load {result['load'][0]})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main())

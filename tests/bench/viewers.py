"""How long it takes until everybody who has the Locks page open is told of a change, with 200 and 500 of them on one web process.

    python tests/bench/viewers.py [--quick] [--json FILE]

The real thing but for the browsers: an embedded Valkey, `manage.py up`, real WebSockets of logged-in users from one process that only looks for the
lock's name in what it is sent. Five changes a second; the clock runs from just before the command to the frame's arrival.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import redis.asyncio
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.installation import Announcements, Installation, cpu_seconds, lockhouse, resident_mb, sessions, spread
from tests.system import System, running_system

VIEWERS, QUICK_VIEWERS = (200, 500), (20,)
CHANGES, QUICK_CHANGES = 100, 10
APART_S = 0.2
OTHER_LOCKS = 20
USERS = 5  # one person may have 200 sockets in one process
BUDGET_MS = {500: 250.0}  # p99
PREFIX = "shop:3:"


async def watch(socket: ClientConnection, seen: dict[str, list[float]]) -> int:
    """Note when each lock is told of for the first time by this socket; how many frames came."""
    known: set[str] = set()
    frames = 0
    async for frame in socket:
        at = time.time()
        frames += 1
        for part in str(frame).split("lock_bench_")[1:]:
            name = part[:4]
            if name not in known:
                known.add(name)
                seen.setdefault(name, []).append(at)
    return frames


async def opened(installation: Installation, keys: list[str], count: int) -> list[ClientConnection]:
    async def one(key: str) -> ClientConnection:
        url = f"ws://127.0.0.1:{installation.port}/ws/locks/"
        return await connect(url, origin=installation.url, additional_headers={"Cookie": f"sessionid={key}"}, compression=None, max_size=None, open_timeout=60)  # type: ignore[arg-type]

    sockets: list[ClientConnection] = []
    wanted = list(islice(cycle(keys), count))
    for begin in range(0, count, 25):
        sockets += await asyncio.gather(*map(one, wanted[begin : begin + 25]))
    return sockets


async def changed(url: str, changes: int, first: int) -> dict[str, float]:
    """Take a lock every APART_S; when each was, by name. `first` keeps the names of one round apart from those that the round before still holds."""
    cache = redis.asyncio.Redis.from_url(url)
    began: dict[str, float] = {}
    due = time.monotonic()
    for number in range(first, first + changes):
        due += APART_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        began[f"{number:04d}"] = time.time()
        await cache.set(f"{PREFIX}lock_bench_{number:04d}", uuid.uuid1().hex, nx=True, px=60_000)
    await asyncio.sleep(2)
    await cache.aclose()
    return began


async def with_viewers(system: System, installation: Installation, keys: list[str], count: int, changes: int) -> dict[str, Any]:
    sockets = await opened(installation, keys, count)
    seen: dict[str, list[float]] = {}
    watching = [asyncio.create_task(watch(socket, seen)) for socket in sockets]
    await asyncio.sleep(3)
    web = installation.children()["web"]
    announced = Announcements(Redis.from_url(f"{system.url}/2"))
    announced.start()
    used, since = cpu_seconds(web), time.monotonic()
    began = await changed(f"{system.url}/1", changes, count)
    spent = cpu_seconds(web) - used
    load = spent / (time.monotonic() - since)
    memory = resident_mb(web)
    await asyncio.gather(*(socket.close() for socket in sockets))
    frames = sum(await asyncio.gather(*watching))
    told = [(began[name], at) for name, ats in seen.items() if name in began for at in ats]  # rows of the round before may change as well
    since_announced = [at - (announced.first_after(since) or since) for since, at in told]
    return {
        "viewers": count,
        "told": len(told),
        "of": count * changes,
        "ms": spread([at - since for since, at in told]),
        "since_announced_ms": spread(since_announced),
        "web_cpu_share": round(load, 2),
        "web_us_per_frame": round(spent / frames * 1e6),
        "web_mb": round(memory, 1),
    }


def measure(*, quick: bool) -> dict[str, Any]:
    """The figures of one run."""
    changes = QUICK_CHANGES if quick else CHANGES
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        cache = Redis.from_url(f"{system.url}/1")
        for number in range(OTHER_LOCKS):
            cache.set(f"{PREFIX}lock_other_{number}", uuid.uuid1().hex, px=3_600_000)
        with lockhouse(system) as installation:
            keys = sessions(system, USERS)
            rows = [asyncio.run(with_viewers(system, installation, keys, count, changes)) for count in (QUICK_VIEWERS if quick else VIEWERS)]
    return {"what": "lock taken -> every viewer told", "changes": changes, "rows": rows, "load": [round(load, 1) for load in os.getloadavg()]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_VIEWERS[0]} viewers and {QUICK_CHANGES} changes")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    for row in result["rows"]:
        told = f"told {row['told']} of {row['of']}"
        print(f"{row['viewers']:>4} viewers, {told}")
        print(f"{'web process':>36}: {row['web_cpu_share']:.0%} of a processor, {row['web_us_per_frame']} us a frame, {row['web_mb']} MB")
        for name, meaning in (("ms", "since the change"), ("since_announced_ms", "since the observer announced it")):
            print(f"{meaning:>36}: " + "  ".join(f"{key} {value:6.1f} ms" for key, value in row[name].items()))
        if limit := BUDGET_MS.get(row["viewers"]):
            print(f"{'budget p99':>36}: {limit} ms, {'kept' if row['ms']['p99'] <= limit else 'MISSED'} (load {result['load'][0]})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if all(row["told"] == row["of"] for row in result["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())

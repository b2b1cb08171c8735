"""What the observer holds in memory after 0, 100,000 and 1,000,000 runs were taken in, each sent, received, started and ended.

    python -m tests.bench.memory [--quick] [--json FILE]

The events are published in groups, and only as fast as they are taken in: what counts is their number.
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench import recorded
from tests.bench.receivers import Receiver, lockhouse, rss_mb
from tests.system import running_system, wait_for

RUNS, QUICK_RUNS = (0, 100_000, 250_000, 500_000, 750_000, 1_000_000), (0, 5_000, 20_000)
EVENTS_OF_A_RUN = len(recorded.LIFE)
IN_FLIGHT = 20_000  # events that are published and not yet taken in
BUDGET_MB, BUDGET_SLOPE_MB = 140.0, 1.0
SETTLE_S = 3.0


def feed(receiver: Receiver, url: str, stream: Any, events: int, done: int) -> int:
    """Publish until so many events have been published in all; how many it is."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        while done < events:
            lot = []
            for _ in range(100):
                message, held = next(stream)
                lot.append(recorded.command(message))
                done += held
            connection.sendall(b"".join(lot))
            recorded.drain(connection)
            wait_for(lambda: receiver.received() >= done - IN_FLIGHT, every=0.02, said="events are taken in")  # noqa: B023  # called at once
    wait_for(lambda: receiver.received() >= done, said="all is taken in")
    return done


def measure(*, quick: bool) -> dict[str, Any]:
    stream = recorded.recording().published(grouped=True)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system, lockhouse(system, 0) as receiver:
        done = 0
        for runs in QUICK_RUNS if quick else RUNS:
            done = feed(receiver, system.url, stream, runs * EVENTS_OF_A_RUN, done)
            time.sleep(SETTLE_S)
            rows.append({"runs": runs, "mb": round(rss_mb(receiver.pid), 1)})
            print(f"{runs:>9,} runs: {rows[-1]['mb']:6.1f} MB", flush=True)
        lost = receiver.lost()
    return {
        "what": "memory of the observer",
        "rows": rows,
        "slope_mb_per_100k": slope(rows),
        "lost": lost,
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def slope(rows: list[dict[str, Any]]) -> float:
    """By how much it grows with each 100,000 runs, from the second row on."""
    first, last = rows[1], rows[-1]
    return round((last["mb"] - first["mb"]) / (last["runs"] - first["runs"]) * 100_000, 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS[-1]:,} runs instead of {RUNS[-1]:,}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    kept = result["rows"][-1]["mb"] <= BUDGET_MB and (options.quick or result["slope_mb_per_100k"] <= BUDGET_SLOPE_MB)
    print(f"grows by {result['slope_mb_per_100k']} MB with each 100,000; budget {BUDGET_MB} MB, {BUDGET_SLOPE_MB} MB: {'kept' if kept else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if not result["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())

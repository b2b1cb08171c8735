"""How many events a second are taken in, for how long one likes: the same recorded stream, published faster and faster until the receiver falls behind.

    python -m tests.bench.events_in [--quick] [--json FILE]

Lockhouse is the observer as it runs in production, its history in SQLite included, on one processor; server and publisher have another. Beside it in
the same run, and on the same processor: Flower, and a loop that does nothing but receive and decode. A rate is sustained if everything that was
published has been taken in two seconds after the end, and nothing was dropped or cut off on the way.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.bench import recorded
from tests.bench.receivers import Receiver, cpu_seconds, decoder, flower, lockhouse, pinned, settled
from tests.system import ROOT, System, running_system

STEP_S, QUICK_STEP_S = 6.0, 1.5
LONG_S = 60.0
SETTLE_S = 2.0
NEARLY_ALL = 0.998  # Flower counts no heartbeats
RATES = (10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 85_000, 100_000, 120_000, 150_000, 200_000)
FLOWER_RATES = (1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 15_000)
QUICK_RATES, QUICK_FLOWER_RATES = (5_000, 20_000), (1_000, 4_000)
BUDGET = {"single": 40_000, "grouped": 60_000}
TIMES_FLOWER = 10
Make = Callable[[System], AbstractContextManager[Receiver]]


def step(receiver: Receiver, url: str, rate: float, seconds: float, *, grouped: bool, cpu: int) -> dict[str, Any]:
    """Publish at this rate for so long; what became of it."""
    before, used = receiver.received(), cpu_seconds(receiver.pid)
    command = [sys.executable, "-m", "tests.bench.recorded", url, "--rate", str(rate), "--seconds", str(seconds), *(["--grouped"] if grouped else [])]
    done = subprocess.run(pinned(command, cpu), cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    published = json.loads(done.stdout)
    taken = settled(receiver, before + published["events"], SETTLE_S) - before
    lost = receiver.lost()
    return {
        "rate": round(published["events"] / published["seconds"]),
        "published": published["events"],
        "taken": taken,
        "lost": lost,
        "cpu_share": round((cpu_seconds(receiver.pid) - used) / published["seconds"], 2),
        "sustained": taken >= NEARLY_ALL * published["events"] and not lost,
        "publisher_kept_up": published["events"] / published["seconds"] >= 0.95 * rate,
    }


def limit(make: Make, rates: tuple[int, ...], seconds: float, *, grouped: bool, long_s: float = 0.0, long_rate: int = 0) -> dict[str, Any]:
    """The highest of these rates that is sustained, and then one that was asked for, for longer; a receiver that fell behind is started anew."""
    steps: list[dict[str, Any]] = []
    for rate in rates:
        steps.append(run(make, rate, seconds, grouped=grouped))
        if not steps[-1]["sustained"] or not steps[-1]["publisher_kept_up"]:
            break
    best = max((one["rate"] for one in steps if one["sustained"]), default=0)
    found = {"per_s": best, "is_publishers_limit": not steps[-1]["publisher_kept_up"], "steps": steps}
    if long_s and long_rate:
        found["long"] = run(make, long_rate, long_s, grouped=grouped)
    return found


def run(make: Make, rate: float, seconds: float, *, grouped: bool) -> dict[str, Any]:
    """One receiver, started for this alone."""
    cpus = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        subprocess.run(["taskset", "-cp", str(cpus - 1), str(system.broker.info("server")["process_id"])], check=False, stdout=subprocess.DEVNULL)
        with make(system) as receiver:
            return step(receiver, system.url, rate, seconds, grouped=grouped, cpu=cpus - 1)


def measure(*, quick: bool) -> dict[str, Any]:
    recorded.recording()
    seconds, long_s = (QUICK_STEP_S, 0.0) if quick else (STEP_S, LONG_S)
    rates, flower_rates = (QUICK_RATES, QUICK_FLOWER_RATES) if quick else (RATES, FLOWER_RATES)
    found: dict[str, Any] = {}
    for kind, grouped in (("single", False), ("grouped", True)):
        found[kind] = {
            "lockhouse": limit(lambda system: lockhouse(system, 0), rates, seconds, grouped=grouped, long_s=long_s, long_rate=BUDGET[kind]),
            "decode_only": limit(lambda system: decoder(system, 0), rates, seconds, grouped=grouped),
            "flower": limit(lambda system: flower(system, 0, free_port()), flower_rates, seconds, grouped=grouped),
        }
    return {"what": "events taken in, sustained, per second on one processor", **found, "load": [round(load, 1) for load in os.getloadavg()]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rates for a moment each: whether it works, and that Flower is slower")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    for kind in BUDGET:
        ours, peer = result[kind]["lockhouse"], result[kind]["flower"]
        print(f"{kind:>8}: Lockhouse {ours['per_s']:>7,}/s  decoding alone {result[kind]['decode_only']['per_s']:>7,}/s  Flower {peer['per_s']:>6,}/s", end="")
        long = ours.get("long")
        print(f"  {BUDGET[kind]:,}/s for {LONG_S:.0f} s: {'kept' if long['sustained'] else 'MISSED'} ({long['cpu_share']:.0%} of a processor)" if long else "")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if all(result[kind]["lockhouse"]["per_s"] > result[kind]["flower"]["per_s"] for kind in BUDGET) else 1


if __name__ == "__main__":
    sys.exit(main())

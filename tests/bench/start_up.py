"""How long from `manage.py up` until a page answers and until the first reading is on it, and what both processes then take.

python tests/bench/start_up.py [--quick] [--json FILE]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from tests.bench.installation import lockhouse, resident_mb, sessions
from tests.system import running_system, wait_for

STARTS, QUICK_STARTS = 5, 1
BUDGET_S = 8.0  # of `make demo` when everything is installed, which starts workers as well
LOCKS = 20
PREFIX = "shop:3:"


def one_start() -> dict[str, float]:
    """Seconds, and MB of 10**6 bytes."""
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        cache = Redis.from_url(f"{system.url}/1")
        for number in range(LOCKS):
            cache.set(f"{PREFIX}lock_other_{number}", uuid.uuid1().hex, px=3_600_000)
        with lockhouse(system) as installation:
            answering = time.monotonic() - installation.started_at
            request = Request(f"{installation.url}/locks/", headers={"Cookie": f"sessionid={sessions(system, 1)[0]}"})  # our own server
            wait_for(lambda: b"lock_other_19" in urlopen(request).read(), said="the locks on the page")  # as above
            read = time.monotonic() - installation.started_at
            return {"answering_s": answering, "read_s": read, **{f"{name}_mb": resident_mb(pid) for name, pid in installation.children().items()}}


def measure(*, quick: bool) -> dict[str, Any]:
    """The median, the least and the greatest of some starts."""
    starts = [one_start() for _ in range(QUICK_STARTS if quick else STARTS)]
    figures = {name: [start[name] for start in starts] for name in starts[0]}
    spread = {name: {"median": round(statistics.median(of), 2), "min": round(min(of), 2), "max": round(max(of), 2)} for name, of in figures.items()}
    return {"what": "start of `manage.py up`", "starts": len(starts), **spread, "load": [round(load, 1) for load in os.getloadavg()]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STARTS} start instead of {STARTS}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    words = {
        "answering_s": "a page answers after, s",
        "read_s": "all locks are on it after, s (with a session made)",
        "observer_mb": "observer, MB",
        "web_mb": "web, MB",
    }
    for name, meaning in words.items():
        print(f"{meaning:>30}: " + "  ".join(f"{key} {value}" for key, value in result[name].items()))
    print(f"budget {BUDGET_S} s: {'kept' if result['answering_s']['max'] <= BUDGET_S else 'MISSED'} ({result['starts']} starts; load {result['load'][0]})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Events taken in with the history in PostgreSQL: half of what is asked of SQLite, for a minute, without a drop.

    python -m tests.bench.events_postgres [--quick] [--json FILE]

As `events_in` has it: the observer as it runs in production on one processor; the server of the database, Redis and the publisher have another.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from config.tooling.machine import find_postgres
from tests.bench import recorded
from tests.bench.events_in import BUDGET, LONG_S, QUICK_STEP_S, step
from tests.bench.receivers import lockhouse
from tests.postgres import running_postgres
from tests.system import running_system

SHARE, QUICK_SHARE = 0.5, 0.05  # of SQLite's budget


def measure(*, quick: bool) -> dict[str, Any]:
    """One step for single events and one for grouped ones, each with a database of its own."""
    recorded.recording()
    share, seconds = (QUICK_SHARE, QUICK_STEP_S) if quick else (SHARE, LONG_S)
    found = {kind: one(rate * share, seconds, grouped=kind == "grouped") for kind, rate in BUDGET.items()}
    return {"what": "events taken in with the history in PostgreSQL", "seconds": seconds, **found, "load": [round(load, 1) for load in os.getloadavg()]}


def one(rate: float, seconds: float, *, grouped: bool) -> dict[str, Any]:
    """What became of such a stream, and how many rows there are of its runs."""
    last = (os.cpu_count() or 1) - 1
    with running_postgres() as cluster, tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        system.env["DATABASE_URL"] = cluster.url
        for pid in (int(system.broker.info("server")["process_id"]), int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])):
            subprocess.run(["taskset", "-cp", str(last), str(pid)], check=False, stdout=subprocess.DEVNULL)
        with lockhouse(system, 0) as receiver:
            told = step(receiver, system.url, rate, seconds, grouped=grouped, cpu=last)
        with psycopg.connect(cluster.url) as database:
            (rows, runs) = database.execute("SELECT count(*), count(DISTINCT task_id) FROM lockhouse_taskrun").fetchone() or (0, 0)
    return {**told, "rows": rows, "doubled": rows - runs}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rate for a moment")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    if find_postgres() is None:
        print("no PostgreSQL server is installed (on Debian: apt-get install postgresql): nothing was measured")
        return 0
    result = measure(quick=options.quick)
    for kind in BUDGET:
        told = result[kind]
        print(f"{kind:>8}: {told['rate']:,}/s for {result['seconds']:g} s, taken in {told['taken']:,} of {told['published']:,}", end="")
        print(f" ({told['lost'] or 'nothing lost'}, {told['cpu_share']:.0%} of a processor); {told['rows']:,} rows, {told['doubled']} doubled")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if any(result[kind]["doubled"] for kind in BUDGET) or (options.quick and not all(result[kind]["sustained"] for kind in BUDGET)) else 0


if __name__ == "__main__":
    sys.exit(main())

"""200,000 events in less than a second, the server's limits as they come: what was taken in, what was dropped by type, what the server cut off.

    python -m tests.bench.events_burst [--quick] [--json FILE]

Nothing may be lost without a word: either every event is taken in or counted as dropped, or there is a gap with its times.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench import recorded
from tests.bench.receivers import lockhouse, newest, settled
from tests.system import running_system

EVENTS, QUICK_EVENTS = 200_000, 20_000
SETTLE_S = 60.0
NAMED_S = 10.0  # until the workers' counts have been compared


def burst(url: str, lots: list[bytes]) -> float:
    """Send everything, as fast as the server takes it; how long that took."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        began = time.monotonic()
        for lot in lots:
            connection.sendall(lot)
            recorded.drain(connection)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        return time.monotonic() - began


def measure(*, quick: bool) -> dict[str, Any]:
    events = QUICK_EVENTS if quick else EVENTS
    commands = [recorded.command(message) for message, _ in islice(recorded.recording().published(grouped=False), events)]
    lots = [b"".join(commands[start : start + 500]) for start in range(0, events, 500)]
    cpus = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        subprocess.run(["taskset", "-cp", str(cpus - 1), str(system.broker.info("server")["process_id"])], check=False, stdout=subprocess.DEVNULL)
        with lockhouse(system, 0) as receiver:
            took = burst(system.url, lots)
            settled(receiver, events, 10.0 if newest(system).event_gaps else SETTLE_S)
            if newest(system).event_gaps:
                time.sleep(NAMED_S)
            said = newest(system)
    gaps = [
        {"seconds": round((gap.to_at - gap.from_at).total_seconds(), 3), "cut_by_server": gap.was_cut, "runs_at_least": gap.runs_at_least}
        for gap in said.event_gaps
    ]
    return {
        "what": "a burst of events",
        "published": events,
        "took_s": round(took, 2),
        "taken": said.events_received,
        "dropped_by_type": dict(said.dropped_by_type),
        "gaps": gaps,
        "unaccounted": events - said.events_received - sum(said.dropped_by_type.values()),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EVENTS:,} events instead of {EVENTS:,}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    result = measure(quick=options.quick)
    dropped = ", ".join(f"{count:,} {kind}" for kind, count in result["dropped_by_type"].items()) or "nothing"
    print(f"{result['published']:,} events in {result['took_s']} s: taken in {result['taken']:,}, dropped {dropped}")
    for gap in result["gaps"]:
        missing = "how many runs is not known" if gap["runs_at_least"] is None else f"at least {gap['runs_at_least']:,} runs missing"
        print(f"  a gap of {gap['seconds']} s{', cut by the server' if gap['cut_by_server'] else ''}: {missing}")
    is_honest = result["unaccounted"] == 0 or bool(result["gaps"])
    print("everything is accounted for" if is_honest else f"LOST WITHOUT A WORD: {result['unaccounted']:,}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if is_honest else 1


if __name__ == "__main__":
    sys.exit(main())

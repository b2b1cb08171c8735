#!/bin/sh
# Every test, and lint beside them: one run shows all there is. What lint found stands between the tests' summary and the last word.
# $1: make, $2: how many test processes, then what pytest shall get.
set -u
make=$1
processes=$2
shift 2

# Hundreds of processes import these, and where the environment forbids Python to keep what it compiled each would compile them anew.
.venv/bin/python -m compileall -q -j 0 config dashboard tasks_demo tests

found=$(mktemp)
nice -n 10 "$make" --no-print-directory lint >"$found" 2>&1 &  # with what the tests leave of the processors
lint_process=$!
trap 'kill "$lint_process" 2>/dev/null; rm -f "$found"' EXIT
.venv/bin/python -m pytest -n "$processes" --dist loadfile --no-loadscope-reorder --durations=15 --durations-min=10 "$@"  # in our order, see tests/conftest.py
tests=$?
wait "$lint_process"
lint=$?
[ $lint -eq 0 ] || { cat "$found"; echo "lint failed, see above: make lint"; }
[ $lint -eq 0 ] && [ $tests -eq 0 ]

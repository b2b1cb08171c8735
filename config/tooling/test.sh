#!/bin/sh
# Lint, then every test, even when lint found something: one run shows all there is. pytest's summary is the last word.
# $1: make, $2: the most test processes, then what pytest shall get.
set -u
make=$1
processes=$2
shift 2

"$make" --no-print-directory lint
lint=$?
.venv/bin/python -m pytest -n auto --maxprocesses "$processes" --dist loadfile "$@"
tests=$?
[ $lint -eq 0 ] || echo "lint failed, see above: make lint"
[ $lint -eq 0 ] && [ $tests -eq 0 ]

#!/bin/sh
# Make .venv with a Python of 3.11 to 3.14 and install requirements.lock into it; nothing if the stamp holds the lock's checksum.
set -eu
stamp=$1
venv=$(dirname "$stamp")

say() { printf '%s\n' "setup: $*" >&2; }

checksum() { "$1" -c 'import hashlib; print(hashlib.sha256(open("requirements.lock", "rb").read()).hexdigest())'; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }

if fits "$venv/bin/python" && "$venv/bin/python" -c "import pip" >/dev/null 2>&1; then
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(checksum "$venv/bin/python")" ] && exit 0
else
  without_venv=
  chosen=
  for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    fits "$python" || continue
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
      chosen=$python
      break
    fi
    without_venv=$python
  done
  if [ -z "$chosen" ] && [ -n "$without_venv" ]; then
    say "$without_venv cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    exit 1
  fi
  if [ -z "$chosen" ]; then
    say "no Python 3.11 to 3.14 found as python3 or python3.11 ... python3.14. Install one, or name it: make setup PYTHON=/path/to/python"
    exit 1
  fi
  say "making $venv with $("$chosen" --version)"
  "$chosen" -m venv --clear "$venv"
fi

say "installing requirements.lock"
rm -f "$stamp"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
checksum "$venv/bin/python" >"$stamp"

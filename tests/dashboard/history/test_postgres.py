"""The tests of this folder once more, on a real PostgreSQL."""

import os
import subprocess
import sys

import pytest

from config.tooling.machine import find_postgres
from tests.postgres import running_postgres
from tests.system import ROOT

FILES = ("test_write.py", "test_read.py", "test_retention.py", "test_locks.py")


@pytest.mark.skipif(find_postgres() is None, reason="no PostgreSQL server is installed (on Debian: apt-get install postgresql)")
def test_the_history_is_the_same_on_postgresql():
    with running_postgres() as cluster:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(f"tests/dashboard/history/{name}" for name in FILES)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(command, cwd=ROOT, env={**env, "DATABASE_URL": cluster.url}, capture_output=True, text=True, timeout=170, check=False)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

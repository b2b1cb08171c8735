"""A PostgreSQL of its own for tests: a new cluster in a folder of its own, on a port of the loopback address, gone with the test."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from config.tooling.machine import find_postgres

SERVER_USER = "postgres"  # the server does not run as root


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a new cluster's database."""
    programs = find_postgres()
    assert programs is not None, "there is a PostgreSQL"
    user = SERVER_USER if os.geteuid() == 0 else None
    folder = Path(mkdtemp(prefix="lockhouse-pg-"))
    if user:
        shutil.chown(folder, SERVER_USER)
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "lockhouse", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, timeout=120, cwd=folder, user=user,
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        control: list[str | Path] = [programs / "pg_ctl", "-D", folder / "data", "-w", "-t", "60"]
        subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, timeout=90, cwd=folder, user=user)
        try:
            yield f"postgres://lockhouse@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, timeout=90, cwd=folder, user=user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

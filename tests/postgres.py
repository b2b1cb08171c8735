"""A PostgreSQL of its own for tests: a new cluster in a folder of its own, on a port of the loopback address, gone with the test."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from config.tooling.machine import find_postgres

SERVER_USER = "postgres"  # the server does not run as root


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A cluster, whose server can be killed and started again."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgres://lockhouse@127.0.0.1:{self.port}/postgres"

    @property
    def user(self) -> str | None:
        return SERVER_USER if os.geteuid() == 0 else None

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off"
        self._control("-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._control("-m", "immediate", "stop")

    def kill(self) -> None:
        """As if the machine had gone: its own process, its children, and the note that it runs, which who reaps no processes would go on to believe."""
        note = self.folder / "data" / "postmaster.pid"
        server = int(note.read_text().split()[0])
        for pid in (server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())):
            os.kill(pid, signal.SIGKILL)
        note.unlink()

    def _control(self, *arguments: str) -> None:
        control: list[str | Path] = [self.programs / "pg_ctl", "-D", self.folder / "data", "-w", "-t", "60", *arguments]
        subprocess.run(control, check=True, stdout=subprocess.DEVNULL, timeout=90, cwd=self.folder, user=self.user)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A new cluster that runs."""
    programs = find_postgres()
    assert programs is not None, "there is a PostgreSQL"
    folder = Path(mkdtemp(prefix="lockhouse-pg-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        cluster = Postgres(programs=programs, folder=folder, port=probe.getsockname()[1])
    if cluster.user:
        shutil.chown(folder, SERVER_USER)
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "lockhouse", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, timeout=120, cwd=folder, user=cluster.user,
        )  # fmt: skip
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

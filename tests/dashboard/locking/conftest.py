"""A real embedded Valkey, a real prefork worker, a real receiver of Celery events; nothing in this room is faked."""

import pytest

from dashboard.locking import HolderRedis
from tests.dashboard.locking.helpers import Events, FreezableServer, Programs, Sender
from tests.system import running_server


@pytest.fixture(scope="session")
def server():
    """One server for the cache (database 1) and the broker (database 0)."""
    with running_server() as server:
        yield server


@pytest.fixture
def redis(server):
    """A clean cache database, by the client whose locks are ours."""
    with HolderRedis.from_url(f"{server.connection_url}/1", socket_timeout=60) as client:
        client.flushdb()
        yield client


@pytest.fixture
def lone_redis():
    """A server that nobody else talks to, so that its commands can be counted."""
    with running_server() as server, HolderRedis.from_url(server.connection_url) as client:
        yield client


@pytest.fixture(scope="session")
def broker_url(server):
    return f"{server.connection_url}/0"


@pytest.fixture(scope="session")
def programs(server):
    programs = Programs(f"{server.connection_url}/1")
    yield programs
    programs.end()


@pytest.fixture(scope="session")
def worker(programs, broker_url, tmp_path_factory):
    """A sender to a real prefork worker with two processes, whose log is kept with pytest's temporary files."""
    with (tmp_path_factory.mktemp("worker") / "worker.log").open("w") as log:
        programs.start_worker(broker_url, output=log)
        yield Sender(broker_url)


@pytest.fixture(scope="session")
def all_events(broker_url):
    with Events(broker_url) as events:
        yield events


@pytest.fixture
def events(all_events):
    """The events from here on."""
    all_events.forget()
    return all_events


@pytest.fixture
def freezable_broker():
    """A broker of its own, thawed at the end whatever happened."""
    with running_server() as server:
        broker = FreezableServer(server.connection_url)
        yield broker
        broker.thaw()


@pytest.fixture
def held(redis):
    """A lock key that somebody else holds."""
    redis.set("lock_held", "another")
    return "lock_held"

"""A real Valkey for each test process, empty before each test that uses it, and Django's settings pointed at it."""

import signal
from collections.abc import Generator, Iterator
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.db import connections as databases
from django.db.models.signals import post_migrate
from django.urls import get_resolver
from redis import Redis

from dashboard import connections, snapshot
from dashboard.history import read
from tests.system import System, running_server

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell has what it starts in the background ignore Ctrl-C, and so would each process that a test ends by it
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = (  # half a minute and more
    "tests/journeys/",
    "tests/lock_wheel/",
    "tests/dashboard/acts/test_preflight.py",
    "tests/dashboard/acts/test_revoke.py",
    "tests/dashboard/commands/test_up.py",
    "tests/dashboard/history/test_postgres.py",
    "tests/dashboard/judge/test_oracle.py",
    "tests/dashboard/observer/test_deaths.py",
    "tests/dashboard/observer/test_faults.py",
    "tests/dashboard/observer/test_frozen_worker.py",
    "tests/dashboard/observer/test_handed_on.py",
    "tests/dashboard/observer/test_history.py",
    "tests/dashboard/observer/test_mishaps.py",
    "tests/dashboard/observer/test_same_name.py",
    "tests/dashboard/sources/test_queues.py",
    "tests/dashboard/web/test_live.py",
    "tests/dashboard/web/test_live_connection.py",
    "tests/dashboard/web/test_send_live.py",
    "tests/tasks_demo/test_demo.py",
)
LAST_LINES = 60
IN_THE_FIRST = 0.75  # of the run, so that no process still has a long one when the others are done


def pytest_configure() -> None:
    """Passwords are hashed for a hundred tests, and slowly on purpose: an eighth of a second each time."""
    django_settings.PASSWORD_HASHERS = ["tasks_demo.hashers.QuickHasher"]


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """redis://host:port of a server of this test process alone."""
    with running_server() as server:
        yield server.connection_url


@pytest.fixture
def redis(server_url: str) -> Iterator[Redis]:
    """A client of database 0, with every database empty."""
    client = Redis.from_url(f"{server_url}/0")
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def watching(settings, redis: Redis, server_url: str) -> Iterator[str]:
    """Lockhouse watches this server: broker in database 0, cache `shop` in 1 (prefix shop, version 1), its own state in 2."""
    settings.LOCKHOUSE = {
        "NAME": "test-system",
        "BROKER_URL": f"{server_url}/0",
        "CACHES": {"shop": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{server_url}/1", "KEY_PREFIX": "shop"}},
        "REDIS_URL": f"{server_url}/2",
        "READ_ONLY": False,
    }
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [f"{server_url}/2"], "prefix": "lockhouse:test-system"}}
    }
    connections.forget_connections()
    snapshot.forget()
    yield server_url
    connections.forget_connections()
    snapshot.forget()


@pytest.fixture(scope="session", autouse=True)
def _pages_are_there() -> None:
    """The first request imports every page; what an observer is made to have said just before would be old by then."""
    assert get_resolver().url_patterns


@pytest.fixture(autouse=True)
def _history_is_another_one() -> None:
    """What a process keeps of the history for a second is of the test before."""
    read.forget()


@pytest.fixture(scope="session", autouse=True)
def groups_survive_a_flush() -> None:
    """A test with real transactions empties the database at its end, and with it the groups that a migration made."""
    create_groups = import_module("dashboard.migrations.0002_groups").create_groups

    def make_them_again(app_config: AppConfig, using: str, **_said: object) -> None:
        if app_config.label == "lockhouse":
            create_groups(apps, SimpleNamespace(connection=databases[using]))

    post_migrate.connect(make_them_again, weak=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a failed test's own processes said last: the files are gone with the machine that ran it."""
    report = yield
    systems = [made for made in getattr(item, "funcargs", {}).values() if isinstance(made, System)]
    if report.when == "call" and report.failed and systems:
        report.sections += [
            (f"Last lines of {path.name}", "".join(path.read_text(errors="replace").splitlines(True)[-LAST_LINES:]))
            for path in sorted(systems[0].logs.glob("*.log"))
        ]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that take long over the run: side by side they starve each other, and begun last they would be waited for alone."""
    files = list(dict.fromkeys(item.location[0] for item in items))
    long = [name for name in files if name.startswith(LONG)]
    short = [name for name in files if not name.startswith(LONG)]
    apart = len(short) * IN_THE_FIRST / (len(long) or 1)
    rank = {name: float(number) for number, name in enumerate(short)} | {name: number * apart - 0.5 for number, name in enumerate(long)}
    items.sort(key=lambda item: rank[item.location[0]])

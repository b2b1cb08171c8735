"""One look where no observer runs, at servers that give no answer."""

import socket

import pytest

from dashboard import connections
from dashboard.observer.survey import survey


@pytest.fixture
def frozen_server(settings, tmp_path):
    """A server that takes connections and answers nothing, as one does that was stopped: broker, cache and result backend are there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"redis://127.0.0.1:{listening.getsockname()[1]}"
        shop = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{url}/1", "KEY_PREFIX": "shop"}
        settings.LOCKHOUSE = {"BROKER_URL": f"{url}/0", "CACHES": {"shop": shop}, "RESULT_BACKEND": f"{url}/4"}
        connections.forget_connections()
        yield url
        connections.forget_connections()


@pytest.mark.timeout(20)  # each source by itself waited for its own time: half a minute together
def test_server_that_does_not_answer_is_waited_for_once(frozen_server):
    away = {source.name: source.reason for source in survey().sources if not source.ok}
    assert {"broker", "workers", "cache shop", "cache broker", "result backend"} <= away.keys()
    assert len(set(away.values())) == 1, "each says the same, and none that nothing is there"

"""Times in which the observer saw nothing of a cache or of the events, by a real server: the history keeps them, whatever the reason."""

import os
import signal
from datetime import UTC, datetime

import pytest
from redis import Redis

from tests.system import running_server, wait_for

SECOND_US = 1_000_000


@pytest.fixture
def gaps(query):
    return lambda: query("SELECT why, cache, from_us, to_us FROM lockhouse_historygap ORDER BY from_us")


def now_us() -> float:
    return datetime.now(UTC).timestamp() * SECOND_US


def frozen(system, until) -> tuple[float, float]:
    """Freeze the watched server until that is so; from when until when."""
    pid = int(system.guest.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    begun = now_us()
    try:
        wait_for(until, said="the observer notices")
    finally:
        ended = now_us()
        os.kill(pid, signal.SIGCONT)
    return begun, ended


def is_covered(found, begun: float, ended: float) -> bool:
    """Whether these times together leave less than a second of that one out, 3 s of its beginning apart: so long nobody can tell."""
    at = begun + 3 * SECOND_US
    for _why, _cache, from_us, to_us in sorted(found, key=lambda gap: gap[2]):
        at = max(at, to_us) if from_us <= at + SECOND_US else at
    return at >= ended


def test_time_in_which_all_servers_were_frozen_is_missing_in_the_history(system, following, gaps):
    system.observer(LOCKHOUSE_REDIS_URL=f"{system.url}/2")
    following()

    begun, ended = frozen(system, lambda: system.log("observer").count("does not answer") >= 8)

    wait_for(lambda: is_covered([gap for gap in gaps() if gap[0] != "cut"], begun, ended), said="it is told for good, of the locks as well")
    assert {why for why, *_rest in gaps()} <= {"no-observer", "cache", "cut"}
    assert min(gap[2] for gap in gaps()) > begun - 8 * SECOND_US, "what was seen before it is not missing"


def test_frozen_caches_and_broker_are_gaps_of_their_own_while_they_last_and_after(system, snapshot, gaps):
    with running_server() as own:
        system.observer(LOCKHOUSE_REDIS_URL=own.connection_url)
        wait_for(lambda: system.broker.pubsub_numpat(), said="events are received")
        wait_for(lambda: sum("tracking" in str(client["flags"]) or "t" in client["flags"] for client in system.guest.client_list()) >= 2)

        begun, ended = frozen(system, lambda: {cache for why, cache, *_ in gaps() if why == "cache"} == {"default", "broker"} and cut(gaps()))

        for cache in ("default", "broker"):
            wait_for(lambda cache=cache: is_covered([gap for gap in gaps() if gap[1] == cache], begun, ended), said=f"{cache} is told")
        wait_for(lambda: is_covered(cut(gaps()), begun, ended), said="and the events")
        assert len(gaps()) == 3, "each is one gap, however often it was told"


def cut(found):
    return [gap for gap in found if gap[0] == "cut"]


def test_time_until_a_closed_tracking_connection_is_back_is_missing_of_that_cache_alone(system, following, gaps):
    system.observer()
    following()
    begun = now_us()

    for client in system.guest.client_list():
        if client["name"].startswith("lockhouse-look") and int(client["db"]) == 1:
            Redis.from_url(system.url).client_kill_filter(_id=client["id"])

    ((why, _alias, from_us, to_us),) = wait_for(lambda: [gap for gap in gaps() if gap[1] == "default"])
    assert why == "cache" and from_us < to_us and begun - 3 * SECOND_US < from_us and {gap[1] for gap in gaps()} == {"default"}

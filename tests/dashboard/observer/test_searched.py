"""While every name of a cache is looked through, pages, API and command say so: a lock that is not listed yet may be held."""

import json
import signal
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from redis import Redis

from dashboard.api.overview_rows import overview_answer
from dashboard.web.look import look
from dashboard.web.panels.coverage import coverage
from dashboard.web.panels.locks import LocksPanel
from dashboard.web.panels.overview import OverviewPanel
from tests.system import running_server, wait_for

OTHERS = 400_000
FILL = f"for number = 1, {OTHERS} do redis.call('SET', 'filler:' .. number, 'x') end"


@pytest.fixture
def cache(system):
    """The guest's cache with one lock among very many names, and an observer at work."""
    redis = Redis.from_url(f"{system.url}/1", socket_timeout=60)
    redis.eval(FILL, 0)
    redis.set("shop:3:lock_before", "0" * 32, ex=600)
    return redis


@pytest.fixture
def searched(snapshot):
    """The snapshot of a moment at which the cache is looked through."""

    def wait():
        return wait_for(lambda: (known := snapshot()) and any(source.search for source in known.sources if source.name == "cache default") and known)

    return wait


def texts(panel, known):
    return {piece.id: piece.html for piece in panel.pieces(known, panel.query({}), frozenset(), datetime.now(UTC))}


def test_start_a_lost_connection_and_a_flush_lead_to_a_search_that_is_told_while_it_goes_on(system, cache, searched, snapshot, locks):
    system.observer()

    known = searched()
    (note,) = (note for note in coverage(look(known, datetime.now(UTC)))["notes"] if "cache default is being looked through" in note)
    assert f"of {OTHERS + 1:,} names)" in note
    told_everywhere(known)
    wait_for(lambda: is_done(snapshot()) and "lock_before" in locks(), said="found, and done")
    assert "being looked through" not in texts(LocksPanel(), snapshot())["locks-summary"]

    for connection in cache.client_list(_type="pubsub"):
        cache.client_kill_filter(_id=connection["id"])
    searched()
    wait_for(lambda: is_done(snapshot()) and "lock_before" in locks(), said="found again, and done")

    cache.eval(f"redis.call('FLUSHDB') {FILL}", 0)
    searched()
    wait_for(lambda: is_done(snapshot()) and not locks(), said="gone, and done")


def test_failover_leads_to_a_search_that_is_told_while_it_goes_on(system, searched, snapshot, locks):
    """The server that takes over may have other locks than the one before: none that is not read again is sure."""
    with running_server() as server, running_server() as other:
        cache, replica = (Redis.from_url(f"{one.connection_url}/1", socket_timeout=60) for one in (server, other))
        cache.set("shop:3:lock_before", "0" * 32, ex=600)
        replica.eval(FILL, 0)
        replica.set("shop:3:lock_only_there", "0" * 32, ex=600)
        system.observer(CACHE_URL=server.connection_url.replace("redis://", "rediscache://") + "/1?key_prefix=shop&version=3")
        wait_for(lambda: is_done(snapshot()) and "lock_before" in locks(), said="found, and done")

        cache.replicaof("127.0.0.1", replica.info("server")["tcp_port"])  # it has the other's data soon, and no locks of its own

        known = searched()
        (note,) = (note for note in coverage(look(known, datetime.now(UTC)))["notes"] if "cache default is being looked through" in note)
        assert "a lock that is not listed yet may be held" in note
        assert "cache default is being looked through" in texts(LocksPanel(), known)["locks-summary"]
        wait_for(lambda: is_done(snapshot()) and set(locks()) == {"lock_only_there"}, said="found anew, and done")


def test_command_says_that_a_lock_which_it_does_not_list_may_be_held(system, cache, searched):
    observer = system.observer()
    searched()
    system.signal(observer, signal.SIGSTOP)  # so that the search is not over before it was asked

    answer = listed("--json")
    text = listed()

    assert 0 <= json.loads(answer)["searched"]["cache default"]["looked_at"] < OTHERS
    assert "cache default is being looked through" in text
    assert "No lock is held" not in text


def is_done(known):
    return any(source.ok and source.mode == "tracking" and not source.search for source in known.sources if source.name == "cache default")


def told_everywhere(known):
    summary, overview = texts(LocksPanel(), known)["locks-summary"], texts(OverviewPanel(), known)
    assert "found so far" in summary
    assert "cache default is being looked through" in summary
    assert "found so far" in overview["attention-state"]
    assert ">?<" in overview["figure-locks"]  # not known, where none was found yet as well
    assert overview_answer(look(known, datetime.now(UTC)))["counts"]["locks"] is None


def listed(*arguments):
    out = StringIO()
    call_command("locks", *arguments, stdout=out)
    return out.getvalue()

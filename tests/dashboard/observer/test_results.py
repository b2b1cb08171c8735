"""What the observer remembers of results, and the whole way with a real worker: being retrieved, there, expired, there again."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dashboard.conf import policy
from dashboard.judge.results import judge_results
from dashboard.observer.observations import ResultsRead
from dashboard.observer.result_book import ResultBook
from tests.factories import NOW, make_result
from tests.system import wait_for


def seen(*results, after=0.0, total=None):
    return ResultsRead(cache="shop", results=results, total=total, scanned=True, at=NOW + timedelta(seconds=after))


def book(*looks):
    known = ResultBook()
    for look in looks:
        known.read(look)
    return known


def test_same_reading_a_second_later_changes_nothing():
    known = book(seen(make_result()))

    assert not known.read(seen(make_result(first_seen_at=NOW + timedelta(seconds=1), expires_at=NOW + timedelta(seconds=300.4)), after=1))
    assert known.results[0].first_seen_at == NOW
    assert known.results[0].written_at is None


@pytest.mark.parametrize("change", [{"expires_at": NOW + timedelta(seconds=600)}, {"payload_bytes": 7}, {"expires_at": None, "payload_bytes": 9}])
def test_result_that_was_written_again_says_when(change):
    known = book(seen(make_result()), seen(make_result(**change), after=5))

    assert known.results[0].written_at == NOW + timedelta(seconds=5)
    assert known.results[0].first_seen_at == NOW


def test_result_that_is_gone_after_its_time_expired_then():
    known = book(seen(make_result()), seen(make_result(gone_at=NOW), after=310))

    (one,) = known.results
    assert (one.end, one.gone_at, one.payload_bytes) == ("expired", NOW + timedelta(seconds=300), None)


def test_result_that_is_gone_before_its_time_was_deleted():
    known = book(seen(make_result()), seen(make_result(gone_at=NOW), after=10))

    assert (known.results[0].end, known.results[0].gone_at) == ("deleted", NOW + timedelta(seconds=10))


def test_result_that_is_back_is_a_new_one():
    known = book(seen(make_result()), seen(make_result(gone_at=NOW), after=10), seen(make_result(), after=20))

    assert (known.results[0].gone_at, known.results[0].written_at) == (None, NOW + timedelta(seconds=20))


def test_gone_result_is_forgotten_after_an_hour():
    known = book(seen(make_result()), seen(after=10), seen(after=3700))

    assert known.results == ()


def test_expected_one_that_never_came_leaves_nothing():
    known = book(seen(make_result(first_seen_at=None, gone_at=NOW)), seen(after=1))

    assert known.results == ()


def test_new_observer_goes_on_from_the_old_one():
    old = book(seen(make_result(), total=12_310))
    known = ResultBook()
    known.restore(old.results, old.counts)

    known.read(seen(make_result(gone_at=NOW), after=400, total=12_310))

    assert known.results[0].end == "expired"
    assert known.counts[0].total == 12_310


def test_result_is_being_retrieved_then_there_then_expired(system, snapshot, settings):
    catalogue = {"server_{id}": {"task": "guest_import"}}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "RESULTS": catalogue}
    system.worker()
    system.observer(LOCKHOUSE_RESULTS=json.dumps(catalogue))
    cache = Redis.from_url(f"{system.url}/1")
    wait_for(lambda: snapshot().result_counts, said="a first look at the caches")

    def state():
        return {one.result.name: one.state for one in judge_results(snapshot(), policy())}.get("server_7")

    assert state() is None
    system.send("guest_import", "7", 60)
    wait_for(lambda: state() == "retrieving", said="a run that writes it is active")

    cache.set("shop:3:server_7", b"\x80\x04N.", px=15_000)
    wait_for(lambda: state() == "there", every=0.02)

    system.guest.rpush("7:go", 1)
    wait_for(lambda: state() == "expired", said="nobody writes it again")
    (one,) = snapshot().results
    assert one.gone_at is not None
    assert datetime.now(UTC) - one.gone_at < timedelta(seconds=10)

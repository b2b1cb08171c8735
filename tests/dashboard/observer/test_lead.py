"""One observer leads, whatever somebody wrote in its place: one key that is changed never stops it for good."""

import signal
from datetime import UTC, datetime

import pytest
from redis import Redis

from dashboard.snapshot import Reader
from tests.system import wait_for

KEY, LEASE = "lockhouse:test-system:snapshot", "lockhouse:test-system:leader"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda own: own.hset(KEY, "epoch", 2**53 - 1),
        lambda own: own.hset(KEY, "epoch", "no number"),
        lambda own: own.set(KEY, "no snapshot"),
        lambda own: own.set(f"{LEASE}:epoch", "no number") and own.delete(LEASE),
    ],
    ids=["epoch of a far future", "epoch that is no number", "key of another type", "counter that is no number"],
)
def test_observer_goes_on_after_somebody_wrote_in_its_place(system, snapshot, spoil):
    own = Redis.from_url(f"{system.url}/2")
    observer = system.observer()
    system.watched()
    wait_for(lambda: snapshot().at, said="it writes")

    spoil(own)
    spoilt_at = snapshot().at

    wait_for(
        lambda: snapshot().at and snapshot().at > spoilt_at and all(one.ok for one in snapshot().sources if one.name == "lockhouse"), said="it writes again"
    )
    written_at = snapshot().at
    wait_for(lambda: snapshot().at > written_at, said="and goes on")
    assert observer.poll() is None


@pytest.mark.parametrize("section", ["locks", "meta"])
def test_observer_that_cannot_read_what_the_one_before_wrote_begins_anew(system, snapshot, section):
    own = Redis.from_url(f"{system.url}/2")
    first = system.observer("first")
    wait_for(lambda: snapshot().at, said="it writes")
    system.signal(first, signal.SIGKILL)
    first.wait()
    own.hset(KEY, section, b"written by another release")
    spoilt_at = datetime.now(UTC)

    system.observer("second")

    wait_for(lambda: Reader().newest(own).at and Reader().newest(own).at > spoilt_at and Reader().newest(own).sources[-1].ok, said="it writes")
    written_at = Reader().newest(own).at
    wait_for(lambda: (Reader().newest(own).at - written_at).total_seconds() > 5, said="and goes on for longer than a lease")
    assert system.log("second").count("leads since") == 1

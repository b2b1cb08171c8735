"""One observer leads, whatever somebody wrote in its place: one key that is changed never stops it for good."""

import pytest
from redis import Redis

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

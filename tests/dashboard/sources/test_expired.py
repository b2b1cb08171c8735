"""The tokens of expired locks are remembered for an hour, a bounded number of them."""

from dashboard import connections
from dashboard.sources.expired import KEPT_FOR, MAX_KEPT, MAX_KEPT_OF_ONE, recall, remember


def test_token_is_remembered_for_an_hour(watching):
    own = connections.own()

    remember(own, "lock", "digest", b"\x00token\xff")

    assert recall(own, "lock", "digest") == b"\x00token\xff"
    assert recall(own, "lock", "another") is None
    assert all(0 < own.ttl(key) <= KEPT_FOR.total_seconds() for key in own.keys("*"))


def test_of_one_lock_the_newest_are_remembered_and_those_of_others_stay(watching):
    own = connections.own()
    remember(own, "other", "digest", b"token")
    for number in range(MAX_KEPT + 10):
        remember(own, "lock", str(number), b"token")

    assert [number for number in range(MAX_KEPT + 10) if recall(own, "lock", str(number))] == list(range(MAX_KEPT + 10 - MAX_KEPT_OF_ONE, MAX_KEPT + 10))
    assert recall(own, "other", "digest")
    assert own.dbsize() == MAX_KEPT_OF_ONE + 4  # the other's, and three lists


def test_of_all_the_newest_are_remembered(watching):
    own = connections.own()
    for number in range(MAX_KEPT + 10):
        remember(own, str(number), "digest", b"token")

    assert [number for number in range(MAX_KEPT + 10) if not recall(own, str(number), "digest")] == list(range(10))


def test_what_somebody_wrote_into_the_list_has_nothing_else_deleted(watching):
    own = connections.own()
    own.set("lockhouse:test-system:snapshot", "kept")
    own.zadd("lockhouse:test-system:expired-of:lock", dict.fromkeys(("lockhouse:test-system:snapshot", "../snapshot", *"abcdef"), 10**11 - 1))

    remember(own, "lock", "digest", b"token")

    assert own.get("lockhouse:test-system:snapshot") == b"kept"

"""Which lock a worker's report is about, by the key that it gives."""

from datetime import timedelta

import pytest

from dashboard.observer.lock_book import LockBook
from dashboard.sources.expired import MAX_KEPT, MAX_KEPT_OF_ONE
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.observations import read
from tests.factories import NOW, make_lock

PLACES = [("default", ":1:"), ("broker", "")]
ODD = b":1:lock_\xff\xfe"
SPELLED = ":1:lock_\\xff\\xfe"


class Unwalked(dict):
    """Held locks that may be looked up and not looked through."""

    def values(self):
        raise AssertionError("all held locks were looked through")


def book(*locks):
    made = LockBook(PLACES)
    made.read(read(*locks))
    return made


def test_key_that_is_not_utf_8_is_found_as_it_is_spelled():
    lock = make_lock(id=lock_id("default", ODD), key=SPELLED, name="lock_\\xff\\xfe", raw_key=ODD)

    assert book(lock).place_of(SPELLED) == ("default", lock.id, lock.name)


def test_held_locks_are_looked_through_for_no_key():
    made = book(make_lock(id=lock_id("default", b":1:lock_report_12")), make_lock(id=lock_id("default", ODD), key=SPELLED, name="lock_\\xff\\xfe", raw_key=ODD))
    made.held = Unwalked(made.held)

    assert made.place_of(":1:lock_report_12") == ("default", lock_id("default", b":1:lock_report_12"), "lock_report_12")
    assert made.place_of(":1:lock_of_nobody") == ("default", lock_id("default", b":1:lock_of_nobody"), "lock_of_nobody")
    assert made.place_of(SPELLED) == ("default", lock_id("default", ODD), "lock_\\xff\\xfe")
    assert made.place_of(":1:lock_\\xff") == ("default", lock_id("default", b":1:lock_\\xff"), "lock_\\xff")


@pytest.mark.parametrize("key", ["lockhouse:shop:expired:7", ":1:lockhouse:login:name:7"])
def test_report_about_a_key_of_ours_is_about_no_lock(key):
    assert book().place_of(key) is None


def test_of_one_lock_the_newest_that_expired_under_their_runs_are_kept_and_the_spans_of_others_end():
    made = LockBook(PLACES)
    for number in range(60):
        expired(made, "0123456789abcdef", f"{number:016x}", NOW + timedelta(seconds=number))

    assert [int(lock.token_digest, 16) for lock in made.lapsed.values()] == [55, 56, 57, 58, 59]
    assert [int(span.token_digest, 16) for span in made.spans["0123456789abcdef"] if span.to_at is None] == [55, 56, 57, 58, 59]


def test_of_all_that_expired_under_their_runs_the_newest_are_kept():
    made = LockBook(PLACES)
    for number in range(MAX_KEPT + 10):
        expired(made, f"{number:016x}", "0123456789abcdef", NOW + timedelta(milliseconds=number))

    assert len(made.lapsed) == MAX_KEPT
    assert int(next(iter(made.lapsed.values())).id, 16) == 10


def test_newest_that_expired_are_kept_from_the_observer_before():
    made = LockBook(PLACES)
    made.restore((make_lock(id="0123456789abcdef", token_digest=f"{number:016x}", lapsed_at=NOW) for number in range(60)), (), ())

    assert len(made.lapsed) == MAX_KEPT_OF_ONE


def expired(made, identity, digest, at):
    """A lock is taken, and is gone at its deadline."""
    made.read(read(make_lock(id=identity, token_digest=digest, expires_at=at), at=at - timedelta(milliseconds=300)))
    made.read(read(gone=(identity,), at=at))

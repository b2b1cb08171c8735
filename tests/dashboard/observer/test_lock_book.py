"""Which lock a worker's report is about, by the key that it gives."""

from dashboard.observer.lock_book import LockBook
from dashboard.sources.locks import lock_id
from tests.dashboard.observer.test_state import read
from tests.factories import make_lock

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


def test_held_locks_are_looked_through_for_no_other_key():
    made = book(make_lock(id=lock_id("default", b":1:lock_report_12")))
    made.held = Unwalked(made.held)

    assert made.place_of(":1:lock_report_12") == ("default", lock_id("default", b":1:lock_report_12"), "lock_report_12")
    assert made.place_of(":1:lock_of_nobody") == ("default", lock_id("default", b":1:lock_of_nobody"), "lock_of_nobody")

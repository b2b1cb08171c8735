"""Which locks went with their server, and which went by themselves while all names of the new one are searched."""

from dataclasses import replace

import pytest

from dashboard.observer.observations import LocksRead, Scanned, ServerRead
from dashboard.records import Server
from tests.dashboard.observer.observations import IN_A_SECOND, LOCK, read, state
from tests.factories import NOW

BEFORE = Server(place="default", db=1, at=NOW, run_id="a" * 40, replid="b" * 40)
AFTER = replace(BEFORE, at=IN_A_SECOND, run_id="c" * 40, replid="d" * 40)


def gone(**how):
    return LocksRead(cache="default", locks=(), gone=[LOCK.id], at=IN_A_SECOND, **{"live": False, **how})


def scanned(*ids):
    return Scanned(cache="default", ids=ids, at=IN_A_SECOND)


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        ([gone(is_first=True)], ["restarted"]),
        ([gone(is_flush=True, live=True)], ["restarted"]),
        ([scanned()], ["restarted"]),
        ([gone(live=True), scanned()], []),
        ([gone(), scanned()], []),
        ([scanned(LOCK.id), gone(live=True)], []),
        ([scanned(LOCK.id), gone(is_flush=True, live=True)], ["flushed"]),
    ],
    ids=["first look", "pushed as all", "search", "released meanwhile", "read as gone meanwhile", "released later", "flushed later"],
)
def test_of_a_server_that_was_replaced_what_its_first_looks_do_not_find_went_with_it_and_nothing_else(seen, kinds):
    known = state(read(LOCK), ServerRead(server=BEFORE), ServerRead(server=AFTER), *seen)

    assert [one.kind for one in known.servers.mishaps] == kinds

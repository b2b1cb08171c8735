"""Attempts that wait and locks that are lost, as real workers report them."""

import pytest
from redis import Redis

from dashboard.words import ENDS
from tests.system import wait_for

HOLDER = {"GUEST_REDIS_CLIENT_CLASS": "dashboard.locking.HolderRedis"}


@pytest.fixture
def observed(system, following):
    system.worker(concurrency=3, **HOLDER)
    system.observer()
    system.watched()
    following()
    return system


def test_attempt_that_waits_is_shown_until_it_has_the_lock(observed, snapshot, locks):
    observed.send("guest_import", "import-1", 60, 600)
    observed.taken("import-1")
    observed.send("guest_import", "import-1", 60, 600, 60)

    (wait,) = wait_for(lambda: snapshot().waits)
    assert (wait.name, wait.to_at, wait.limit.total_seconds(), wait.task_name) == ("import-1", None, 60, "guest_import")
    wait_for(lambda: (one := locks().get("import-1")) and one.waiting == 1)

    observed.guest.rpush("import-1:go", 1)

    (wait,) = wait_for(lambda: [wait for wait in snapshot().waits if wait.end])
    held = wait_for(lambda: (one := locks().get("import-1")) and one.waiting == 0 and one)
    assert (wait.end, held.lock.token_digest) == ("acquired", wait.token_digest)
    assert snapshot().lanes[0].waits == (wait,)


def test_attempt_that_waits_in_vain_is_refused_and_waits_no_more(observed, snapshot, locks):
    observed.send("guest_import", "import-1", 60, 600)
    observed.taken("import-1")
    observed.send("guest_import", "import-1", 60, 600, 1)

    assert wait_for(lambda: [wait.end for wait in snapshot().waits if wait.end]) == ["refused"]
    wait_for(lambda: (one := locks().get("import-1")) and (one.waiting, one.refused_last_hour) == (0, 1))


def test_lock_that_another_deleted_is_told_as_removed_by_another_once_its_holder_finds_out(observed, snapshot):
    observed.send("guest_import", "import-1", 60, 600)
    observed.taken("import-1")
    wait_for(lambda: snapshot().locks)
    assert Redis.from_url(f"{observed.url}/1").delete("shop:3:import-1") == 1
    wait_for(lambda: not snapshot().locks)

    observed.guest.rpush("import-1:go", 1)

    ended = wait_for(lambda: [span.end for lane in snapshot().lanes for span in lane.spans if span.end == "removed"])
    assert [str(ENDS[end]) for end in ended] == ["removed by another than its holder"]


def test_lock_that_expired_under_its_holder_is_told_as_lost(observed, snapshot):
    observed.send("guest_import", "import-1", 60, 4)
    observed.taken("import-1")
    wait_for(lambda: snapshot().locks)
    wait_for(lambda: any(span.end == "expired" for lane in snapshot().lanes for span in lane.spans))

    observed.guest.rpush("import-1:go", 1)

    (loss,) = wait_for(lambda: snapshot().losses)
    assert (loss.name, loss.noticed, loss.task_name) == ("import-1", "release", "guest_import")

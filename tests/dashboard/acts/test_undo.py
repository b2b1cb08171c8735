from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dashboard import connections
from dashboard.acts.history import undo_seconds_left
from dashboard.acts.kept import Kept
from dashboard.acts.refusals import Refused
from dashboard.acts.undo import undo
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import orphan_token, release

pytestmark = pytest.mark.django_db


def test_undo_puts_the_same_token_back_with_the_time_that_was_left(scene, operator):
    token = orphan_token()
    lock = scene.see(scene.take(token=token, timeout=60))
    released = release(operator, lock)

    outcome = undo(operator, released.act.pk)

    assert (outcome.state, outcome.code) == ("done", "restored")
    assert scene.value(lock.raw_key) == token
    assert 50_000 < scene.redis.pttl(lock.raw_key) <= released.act.values["ttl_ms"]
    assert released.act.undone_by == outcome.act
    assert undo_seconds_left(released.act) == 0


def test_undo_of_a_lock_that_never_expires_is_without_expiry(scene, operator):
    lock = scene.orphan(timeout=None)
    released = release(operator, lock, typed_name="lock_report_7")

    outcome = undo(operator, released.act.pk)

    assert outcome.code == "restored"
    assert scene.redis.pttl(lock.raw_key) == -1


def test_undo_leaves_a_lock_alone_that_was_taken_again(scene, operator):
    lock = scene.orphan()
    released = release(operator, lock)
    scene.take()

    outcome = undo(operator, released.act.pk)

    assert (outcome.state, outcome.code) == ("refused", "taken_again")
    assert "took the lock at" in outcome.sentence
    assert scene.see(lock.raw_key).token_digest != lock.token_digest


def test_undo_of_a_lock_that_would_have_expired_meanwhile_does_nothing(scene, operator):
    lock = scene.orphan()
    scene.redis.pexpire(lock.raw_key, 3000)
    released = release(operator, lock)
    wait_until(scene.redis, released.act.after["deadline_ms"])

    outcome = undo(operator, released.act.pk)

    assert (outcome.state, outcome.code) == ("refused", "expired_meanwhile")
    assert scene.value(lock.raw_key) is None


def wait_until(redis, deadline_ms: int) -> None:
    """By Redis' clock: BLPOP of a key that nobody writes is the wait."""
    seconds, microseconds = redis.time()
    left = deadline_ms - (seconds * 1000 + microseconds // 1000)
    redis.blpop(["never-written"], timeout=max(left, 0) / 1000 + 0.02)


def test_undo_after_thirty_seconds_is_too_late(scene, operator):
    lock = scene.orphan()
    released = release(operator, lock)

    with pytest.raises(Refused) as caught:
        undo(operator, released.act.pk, now=datetime.now(UTC) + timedelta(seconds=31))

    assert caught.value.code == "too_late"
    assert scene.value(lock.raw_key) is None


def test_undo_without_the_token_is_too_late(scene, operator):
    released = release(operator, scene.orphan())
    connections.own().flushdb()

    with pytest.raises(Refused) as caught:
        undo(operator, released.act.pk)

    assert caught.value.code == "too_late"


@pytest.mark.parametrize("written", [b"\xc1", b"\x81\xa5cache\xa2\xff\xff", b"another's token"])
def test_undo_puts_back_nothing_but_the_token_that_was_released(scene, operator, written):
    lock = scene.orphan()
    released = release(operator, lock)
    if written == b"another's token":
        written = msgspec.msgpack.encode(Kept(cache=lock.cache, raw_key=lock.raw_key, token=written))
    [key] = connections.own().keys("*:undo:*")
    connections.own().set(key, written)

    with pytest.raises(Refused) as refusal:
        undo(operator, released.act.pk)

    assert refusal.value.code == "too_late"
    assert scene.value(lock.raw_key) is None


def test_the_token_is_kept_for_thirty_seconds_and_no_longer(scene, operator):
    released = release(operator, scene.orphan())

    key = f"lockhouse:test-system:undo:{released.act.pk}"

    assert 25_000 < connections.own().pttl(key) <= 30_000


def test_undo_twice_is_one_undo(scene, operator):
    lock = scene.orphan()
    released = release(operator, lock)

    first = undo(operator, released.act.pk)
    scene.redis.delete(lock.raw_key)
    second = undo(operator, released.act.pk)

    assert (second.act.pk, second.replayed) == (first.act.pk, True)
    assert scene.value(lock.raw_key) is None


def test_an_act_that_changed_nothing_cannot_be_undone(scene, operator):
    lock = scene.orphan()
    release(operator, lock)
    refused = OperatorAct.objects.create(
        act="lock-release", username="x", nonce="n", planned_at=datetime.now(UTC), started_at=datetime.now(UTC), state="refused"
    )

    with pytest.raises(Refused) as caught:
        undo(operator, refused.pk)

    assert caught.value.code == "nothing_to_undo"


def test_undo_needs_the_permission(scene, operator, viewer):
    lock = scene.orphan()
    released = release(operator, lock)

    with pytest.raises(Refused) as caught:
        undo(viewer, released.act.pk)

    assert caught.value.code == "forbidden"
    assert scene.value(lock.raw_key) is None


def test_a_lock_is_released_without_undo_where_our_own_redis_is_away(scene, operator, settings):
    lock = scene.orphan()
    from dashboard.acts.release import execute, plan_release

    plan = plan_release(operator, "session", lock.id, lock.token_digest)
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "REDIS_URL": "redis://127.0.0.1:1/0"}

    outcome = execute(operator, "session", plan.signed, "gone")

    assert outcome.code == "released"
    assert outcome.act.undo_until is None

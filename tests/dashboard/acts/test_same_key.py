"""The same Idempotency-Key is the same act: with another act on the same lock, or the same one to another extent, it is refused and never answered as done."""

import itertools
from datetime import timedelta

import pytest

from dashboard.acts.lifetime import change_now
from dashboard.acts.refusals import Refused
from dashboard.acts.registry import EXTEND, LIMIT
from dashboard.acts.release import release_now
from dashboard.acts.revoke import revoke_now
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import ADMINISTRATOR, make_user

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
KEY = {"origin": "api", "idempotency_key": "k1"}


@pytest.fixture
def boss():
    return make_user("bea", (*ADMINISTRATOR, "terminate_runs"))


def released(boss, lock):
    return release_now(boss, lock.id, lock.token_digest, "it hangs", force=True, **KEY)


def extended(boss, lock, span=MINUTE):
    return change_now(boss, EXTEND, lock.id, lock.token_digest, "it hangs", span=span, **KEY)


def limited(boss, lock):
    return change_now(boss, LIMIT, lock.id, lock.token_digest, "it hangs", span=MINUTE, force=True, **KEY)


def revoked(boss, lock, *, terminate=False):
    return revoke_now(boss, lock.id, lock.token_digest, "it hangs", terminate=terminate, **KEY)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations([released, extended, limited, revoked], 2)))
def test_a_key_of_one_act_on_a_lock_is_none_for_another_on_it(scene, boss, first, second):
    lock = scene.orphan(timeout=None if limited is first else 60)
    done = first(boss, lock)
    token = scene.value(lock.raw_key)

    with pytest.raises(Refused) as caught:
        second(boss, lock)

    assert caught.value.code == "key_reused"
    assert scene.value(lock.raw_key) == token
    assert OperatorAct.objects.get() == done.act


def test_a_key_of_an_extension_is_none_for_a_longer_one(scene, boss):
    lock = scene.orphan()
    extended(boss, lock)

    with pytest.raises(Refused) as caught:
        extended(boss, lock, span=10 * MINUTE)

    assert caught.value.code == "key_reused"
    assert scene.redis.pttl(lock.raw_key) <= 120_000
    assert extended(boss, lock).replayed


def test_a_key_of_a_revoke_is_none_for_terminating(scene, boss):
    lock = scene.orphan()
    revoked(boss, lock)

    with pytest.raises(Refused) as caught:
        revoked(boss, lock, terminate=True)

    assert caught.value.code == "key_reused"
    assert revoked(boss, lock).replayed

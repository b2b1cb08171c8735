"""One name under two keys: what is one lock meant twice, and what only ends alike."""

import pytest

from dashboard.judge.twins import no_exclusion
from tests.dashboard.judge.judged import codes, judge
from tests.factories import make_claim, make_lock

OURS = make_lock(name="import-1", key="shop:3:import-1")


def other(key, name=None, **claim):
    return make_lock(id="f" * 16, key=key, name=name or key, token_digest="f" * 16, claim=make_claim(task_id="other", worker="w@other", **claim))


@pytest.mark.parametrize("key", ["shop:4:import-1", "stock:3:import-1", ":1:import-1", "stock:eu:3:import-1"])
def test_name_under_another_version_or_prefix_is_held_as_well(key):
    judged = judge(locks=(OURS, other(key)))

    assert all("held_as_well" in codes(one) for one in judged)
    (concern,) = no_exclusion(judged)
    assert (concern.kind, concern.subject) == ("no-exclusion", "import-1")


@pytest.mark.parametrize("keys", [("order:7:lock", "order:8:lock"), ("order:7:import", "customer:7:import"), ("a:b:7:lock", "a:b:8:lock")])
def test_names_with_a_number_in_their_middle_are_not_one_lock(keys):
    """Where no cache is known that made them, they are as their own code wrote them: the locks of two orders."""
    first, second = keys

    judged = judge(locks=(make_lock(key=first, name=first), other(second)))

    assert not any("held_as_well" in codes(one) for one in judged)
    assert list(no_exclusion(judged)) == []


def test_names_of_two_orders_in_one_cache_are_two_locks():
    judged = judge(locks=(make_lock(key="shop:3:order:7:lock", name="order:7:lock"), other("shop:3:order:8:lock", "order:8:lock")))

    assert list(no_exclusion(judged)) == []


def test_name_with_a_number_in_its_middle_is_known_under_another_prefix():
    judged = judge(locks=(make_lock(key="shop:3:order:7:lock", name="order:7:lock"), other("stock:3:order:7:lock")))

    assert len(list(no_exclusion(judged))) == 1


def test_lock_that_two_caches_of_one_database_list_is_one_lock_and_says_so_in_both():
    twice = make_lock(id="e" * 16, cache="other", name="shop:3:import-1", key="shop:3:import-1")

    judged = judge(locks=(OURS, twice, other("stock:3:import-1")))

    assert [codes(one).count("held_as_well") for one in judged] == [1, 1, 1]
    assert len(next(no_exclusion(judged)).locks) == 2

"""The locks of one place are followed: a search of every name, what is pushed meanwhile, and what became of those that expired."""

import threading
from contextlib import closing
from queue import SimpleQueue

import pytest
from redis import Redis

from dashboard import connections
from dashboard.observer.feeds import LocksFeed
from dashboard.records import Search
from dashboard.sources.follow import MAX_FOLLOWED, Follower
from dashboard.sources.search import NameSearch
from tests.system import wait_for

OTHERS = 100_000
FEW = 3


@pytest.fixture
def told():
    return {"held": set(), "gone": set()}


@pytest.fixture
def follower(place, told):
    def tell(locks, gone, _live, _at):
        told["held"] |= {lock.name for lock in locks}
        told["gone"] |= set(gone)

    with closing(Follower(connections.look(place), place, ["lock_*"], tell=tell, scan=False)) as one:
        yield one


def fill(place, first=""):
    """So many keys of another kind, put there by the server itself, however long that takes it: Lockhouse's own client would give up."""
    with Redis.from_url(place.url) as patient:
        patient.eval(f"{first} for number = 1, {OTHERS} do redis.call('SET', 'filler:' .. number, 'x') end", 0)


def test_token_of_a_lock_that_expired_is_handed_on_and_that_of_a_released_one_is_not(place, cache):
    redis, handed = connections.look(place), []
    follower = Follower(redis, place, ["lock_*"], tell=lambda *_: None, expired=lambda key, token: handed.append((key, token)))
    expiring, released = cache.lock("lock_expiring", timeout=3), cache.lock("lock_released", timeout=60)
    expiring.acquire()
    released.acquire()
    follower.open()
    follower.search_all()
    released.release()
    wait_for(lambda: not redis.exists("shop:1:lock_expiring"), said="it expired")
    follower.open()
    follower.close()

    assert handed == [(b"shop:1:lock_expiring", expiring.local.token)]


def test_tokens_are_kept_of_the_names_in_sight_alone(place):
    redis = connections.look(place)
    with closing(Follower(redis, place, ["lock_*"], tell=lambda *_: None, scan=False)) as follower:
        with Redis.from_url(place.url) as patient:
            patient.eval(f"for n = 1, {MAX_FOLLOWED + 500} do redis.call('SET', 'shop:1:lock_' .. n, string.format('%032d', n), 'EX', 300) end", 0)
        follower.open()
        follower.search_all()

        assert len(follower.held_ids()) == MAX_FOLLOWED
        assert len(follower._tokens) == MAX_FOLLOWED


def test_new_lock_is_seen_though_as_many_names_as_fit_were_locks_before_it(place, cache, told):
    with closing(few(place, told)) as follower:
        follower.open()
        follower.search_all()
        for number in range(5):
            past = cache.lock(f"lock_past_{number}", timeout=60)
            past.acquire()
            step_until(follower, lambda number=number: f"lock_past_{number}" in told["held"])
            past.release()
            step_until(follower, lambda number=number: len(told["gone"]) == number + 1)

        cache.lock("lock_new", timeout=60).acquire()
        step_until(follower, lambda: "lock_new" in told["held"])

        assert follower.notes() == []


def test_held_lock_gives_way_to_none_and_that_more_are_held_is_said_until_there_is_room(place, cache, told):
    first = [cache.lock(f"lock_first_{number}", timeout=60) for number in range(FEW)]
    with closing(few(place, told)) as follower:
        follower.open()
        follower.search_all()
        for lock in first:
            lock.acquire()
        step_until(follower, lambda: len(follower.held_ids()) == FEW)
        cache.lock("lock_beyond", timeout=60).acquire()

        step_until(follower, follower.notes)
        assert follower.notes() == ["More than 3 locks are held at once in cache shop: those beyond are not listed. Narrow LOCKHOUSE_LOCK_PATTERNS."]
        assert told["held"] == {"lock_first_0", "lock_first_1", "lock_first_2"}
        assert told["gone"] == set()

        first[0].release()
        step_until(follower, lambda: "lock_beyond" in told["held"])
        step_until(follower, lambda: not follower.notes())


def test_more_locks_than_fit_are_said_with_their_cache(place):
    with Redis.from_url(place.url) as patient:
        patient.eval(f"for n = 1, {MAX_FOLLOWED + 1} do redis.call('SET', 'shop:1:lock_' .. n, string.format('%032d', n), 'EX', 300) end", 0)
    seen, stop = SimpleQueue(), threading.Event()
    thread = LocksFeed(place, (), seen.put, stop).start()
    try:
        told = wait_for(lambda: next((one for one in iter(lambda: seen.get(timeout=30), None) if getattr(getattr(one, "source", None), "notes", ())), None))
    finally:
        stop.set()
        thread.join()

    assert told.source.name == "cache shop"
    assert told.source.notes[0].startswith("More than 20,000 locks are held at once")


def few(place, told):
    """A follower with room for FEW names, which has only what is pushed and what a search finds."""

    def tell(locks, gone, _live, _at):
        told["held"] |= {lock.name for lock in locks}
        told["gone"] |= set(gone)

    return Follower(connections.look(place), place, ["lock_*"], tell=tell, scan=False, most=FEW)


def step_until(follower, is_so):
    def stepped():
        follower.step(0.05)
        return is_so()

    wait_for(stepped, every=0)


def test_lock_that_is_taken_while_all_names_are_searched_is_told_before_the_search_is_done(place, cache, follower, told):
    fill(place)
    follower.open()
    follower.step(0)
    begun = follower.search.progress()

    cache.lock("lock_meanwhile", timeout=60).acquire()
    while "lock_meanwhile" not in told["held"]:
        follower.step(0)

    assert 0 < begun.looked_at < begun.of == OTHERS
    assert begun.looked_at < follower.search.progress().looked_at < OTHERS


def test_every_lock_is_found_by_the_search_and_then_nothing_is_searched(place, cache, follower, told):
    for number in range(3):
        cache.lock(f"lock_{number}", timeout=60).acquire()
    fill(place)
    follower.open()

    while follower.search:
        follower.step(0)

    assert told["held"] == {"lock_0", "lock_1", "lock_2"}
    assert follower.mode == "tracking"


def test_flush_begins_the_search_anew(place, cache, follower, told):
    cache.lock("lock_before", timeout=60).acquire()
    follower.open()
    follower.search_all()
    fill(place, first="redis.call('FLUSHDB')")

    while not follower.search:
        follower.step(1)

    assert follower.search.progress().of == OTHERS
    assert len(told["gone"]) == 1


def test_search_by_a_user_who_may_not_ask_how_many_keys_there_are_says_how_many_it_has_looked_at(place, cache):
    cache.set("anything", 1)
    connections.look(place).execute_command("ACL", "SETUSER", "looker", "on", ">seen", "~*", "+@all", "-dbsize")
    search = NameSearch(Redis.from_url(place.url, username="looker", password="seen"), place)

    search.batch()

    assert search.progress() == Search(looked_at=1, of=None)

"""Several places in one database: each lock is listed in one of them, the one whose prefix it has."""

from contextlib import ExitStack, closing

import pytest
from redis import Redis

from dashboard import connections
from dashboard.connections import Watched
from dashboard.observer.survey import survey
from dashboard.redis_urls import database_of
from dashboard.sources.follow import Follower
from dashboard.sources.shares import Share
from tests.system import wait_for

NAMES = ("a:1:lock_x", "a:1:other", "b:1:lock_y", "ab:1:lock_w", "lock_bare", "else:1:lock_z", "else:1:hidden")


def cache(url: str, prefix: str) -> dict[str, str]:
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "KEY_PREFIX": prefix}


@pytest.fixture
def shop(watching):
    return Redis.from_url(f"{watching}/1")


@pytest.fixture(params=["/0", "/1"], ids=["the broker apart", "with the broker"])
def sharing(request, watching, shop, settings):
    """Three caches in database 1, the broker there as well or not, and a lock under each name; those without `lock_` are found by their values."""
    caches = {"a": cache(f"{watching}/1", "a"), "b": cache(f"{watching}?db=1", "b"), "ab": cache(f"{watching}/1", "ab")}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": caches, "BROKER_URL": watching + request.param}
    connections.forget_connections()
    for name in NAMES:
        assert shop.lock(name, timeout=60).acquire(blocking=False)
    return "broker" if request.param == "/1" else "a"


def test_each_lock_is_listed_once_and_where_its_prefix_says(sharing):
    held = [(lock.cache, lock.raw_key.decode()) for lock in survey().locks]

    assert sorted(held) == sorted([("a", "a:1:lock_x"), ("b", "b:1:lock_y"), ("ab", "ab:1:lock_w"), (sharing, "lock_bare")])


def test_lock_that_is_taken_now_and_one_found_by_its_value_are_told_by_one_place(sharing, shop):
    told, places = set(), connections.watched()
    with ExitStack() as stack:
        followers = [stack.enter_context(closing(following(place, places, told))) for place in places]
        for name in ("a:1:lock_new", "b:1:lock_new", "lock_new"):
            assert shop.lock(name, timeout=60).acquire(blocking=False)

        def all_have_told():
            for follower in followers:
                follower.step(0.05)
            return {key for _, key in told} >= {*map(str.encode, NAMES), b"a:1:lock_new", b"b:1:lock_new", b"lock_new"}

        wait_for(all_have_told, said="each is told")
        for follower in followers * 20:
            follower.step(0.05)

    new = {("a", b"a:1:lock_new"), ("b", b"b:1:lock_new"), (sharing, b"lock_new")}
    of_places = {("a", b"a:1:lock_x"), ("a", b"a:1:other"), ("b", b"b:1:lock_y"), ("ab", b"ab:1:lock_w")}
    assert told == new | of_places | {(sharing, name) for name in (b"lock_bare", b"else:1:lock_z", b"else:1:hidden")}


def following(place, places, told):
    def tell(locks, _gone, _live, _at):
        told.update((place.alias, lock.raw_key) for lock in locks)

    follower = Follower(connections.look(place), place, ["lock_*"], tell=tell, places=places)
    follower.open()
    follower.search_all()
    return follower


def place(alias: str, url: str, prefix: bytes = b"") -> Watched:
    return Watched(alias=alias, url=url, prefix=prefix, options={})


def test_two_caches_of_one_prefix_are_one_place_and_two_databases_are_two():
    one, same, other = place("one", "redis://h/1", b"p:"), place("same", "redis://h:6379/1", b"p:"), place("other", "redis://h/2", b"p:")
    shares = [Share(each, [one, same, other]) for each in (one, same, other)]

    assert [share.has(b"p:lock") for share in shares] == [True, False, True]
    assert [share.has_bare for share in shares] == [True, False, True]


@pytest.mark.parametrize(
    ("url", "alike", "differs"),
    [
        ("redis://h", "redis://:secret@h:6379/0", "redis://h/1"),
        ("redis://h/3", "rediss://h:6379?db=3", "redis://h:6380/3"),
        ("unix:///run/redis.sock?db=2", "redis+socket:///run/redis.sock?virtual_host=2", "unix:///run/redis.sock"),
        ("sentinel://a;sentinel://b", "sentinel://a:26379/0;sentinel://b:26379", "sentinel://a/1;sentinel://b"),
        ("amqp://h/1", "amqp://h/1", "redis://h/1"),
    ],
)
def test_database_of_an_address(url, alike, differs):
    assert database_of(url) == database_of(alike)
    assert database_of(url) != database_of(differs)

"""One contract for every library that writes locks: found without a setting, named, read, and never taken for another's."""

import gzip
import json
import lzma
import pickle
import zlib
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from dashboard import connections
from dashboard.sources.dialects import DIALECTS, Entry, read, signal_of
from dashboard.sources.follow import Follower
from dashboard.sources.locks import digest, read_lock
from tests.lock_writers import SECONDS, WRITERS, OfCacheAdd, OfCelerySingleton, OfPythonRedisLock

UUID1 = b"e0d63fb8e77f11f1be5902fc00000001"


@pytest.fixture(params=WRITERS)
def writer(request, watching):
    Redis.from_url(watching).flushall()
    return WRITERS[request.param](watching)


def lock_of(writer, key):
    place = connections.watched_one(writer.alias)
    return read_lock(connections.look(place), place, key, datetime.now(UTC))


def test_lock_is_named_and_read_with_its_own_token_and_time(writer):
    key = writer.take()

    lock = lock_of(writer, key)

    assert (lock.dialect, lock.taken_by, lock.raw_key) == (writer.dialect, writer.taken_by, key)
    assert lock.token_digest == digest(writer.redis.get(key))
    assert timedelta(seconds=SECONDS - 10) < lock.expires_at - datetime.now(UTC) <= timedelta(seconds=SECONDS)
    assert writer.dialect in {dialect.name for dialect in DIALECTS}


def test_lock_is_found_by_the_first_look_without_any_setting(writer):
    key = writer.take()
    place, told = connections.watched_one(writer.alias), []
    follower = Follower(connections.look(place), place, (), tell=lambda locks, *_: told.extend(locks), scan=False)

    try:
        follower.open()
        follower.search_all()
    finally:
        follower.close()

    found = {(lock.raw_key, lock.dialect) for lock in told}
    has_any_name = writer.dialect in {"redis-py", "lockhouse"} or key == b"shop:1:lock_report_7"  # patterns are for these
    assert found == (set() if has_any_name else {(key, writer.dialect)})


def test_lock_holds_and_is_still_there_after_a_look(writer):
    key = writer.take()
    before = writer.redis.get(key)

    lock_of(writer, key)

    assert writer.redis.get(key) == before
    if writer.dialect != "kombu":
        assert not writer.takes_again()


def test_singletons_value_is_the_id_of_the_message_that_it_sent(watching):
    writer = OfCelerySingleton(watching)
    key = writer.take()

    assert lock_of(writer, key).claim.task_id == writer.task_id


@pytest.mark.parametrize("name", ["cache.add of a task id", "cache.add of a task id, JSON and zlib"])
def test_task_id_in_a_cache_entry_is_read_through_serializer_and_compressor(watching, name):
    writer = WRITERS[name](watching)

    assert lock_of(writer, writer.take()).claim.names("d9c26803-1111-4222-8333-444455556666")


@pytest.mark.parametrize("name", ["cache.add of an app's oid", "cache.add of True", "cache.add of 1"])
def test_other_values_of_a_cache_entry_claim_nothing(watching, name):
    writer = WRITERS[name](watching)

    assert lock_of(writer, writer.take()).claim is None


@pytest.mark.parametrize("value", [b"[" + b"1," * 32_000 + b"1]", b'"' + b"a" * 600 + b'"', b"[" * 4000, pickle.dumps("a" * 600)])
@pytest.mark.parametrize("pack", [bytes, zlib.compress, gzip.compress, lzma.compress])
def test_value_that_is_no_short_text_is_refused_in_no_time(value, pack):
    entry = Entry(key=b"shop:1:lock_a", prefix=b"shop:1:", value=pack(value)[:4096])

    began = perf_counter()
    dialect, claim = read(entry)

    assert (dialect.name, claim) == ("other", None)
    assert perf_counter() - began < 0.01


def test_values_that_are_read_again_and_again_are_looked_at_once():
    entries = [Entry(key=b"shop:1:lock_%d" % n, prefix=b"shop:1:", value=zlib.compress(b"[" + b"1," * 200 + b"%d]" % n)) for n in range(300)]
    for entry in entries:
        read(entry)

    began = perf_counter()
    for entry in entries:
        read(entry)

    assert perf_counter() - began < 0.03


@pytest.mark.parametrize("write", [str.encode, pickle.dumps, lambda token: json.dumps(token).encode()])
def test_token_that_has_the_form_of_a_task_id_is_not_in_what_is_read(write):
    token = "d9c26803-1111-4222-8333-444455556666"

    _, claim = read(Entry(key=b"shop:1:lock_a", prefix=b"shop:1:", value=write(token)))

    assert claim.names(token)
    assert token not in str(claim)


def test_only_python_redis_lock_is_woken_by_a_list(watching):
    key = OfPythonRedisLock(watching).take()

    assert signal_of("python-redis-lock", key) == b"lock-signal:report_7"
    assert [dialect.name for dialect in DIALECTS if dialect.signal(key)] == ["python-redis-lock"]
    assert signal_of("not-a-lock", key) is None


def test_pickle_that_would_run_code_is_no_lock_value_and_runs_nothing(watching):
    writer = OfCacheAdd(watching)
    key = writer.take()
    writer.redis.set(key, b"cos\nsystem\n(S'touch owned'\ntR.", px=60_000)

    assert (lock_of(writer, key).dialect, lock_of(writer, key).claim) == ("other", None)


@pytest.mark.parametrize(
    ("key", "value", "dialect"),
    [
        (b"shop:1:qo_emails", UUID1, "redis-py"),  # an entry of the cache that only sounds like celery-once's
        (b"qo_emails", b"1", "celery-once"),  # whoever wrote there, the library goes by the name alone
        (b"qo_emails", b"lh1:" + UUID1 + b":pid=1", "lockhouse"),  # only our own token says more than a name
        (b"SINGLETONLOCK_" + b"a" * 32, b"not an id", "celery-singleton"),
        (b"SINGLETONLOCK_short", b"d9c26803-1111-4222-8333-444455556666", "other"),
        (b"redbeat::lock", b"1", "redbeat"),
        (b"redbeat::lock", b"d9c26803-1111-4222-8333-444455556666", "redbeat"),
        (b"shop:1:redbeat::lock", UUID1, "redis-py"),
        (b"lock:a", UUID1, "redis-py"),
        (b"lock:a", b"1", "other"),
        (b"shop:1:lock:a", b"A" * 24, "other"),  # python-redis-lock puts no prefix before its own
        (b"shop:1:lock_a", b"1", "cache.add"),
        (b"lock_a", b"1", "other"),
        (b"unacked_mutex", b"1", "kombu"),
        (b"unacked_mutex", b"", "kombu"),
        (b"global:unacked_mutex", b"d9c26803-1111-4222-8333-444455556666", "kombu"),
        (b"global:unacked_mutex", b"0" * 32, "kombu"),
        (b"global:unacked_mutex", b"lh1:" + UUID1 + b":pid=1", "kombu"),
        (b"global:unacked_mutex", UUID1, "kombu"),
        (b"shop:1:lock_a", b"lh1:" + UUID1 + b":pid=1", "lockhouse"),
        (b"shop:1:lock_a", b"lh2:" + UUID1 + b":pid=1", "other"),
        (b"shop:1:lock_a", b"", "other"),
        (b"shop:1:lock_a", b'{"a": 1}', "other"),
    ],
)
def test_what_only_resembles_a_dialect_is_not_taken_for_it(key, value, dialect):
    assert read(Entry(key=key, prefix=b"shop:1:", value=value))[0].name == dialect


@settings(deadline=None)
@given(
    st.sampled_from([b"qo_a", b"SINGLETONLOCK_" + b"a" * 32, b"redbeat::lock", b"lock:a", b"shop:1:a", b"unacked_mutex", b"\xff\xfe"]), st.binary(max_size=200)
)
def test_no_bytes_make_a_dialect_raise(key, value):
    dialect, _claim = read(Entry(key=key, prefix=b"shop:1:", value=value))

    assert dialect in DIALECTS

"""The snapshot in our own Redis: sections, versions, epochs, and what a reader gives while that Redis is away."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from django.test import Client
from redis import Redis

from dashboard.observer.state import State
from dashboard.observer.writer import Writer
from dashboard.records import Policy
from dashboard.snapshot import SECTIONS, Reader, claim, forget, put
from tests.dashboard.web.test_views import person
from tests.factories import make_lock, make_queue, make_snapshot
from tests.system import wait_for

VERSIONS = dict.fromkeys(SECTIONS, 1)


def own(server: str) -> Redis:
    return Redis.from_url(f"{server}/2")


def test_what_was_put_is_read_again_whole(watching):
    written = make_snapshot()
    assert put(own(watching), written, VERSIONS, set(SECTIONS), epoch=1)
    assert Reader().newest() == written


def test_before_any_observer_wrote_there_is_no_time(watching):
    assert Reader().newest().at is None


def test_only_changed_sections_are_read_again(watching):
    reader, first = Reader(), make_snapshot()
    put(own(watching), first, VERSIONS, set(SECTIONS), epoch=1)
    seen = reader.newest()
    put(own(watching), replace(first, queues=(make_queue(ready=5),)), VERSIONS | {"queues": 2}, {"queues"}, epoch=1)
    again = reader.newest()
    assert again.queues[0].ready == 5
    assert again.locks is seen.locks


def test_unchanged_snapshot_is_the_same_one_and_a_new_time_alone_makes_another(watching):
    reader, first = Reader(), make_snapshot()
    put(own(watching), first, VERSIONS, set(SECTIONS), epoch=1)
    seen = reader.newest()
    assert reader.newest() is seen
    later = first.at + timedelta(seconds=1)
    put(own(watching), replace(first, at=later), VERSIONS, set(), epoch=1)
    assert reader.newest().at == later


def test_leader_that_was_replaced_writes_nothing_more(watching):
    put(own(watching), make_snapshot(), VERSIONS, set(SECTIONS), epoch=2)
    assert not put(own(watching), make_snapshot(queues=()), VERSIONS | {"queues": 2}, {"queues"}, epoch=1)
    assert len(Reader().newest().queues) == 1


def test_last_reading_stays_while_our_redis_is_away_and_the_source_says_since_when(watching):
    reader = Reader()
    put(own(watching), make_snapshot(), VERSIONS, set(SECTIONS), epoch=1)
    reader.newest()

    away = reader.newest(Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2))

    assert len(away.locks) == 1
    assert (away.sources[-1].name, away.sources[-1].ok) == ("lockhouse", False)
    assert away.sources[-1].last_good_at == make_snapshot().at
    wait_for(lambda: all(source.ok for source in reader.newest().sources), said="it is tried again after a second")


@pytest.mark.parametrize("written", [b"\xc1 not msgpack", b"\x91\x81\xa2id\xa2\xff\xff", b"\x91" * 100_000], ids=["no type", "no UTF-8", "too deep"])
@pytest.mark.parametrize("section", ["locks", "runs", "meta"])
def test_section_that_cannot_be_read_raises_nothing(watching, section, written):
    put(own(watching), make_snapshot(), VERSIONS, set(SECTIONS), epoch=1)
    own(watching).hset("lockhouse:test-system:snapshot", section, written)
    assert Reader().newest().sources[-1].ok is False


KEY, LEASE = "lockhouse:test-system:snapshot", "lockhouse:test-system:leader"
FAR = 2**53 - 1


@pytest.mark.parametrize("epoch", [FAR, "abc", "1e999", "nan"])
def test_epoch_that_anybody_wrote_outranks_nobody_who_holds_the_lease(watching, epoch):
    redis = own(watching)
    redis.set(LEASE, "host:1")
    redis.hset(KEY, "epoch", epoch)
    assert not put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=2)

    claim(redis, LEASE, "host:1", epoch=2)

    assert put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=2)
    assert not put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=1)


def test_who_does_not_hold_the_lease_claims_nothing(watching):
    redis = own(watching)
    redis.set(LEASE, "host:2")
    put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=3)

    claim(redis, LEASE, "host:1", epoch=2)

    assert not put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=2)


def test_key_of_another_type_in_the_snapshots_place_is_replaced_by_who_leads(watching):
    redis = own(watching)
    redis.set(LEASE, "host:1")
    redis.set(KEY, "anything")

    claim(redis, LEASE, "host:1", epoch=2)

    assert put(redis, make_snapshot(), VERSIONS, set(SECTIONS), epoch=2)
    assert Reader().newest() == make_snapshot()


@pytest.mark.django_db
def test_snapshot_whose_time_has_no_zone_counts_as_none_and_pages_say_so(watching):
    put(own(watching), make_snapshot(), VERSIONS, set(SECTIONS), epoch=1)
    own(watching).hset(KEY, "meta", msgspec.msgpack.encode({"at": datetime(2026, 1, 1), "version": 99, "versions": {}}))  # noqa: DTZ001  # that is the point
    forget()
    client = Client()
    client.force_login(person("view_locks"))

    assert (Reader().newest().at, Reader().newest().sources[-1].ok) == (None, False)
    for path, status in (("/", 200), ("/locks/", 200), ("/api/v1/locks", 200), ("/readyz", 503)):
        assert client.get(path).status_code == status


def test_page_that_knows_one_observers_sections_reads_those_of_the_next_though_that_one_could_not_read_them(watching):
    """It begins without what the one before wrote (older than an hour, or our Redis did not answer), and both have written each section once."""
    reader = Reader()
    for epoch, locks in ((1, (make_lock(),)), (2, ())):
        known = State([], Policy())
        known.restore(make_snapshot(locks=locks))
        writer = Writer(own(watching), known, epoch)
        writer.write_due()

        assert len(reader.newest().locks) == len(locks)

        writer.close()

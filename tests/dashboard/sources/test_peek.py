"""Looking at the front of a queue: in order, bounded, and without a trace."""

import pytest
from redis import Redis

from dashboard import connections
from dashboard.exceptions import SourceUnavailable
from dashboard.sources.bounded import BoundedReader, TooLarge
from dashboard.sources.peek import MAX_LOOKED_AT, MAX_ONE_BY_ONE, MAX_SHOWN, peek, read_front
from dashboard.sources.queue_names import Layout
from tests.dashboard.sources.test_messages import MALFORMED, message
from tests.dashboard.sources.test_queues import fill


def numbered(number, task="mail_send"):
    return message(headers={"task": task, "id": f"id-{number}"})


def test_messages_come_in_the_order_of_their_delivery(watching, redis):
    for priority in (9, 0, 4):
        fill(f"{watching}/0", "mail", 2, priority=priority)

    seen = peek(b"mail")

    assert [(one.position, one.priority, one.task_id) for one in seen.messages] == [
        (1, "0", "id-0"), (2, "0", "id-1"), (3, "3", "id-0"), (4, "3", "id-1"), (5, "9", "id-0"), (6, "9", "id-1"),
    ]  # fmt: skip
    assert (seen.total, seen.looked_at, seen.stopped_by) == (6, 6, "")


def test_peek_leaves_every_byte_as_it_was(watching, redis):
    for raw, _ in MALFORMED:
        redis.lpush("mail", raw)
    fill(f"{watching}/0", "mail", 3, priority=6)
    before = {key: redis.dump(key) for key in redis.scan_iter()}

    peek(b"mail")

    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_every_malformed_message_is_listed_with_what_is_wrong(watching, redis):
    for raw, _ in MALFORMED:
        redis.lpush("mail", raw)

    seen = peek(b"mail")

    assert [one.problem for one in seen.messages] == [problem for _, problem in MALFORMED]
    assert sum(count for _, _, count in seen.groups) == len(MALFORMED)


def test_long_queue_is_read_to_a_limit_and_grouped_further(watching, redis):
    redis.lpush("mail", *(numbered(n, "a" if n % 4 else "b") for n in range(6000)))

    seen = peek(b"mail")

    assert (len(seen.messages), seen.total) == (MAX_SHOWN, 6000)
    assert (seen.looked_at, seen.stopped_by) == (MAX_LOOKED_AT, "count") or seen.stopped_by == "time"  # a busy machine reads less in its second
    assert sum(count for *_, count in seen.groups) == seen.looked_at
    assert [name for name, *_ in seen.groups] == ["a", "b"]
    assert [one.task_id for one in seen.messages] == [f"id-{n}" for n in range(MAX_SHOWN)]


def test_message_of_100_mb_is_told_by_its_size_and_the_others_are_read(watching, redis):
    redis.lpush("mail", numbered(1), b"x" * 100_000_000, numbered(3))

    seen = peek(b"mail")

    assert [(one.problem, one.task_id) for one in seen.messages] == [("", "id-1"), ("huge", None), ("", "id-3")]
    assert seen.messages[1].size_bytes == 100_000_000


def test_large_message_among_many_small_ones_is_passed_over(watching, redis):
    redis.lpush("mail", *(numbered(n) if n != 70 else b"x" * 1_000_000 for n in range(120)))

    seen = peek(b"mail")

    assert [one.position for one in seen.messages if one.problem == "huge"] == [71]
    assert (len(seen.messages), seen.messages[-1].task_id) == (120, "id-119")


def test_many_large_messages_end_the_reading(watching, redis):
    redis.lpush("mail", *[b"x" * 1_000_000] * 30)
    assert (peek(b"mail").stopped_by, peek(b"mail").looked_at) == ("huge", 3)


def test_list_too_long_to_be_weighed_is_read_one_by_one(watching, redis):
    with redis.pipeline(transaction=False) as pipe:
        for _ in range(21):
            pipe.lpush("mail", *[b"{}"] * 1000)
        pipe.execute()
    redis.config_resetstat()

    seen = peek(b"mail")

    assert (seen.looked_at, seen.total, seen.stopped_by) == (MAX_ONE_BY_ONE, 21_000, "count")
    assert redis.info("commandstats")["cmdstat_lrange"]["calls"] <= MAX_ONE_BY_ONE + 1


def test_time_that_is_over_gives_what_was_read_until_then(watching, redis):
    redis.lpush("mail", *[numbered(1)] * 500)
    seen = read_front(connections.look_broker(), Layout(), b"mail", seconds=0)
    assert (seen.looked_at, seen.total, seen.stopped_by) == (0, 500, "time")


@pytest.mark.parametrize("name", [b"a*[b]?", b"caf\xff", b"with space\n", b"../x", b""])
def test_any_name_is_read_by_its_bytes(watching, redis, name):
    redis.lpush(name, numbered(1))
    redis.lpush(b"axb", numbered(2))
    assert [one.task_id for one in peek(name).messages] == ["id-1"]


def test_key_of_another_type_has_no_messages(watching, redis):
    redis.hset("mail", "a", "b")
    assert (peek(b"mail").total, peek(b"mail").messages) == (0, ())


def test_broker_that_is_away_is_unavailable_and_not_empty():
    with pytest.raises(SourceUnavailable):
        read_front(Redis(host="127.0.0.1", port=1, socket_timeout=0.2), Layout(), b"mail")


def test_layout_of_the_watched_system_is_followed(watching, redis, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_TRANSPORT_OPTIONS": {"global_keyprefix": "shop:", "priority_steps": [0, 5], "sep": ":"}}
    redis.lpush("shop:mail", numbered(1))
    redis.lpush("shop:mail:5", numbered(2))
    assert [(one.priority, one.task_id) for one in peek(b"mail").messages] == [("0", "id-1"), ("5", "id-2")]


def test_bounded_reader_goes_on_after_it_broke_off(watching, redis):
    redis.rpush("mail", b"a", b"x" * 5000, b"c")
    reader = BoundedReader(connections.look_broker(), 1)
    assert reader.elements(b"mail", 0, -1, 100) == [b"a", TooLarge(5000)]
    assert reader.elements(b"mail", 2, 2, 100) == [b"c"]
    assert reader.elements(b"mail", 0, -1, 5000) == [b"a", b"x" * 5000, b"c"]
    assert reader.elements(b"nothing", 0, -1, 100) == []
    reader.close()

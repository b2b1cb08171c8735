"""Where messages wait in a queue: how many are delivered before each, bounded, and without a trace."""

import pytest
from redis import Redis
from redis.exceptions import RedisError

from dashboard import connections
from dashboard.sources.places import MAX_LOOKED_AT, MAX_ONE, Places, find
from dashboard.sources.queue_heads import MAX_WEIGHED
from dashboard.sources.queue_names import Layout
from tests.dashboard.sources.test_messages import message
from tests.dashboard.sources.test_queues import fill


def places(*ids, queue=b"mail", **options):
    return find(connections.look_broker(), Layout.of(options), queue, ids)


def numbered(number, **headers):
    return message(headers={"task": "mail_send", "id": f"id-{number}"} | headers)


def test_messages_are_found_in_the_order_of_their_delivery(watching):
    fill(f"{watching}/0", "mail", 3)
    assert places("id-0", "id-2") == Places(before={"id-0": 0, "id-2": 2}, beyond=None)


def test_what_is_delivered_first_counts_whatever_list_it_waits_in(watching):
    fill(f"{watching}/0", "mail", 2, priority=0)
    fill(f"{watching}/0", "mail", 4, priority=9)
    assert places("id-3") == Places(before={"id-3": 5}, beyond=None)


def test_message_that_does_not_wait_has_no_place(watching):
    assert places("id-0") == Places(before={}, beyond=None), "there is no such queue"
    fill(f"{watching}/0", "mail", 2)
    assert places("id-7") == Places(before={}, beyond=None), "all of it was looked at"


def test_id_of_another_message_in_its_headers_is_not_the_message(watching, redis):
    redis.lpush("mail", numbered(1, root_id="id-2", parent_id="id-2"), numbered(2))
    assert places("id-2").before == {"id-2": 1}


def test_behind_the_first_few_hundred_at_least_so_many_come_before(watching, redis):
    redis.lpush("mail", *(numbered(number) for number in range(MAX_LOOKED_AT + 20)))
    assert places("id-3", f"id-{MAX_LOOKED_AT + 5}") == Places(before={"id-3": 3}, beyond=MAX_LOOKED_AT)


def test_list_that_is_too_long_to_be_cheap_is_only_counted(watching, redis):
    redis.lpush("mail", *(numbered(0) for _ in range(MAX_WEIGHED + 1)))
    fill(f"{watching}/0", "mail", 1, priority=9)
    assert places("id-0") == Places(before={"id-0": MAX_WEIGHED + 1}, beyond=0)


def test_message_that_is_too_large_is_not_read_past(watching, redis):
    redis.lpush("mail", numbered(0), message(body="x" * (MAX_ONE + 1)), numbered(1))
    assert places("id-1") == Places(before={}, beyond=0)


def test_key_that_is_no_list_is_no_queue(watching, redis):
    redis.set("mail", "text")
    assert places("id-0") == Places(before={}, beyond=None)


def test_looking_leaves_every_byte_as_it_was(watching, redis):
    fill(f"{watching}/0", "mail", 3, priority=6)
    redis.lpush("mail", b"\xff not json")
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    places("id-1")
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_broker_that_does_not_answer_is_no_empty_queue():
    with pytest.raises(RedisError):
        find(Redis(port=1, socket_timeout=0.2), Layout.of({}), b"mail", ["id-0"])

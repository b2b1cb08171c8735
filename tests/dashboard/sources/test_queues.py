"""Reading queues that kombu itself filled."""

import json

import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue

from dashboard import connections
from dashboard.sources.queues import Layout, QueueReader
from dashboard.sources.unacked import decode_unacked


def fill(url: str, queue: str, count: int, *, priority: int = 0, **options) -> None:
    with Connection(url, transport_options=options) as connection:
        producer = Producer(connection.channel())
        for number in range(count):
            producer.publish(
                {"n": number}, routing_key=queue, exchange=Exchange(queue, "direct"), declare=[Queue(queue, Exchange(queue, "direct"), queue)],
                priority=priority, headers={"id": f"id-{number}", "task": "archive_compact"},
            )  # fmt: skip


def read(known=(), **options):
    reader = QueueReader(redis=connections.look_broker(), layout=Layout.of(options))
    queues, unacked = reader.read(known)
    return {queue.name: queue for queue in queues}, unacked


def test_depth_is_summed_over_the_priorities(watching):
    fill(f"{watching}/0", "mail", 3)
    fill(f"{watching}/0", "mail", 2, priority=9)
    queues, _ = read()
    assert (queues["mail"].ready, queues["mail"].ready_by_priority) == (5, {"0": 3, "9": 2})


def test_queue_that_settings_name_is_there_though_it_is_empty(watching):
    queues, _ = read(["reports"])
    assert (queues["reports"].ready, queues["reports"].unacked) == (0, 0)


@pytest.mark.parametrize("options", [{"global_keyprefix": "shop:"}, {"priority_steps": [0, 5], "sep": ":"}])
def test_transport_options_of_the_watched_system_are_followed(watching, options):
    fill(f"{watching}/0", "mail", 2, **options)
    queues, _ = read(**options)
    assert queues["mail"].ready == 2


def test_fetched_messages_are_counted_and_named_and_stay_where_they_are(watching, redis):
    fill(f"{watching}/0", "mail", 2)
    with Connection(f"{watching}/0") as connection:
        channel = connection.channel()
        channel.basic_qos(0, 0, False)
        consumer = Consumer(channel, [Queue("mail", Exchange("mail", "direct"), "mail")], callbacks=[lambda body, message: None], accept=["json"])
        consumer.consume()
        for _ in range(2):
            connection.drain_events(timeout=2)
        before = redis.hgetall("unacked")

        queues, unacked = read()

        assert (queues["mail"].ready, queues["mail"].unacked) == (0, 2)
        assert {message.task_id for message in unacked} == {"id-0", "id-1"}
        assert redis.hgetall("unacked") == before


@pytest.mark.parametrize("value", [b"{{{", b"\xff\xfe", b"null", b"[]", b"[1,2,3]", b'[{"headers": 5}, "", "q"]', None, b"[" * 100_000])
def test_message_that_cannot_be_read_is_a_message_all_the_same(value):
    message = decode_unacked("tag", value, 1e9)
    assert (message.tag, message.task_id) == ("tag", None)


def test_queue_key_of_another_type_counts_nothing_and_breaks_nothing(watching, redis):
    fill(f"{watching}/0", "mail", 1)
    redis.set("odd", "text")
    redis.sadd("_kombu.binding.odd", json.dumps("x") + "\x06\x16\x06\x16odd")
    queues, _ = read()
    assert (queues["odd"].ready, queues["mail"].ready) == (0, 1)

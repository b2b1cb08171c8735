"""Reading queues that kombu itself filled."""

import json
from datetime import UTC, datetime, timedelta

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


LAYOUTS = [
    {},
    {"global_keyprefix": "shop:"},
    {"global_keyprefix": "sh*p[1]:"},
    {"priority_steps": [0, 5], "sep": ":"},
    {"priority_steps": list(range(10)), "queue_order_strategy": "priority"},
]


@pytest.mark.parametrize("options", LAYOUTS)
def test_transport_options_of_the_watched_system_are_followed(watching, redis, options):
    for priority in (0, 4, 5, 9):
        fill(f"{watching}/0", "mail", 2 + priority, priority=priority, **options)

    queues, _ = read(**options)

    lists = [key for key in redis.scan_iter() if redis.type(key) == b"list"]
    assert queues["mail"].ready == sum(redis.llen(key) for key in lists) == 26
    assert sum(queues["mail"].ready_by_priority.values()) == 26
    assert len(queues["mail"].heads) == len(lists) > 1
    assert {head.task_name for head in queues["mail"].heads} == {"archive_compact"}


@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_depths_of_a_thousand_queues_equal_the_lengths_of_their_lists(watching, redis, prefix):
    expected = {}
    with redis.pipeline(transaction=False) as pipe:
        for number in range(1000):
            expected[f"queue-{number}"] = 0
            pipe.sadd(f"{prefix}_kombu.binding.ex{number % 7}", f"queue-{number}\x06\x16\x06\x16queue-{number}")
            for step in (0, 3, 6, 9):
                count = (number * 7 + step) % 5
                expected[f"queue-{number}"] += count
                if count:
                    pipe.lpush(f"{prefix}queue-{number}" + (f"\x06\x16{step}" if step else ""), *["{}"] * count)
        pipe.execute()
    reader = QueueReader(redis=connections.look_broker(), layout=Layout.of({"global_keyprefix": prefix}))
    for _ in range(30):  # enough steps of the scan for all bindings among 4,000 keys
        queues, _unacked = reader.read(())

    assert {queue.name: queue.ready for queue in queues} == expected


def test_commands_of_a_refresh_are_one_length_for_each_list_and_few_more(watching, redis):
    for number in range(20):
        redis.sadd("_kombu.binding.ex", f"q{number}\x06\x16\x06\x16q{number}")
        redis.lpush(f"q{number}", "{}")
    reader = QueueReader(redis=connections.look_broker(), layout=Layout())
    reader.read(())

    for _ in range(3):
        redis.config_resetstat()
        reader.read(())
        calls = {name.removeprefix("cmdstat_"): said["calls"] for name, said in redis.info("commandstats").items()}
        assert (calls["llen"], calls["lindex"], calls["memory|usage"]) == (80, 20, 20)
        assert calls.pop("scan") <= 4
        assert set(calls) <= {"llen", "lindex", "memory|usage", "sscan", "hlen", "zrange", "config|resetstat", "info"}


def test_fetched_messages_are_counted_and_named_and_stay_where_they_are(watching, redis):
    fill(f"{watching}/0", "mail", 2)
    with Connection(f"{watching}/0") as connection:
        channel = connection.channel()
        channel.basic_qos(0, 0, False)
        consumer = Consumer(channel, [Queue("mail", Exchange("mail", "direct"), "mail")], callbacks=[lambda body, message: None], accept=["json"])
        consumer.consume()
        for _ in range(2):
            connection.drain_events(timeout=60)
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
    assert (queues["odd"].wrong_type, queues["mail"].wrong_type) == ("string", None)


def test_hostile_names_are_found_and_told_apart(watching, redis):
    names = [b"a*b?[c]", b"with space", b"a/../b", b"<script>", b"line\nend\x00", "umlaut-\u00fc".encode(), b"caf\xff", b"x" * 100_000, b"x" * 99_999 + b"y"]
    for number, name in enumerate(names, 1):
        redis.lpush(name, *["{}"] * number)
        redis.sadd("_kombu.binding.ex", b"k%d\x06\x16\x06\x16" % number + name)

    queues, _ = read()

    assert sorted(queue.ready for queue in queues.values()) == list(range(1, len(names) + 1))
    assert len({queue.id for queue in queues.values()}) == len(names)
    assert queues["caf\\xff"].raw_name == b"caf\xff"
    assert all(len(name) < 300 for name in queues)


def test_two_queues_under_one_exchange_and_key_are_bound_together(watching, redis):
    for queue in ("a", "b"):
        redis.sadd("_kombu.binding.celery", f"celery\x06\x16\x06\x16{queue}")
        redis.sadd("_kombu.binding.fan", f"\x06\x16\x06\x16{queue}")
    redis.sadd("_kombu.binding.celery", "own\x06\x16\x06\x16c")

    queues, _ = read()

    assert {name: queue.bound_with for name, queue in queues.items()} == {"a": ("b",), "b": ("a",), "c": ()}


def test_bindings_are_read_within_bounds_and_what_workers_read_has_room(watching, redis, monkeypatch):
    monkeypatch.setattr("dashboard.sources.queue_names.MAX_QUEUES", 5)
    monkeypatch.setattr("dashboard.sources.queue_names.MAX_BINDINGS", 8)
    for number in range(30):
        redis.sadd(f"_kombu.binding.e{number % 3}", f"k{number}\x06\x16\x06\x16invented{number}")
    reader = QueueReader(redis=connections.look_broker(), layout=Layout())

    for _ in range(3):
        queues, _unacked = reader.read(["mail", "reports"])

    assert len(queues) == 5
    assert {"mail", "reports"} < {queue.name for queue in queues}
    assert sum(len(keys) for keys in reader.names._bindings.values()) <= 8


def test_message_with_a_time_in_the_future_counts_as_eta(watching, redis):
    fill(f"{watching}/0", "mail", 1)
    now = datetime.now(UTC)
    for tag, eta in (("1", now + timedelta(hours=1)), ("2", now - timedelta(hours=1)), ("3", None)):
        message = {"headers": {"id": tag, "task": "x", "eta": eta and eta.isoformat()}, "properties": {"delivery_tag": tag}}
        redis.hset("unacked", tag, json.dumps([message, "mail", "mail"]))
        redis.zadd("unacked_index", {tag: now.timestamp()})

    queues, _ = read()

    assert (queues["mail"].unacked, queues["mail"].eta) == (3, 1)


def test_fetched_message_is_counted_for_its_queue_though_the_routing_key_has_another_name(watching, redis):
    redis.sadd("_kombu.binding.main", "orders.new\x06\x16\x06\x16orders")
    redis.hset("unacked", "1", json.dumps([{"headers": {"id": "1", "task": "x"}, "properties": {}}, "main", "orders.new"]))
    redis.zadd("unacked_index", {"1": 1e9})

    queues, unacked = read()

    assert (queues["orders"].unacked, unacked[0].queue) == (1, "orders")


def test_head_is_the_message_that_is_delivered_next(watching, redis):
    fill(f"{watching}/0", "mail", 3)
    queues, _ = read()
    assert [head.task_id for head in queues["mail"].heads] == ["id-0"]


def test_head_that_did_not_change_is_decoded_once_and_one_that_did_is_seen(watching, redis):
    fill(f"{watching}/0", "mail", 3)
    reader = QueueReader(redis=connections.look_broker(), layout=Layout())
    first, again = (reader.read(())[0][0].heads[0] for _ in range(2))
    redis.rpop("mail")
    assert first is again
    assert reader.read(())[0][0].heads[0].task_id == "id-1"


def test_heavy_list_is_not_looked_at_and_says_so(watching, redis):
    redis.sadd("_kombu.binding.ex", "mail\x06\x16\x06\x16mail")
    redis.lpush("mail", b"x" * 20_000_000)
    redis.config_resetstat()

    queues, _ = read()

    assert (queues["mail"].ready, queues["mail"].heads[0].problem) == (1, "not-looked-at")
    assert "cmdstat_lindex" not in redis.info("commandstats")


def test_looking_changes_no_key(watching, redis):
    fill(f"{watching}/0", "mail", 3, priority=5)
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    read()
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before

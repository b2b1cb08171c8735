"""What workers fetched is read in bounded portions, and all of it all the same."""

import json

from dashboard import connections
from dashboard.sources.queue_names import Layout
from dashboard.sources.unacked import MAX_READ_BYTES, UnackedReader, portions

COUNT, BODY = 60, "A" * 60_000  # more than three portions


def test_portion_is_never_larger_than_may_be_read_at_once():
    sizes = {f"t{number}".encode(): size for number, size in enumerate([60_000] * 40 + [0, 1] + [64 * 1024] * 16)}

    found = list(portions(sizes))

    assert [tag for some in found for tag in some] == list(sizes)
    assert len(found) > 1
    assert max(sum(sizes[tag] for tag in some) for some in found) <= MAX_READ_BYTES


def test_every_message_of_several_portions_is_read(place):
    redis = connections.look(place)
    redis.delete("unacked", "unacked_index")
    for number in range(COUNT):
        message = {"body": BODY, "headers": {"id": f"id-{number}", "task": "sync"}, "properties": {}}
        redis.hset("unacked", f"t{number}", json.dumps([message, "", "celery"]))
        redis.zadd("unacked_index", {f"t{number}": 1.7e9 + number})
    redis.hset("unacked", "t7", "x" * 70_000)
    redis.hdel("unacked", "t8")

    read = UnackedReader(redis, Layout.of({}), lambda _exchange, key: str(key)).read()

    unread = {f"t{number}" for number in (7, 8)}
    assert {one.tag for one in read if one.task_id is None} == unread
    assert {one.task_id for one in read} - {None} == {f"id-{number}" for number in range(COUNT) if f"t{number}" not in unread}

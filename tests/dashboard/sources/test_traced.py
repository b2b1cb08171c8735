"""What was sent from here lately, as it is kept in our own Redis."""

from datetime import timedelta

from dashboard import connections
from dashboard.records import Traced
from dashboard.sources.traced import FOLLOWED_FOR, MAX_FOLLOWED, followed, remember
from tests.factories import NOW, ago


def traced(number=0, **changes):
    return Traced(**({"act_id": f"act-{number}", "task": "mail_send", "queue": "mail", "count": 2, "sent_at": ago(seconds=60 - number)} | changes))


def test_what_was_sent_is_followed_for_an_hour_the_newest_first(watching):
    for one in (first := traced(1), second := traced(2)):
        remember(connections.own(), one)
    assert followed(connections.own(), NOW) == [second, first]
    assert followed(connections.own(), first.sent_at + FOLLOWED_FOR + timedelta(milliseconds=1)) == [second]
    assert followed(connections.own(), NOW + FOLLOWED_FOR) == []


def test_only_the_newest_are_followed(watching):
    for number in range(MAX_FOLLOWED + 3):
        remember(connections.own(), traced(number))
    found = followed(connections.own(), NOW)
    assert [one.act_id for one in found] == [f"act-{number}" for number in range(MAX_FOLLOWED + 2, 2, -1)]


def test_what_another_version_wrote_is_passed_over(watching):
    remember(connections.own(), traced())
    [key] = connections.own().keys("*traced")
    connections.own().zadd(key, {b"\xff\x00": NOW.timestamp() + 60, b"x" * 9000: NOW.timestamp() + 61})
    assert [one.act_id for one in followed(connections.own(), NOW)] == ["act-0"]

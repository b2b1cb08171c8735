"""What was sent from here lately, as it is kept in our own Redis."""

from datetime import timedelta
from uuid import UUID

from dashboard import connections
from dashboard.records import Traced
from dashboard.sources.traced import FOLLOWED_FOR, MAX_FOLLOWED, followed, remember
from tests.factories import NOW, ago


def act_id(number):
    return str(UUID(int=number))


def traced(number=0, **changes):
    return Traced(**({"act_id": act_id(number), "task": "mail_send", "queue": "mail", "count": 2, "sent_at": ago(seconds=60 - number)} | changes))


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
    assert [one.act_id for one in found] == [act_id(number) for number in range(MAX_FOLLOWED + 2, 2, -1)]


def test_what_another_version_wrote_is_passed_over(watching):
    remember(connections.own(), traced())
    [key] = connections.own().keys("*traced")
    connections.own().zadd(key, {b"\xff\x00": NOW.timestamp() + 60, b"x" * 9000: NOW.timestamp() + 61})
    assert [one.act_id for one in followed(connections.own(), NOW)] == [act_id(0)]


def test_what_somebody_else_wrote_costs_nothing(watching):
    for odd in (traced(1), traced(2, count=10**9), traced(3, count=0), traced(4, act_id="x")):
        remember(connections.own(), odd)
    assert [one.act_id for one in followed(connections.own(), NOW)] == [act_id(1)]

"""Asking workers, where something else replies: garbage, too late, ten megabytes. Nothing breaks, and the others' answers count."""

import json
import threading
from contextlib import contextmanager

import pytest

from dashboard import connections
from dashboard.exceptions import SourceUnavailable
from dashboard.observer.asking import told
from dashboard.sources.workers import ask_workers
from tests.system import wait_for

DEADLINE_S = 30.0  # a worker's answer takes milliseconds; a test that waits for the end of it is about one that does not answer
MANY = "x" * 10_000_000


@contextmanager
def replier(redis, answer):
    """Hears every question as a worker does, and calls `answer` with the reply queue and the ticket."""
    heard = redis.pubsub()
    heard.psubscribe("*celery.pidbox*")
    ended = threading.Event()

    def hear():
        while not ended.is_set():
            if (message := heard.get_message(timeout=0.1)) and message["type"] == "pmessage":
                body = json.loads(message["data"])
                asked = json.loads(body["body"]) if body["properties"].get("body_encoding") != "base64" else json.loads(_plain(body["body"]))
                answer(f"{asked['reply_to']['routing_key']}.reply.celery.pidbox", asked["ticket"])

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        heard.close()


def _plain(text):
    import base64

    return base64.b64decode(text)


def reply(ticket, body, content_type="application/json"):
    properties = {"delivery_mode": 1, "delivery_info": {"exchange": "reply.celery.pidbox", "routing_key": "r"}, "priority": 0, "delivery_tag": "t"}
    return json.dumps(
        {"body": body, "content-encoding": "utf-8", "content-type": content_type, "headers": {"ticket": ticket, "clock": 1}, "properties": properties}
    )


def good(ticket, name="w@a", said="pong"):
    return reply(ticket, json.dumps({name: said}))


GARBAGE = {
    "no JSON": lambda ticket: b"{{{",
    "not UTF-8": lambda ticket: b"\xff\xfe",
    "null": lambda ticket: b"null",
    "a list": lambda ticket: b"[1, 2]",
    "no properties": lambda ticket: b"{}",
    "a body that is no JSON": lambda ticket: reply(ticket, "{{{"),
    "a pickle": lambda ticket: reply(ticket, "gASVAAAA", "application/x-python-serialize"),
    "an unknown content type": lambda ticket: reply(ticket, "x", "text/odd"),
    "no object": lambda ticket: reply(ticket, json.dumps([1, 2])),
    "a name that is none": lambda ticket: reply(ticket, json.dumps({"": 7})),
    "another question's answer": lambda ticket: good("another ticket", "w@late"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_passed_over_and_the_others_answers_count(watching, redis, garbage):
    def answer(queue, ticket):
        for raw in (garbage(ticket), good(ticket)):
            redis.lpush(queue, raw)

    with replier(redis, answer):
        replies = ask_workers(connections.ask(), "ping", ["w@a"], DEADLINE_S)

    assert replies["w@a"] == "pong"
    assert "w@late" not in replies
    assert told("active", replies)["w@a"] == "pong"


def test_ten_megabytes_are_bounded_before_they_are_kept(watching, redis):
    def answer(queue, ticket):
        redis.lpush(queue, good(ticket, said={"pool": MANY, "pid": 7}))

    with replier(redis, answer):
        replies = told("stats", ask_workers(connections.ask(), "stats", ["w@a"], DEADLINE_S))

    assert replies["w@a"]["pid"] == 7
    assert len(replies["w@a"]["pool"]) == 512


def test_messages_in_a_worker_are_counted_whatever_their_number(watching, redis):
    def answer(queue, ticket):
        redis.lpush(queue, good(ticket, said=[{"request": {"id": number}} for number in range(5000)]))

    with replier(redis, answer):
        replies = ask_workers(connections.ask(), "scheduled", ["w@a"], DEADLINE_S)

    assert told("scheduled", replies) == {"w@a": 5000}
    assert told("scheduled", {"w@a": "many"}) == {"w@a": None}


def test_one_that_replies_without_end_holds_nobody_longer_than_the_deadline(watching, redis):
    flooding = threading.Event()

    def answer(queue, ticket):
        for number in range(200):
            redis.lpush(queue, good(ticket, f"w@{number}"))
        flooding.set()

    with replier(redis, answer):
        replies = ask_workers(connections.ask(), "ping", ["w@never"], 0.5)

    assert flooding.is_set()
    assert "w@never" not in replies


def test_nobody_answers_is_an_empty_answer_and_no_broker_an_error(watching, redis, settings):
    assert ask_workers(connections.ask(), "ping", ["w@a"], 0.2) == {}
    assert ask_workers(connections.ask(), "ping", None, 0.2) == {}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_URL": "redis://127.0.0.1:1/0"}
    connections.forget_connections()
    with pytest.raises(SourceUnavailable):
        ask_workers(connections.ask(), "ping", ["w@a"], 0.2)


def test_reply_queues_are_taken_away_again(watching, redis):
    def answer(queue, ticket):
        redis.lpush(queue, good(ticket))

    with replier(redis, answer):
        ask_workers(connections.ask(), "ping", ["w@a"], DEADLINE_S)
    wait_for(lambda: not redis.keys("*.reply.celery.pidbox"))

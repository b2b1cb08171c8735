"""What a message says, whatever it is: nothing raises, nothing is loaded."""

import base64
import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kombu import Connection, Consumer, Queue

from dashboard.sources.messages import ENDS_WORKERS, POISON, decode
from dashboard.words.queues import PROBLEMS

BODY = base64.b64encode(b"[[], {}, {}]").decode()
PROPERTIES = {"delivery_tag": "tag-1", "body_encoding": "base64", "priority": 0, "delivery_info": {"exchange": "", "routing_key": "mail"}}
HEADERS = {"task": "mail_send", "id": "id-1", "argsrepr": "('a@b',)", "kwargsrepr": "{}", "retries": 2, "origin": "gen7@web-1"}


def message(**changes):
    whole = {
        "body": BODY,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": HEADERS,
        "properties": PROPERTIES,
    }
    return json.dumps({key: value for key, value in (whole | changes).items() if value is not ...}).encode()


def test_whole_message_says_everything():
    said = decode(message(headers=HEADERS | {"eta": "2026-11-23T15:00:00+02:00", "expires": "2026-11-23T16:00:00"}))
    assert (said.problem, said.task_name, said.task_id, said.args, said.kwargs) == ("", "mail_send", "id-1", "('a@b',)", "{}")
    assert (said.retries, said.origin, said.mark) == (2, "gen7@web-1", "id-1")
    assert said.eta_at == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert said.expires_at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def test_message_of_the_first_protocol_has_everything_in_its_body():
    body = base64.b64encode(json.dumps({"task": "old_task", "id": "id-2", "args": [1], "kwargs": {"a": 2}}).encode()).decode()
    said = decode(message(body=body, headers={}))
    assert (said.problem, said.task_name, said.task_id, said.args) == ("", "old_task", "id-2", "[1]")


def test_bytes_that_are_not_utf8_within_a_text_harm_nobody():
    said = decode(message().replace(b"mail_send", b"mail_\xff"))
    assert (said.problem, said.task_name) == ("", "mail_\ufffd")


MALFORMED = [
    (b"{{{", "not-json"),
    (b"", "not-json"),
    (b"\xff\xfe\x00", "not-utf8"),
    (b"null", "not-an-object"),
    (b"[1, 2]", "not-an-object"),
    (b"7", "not-an-object"),
    (b'"text"', "not-an-object"),
    (b"[" * 100_000, "too-deep"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "too-deep"),
    (b"{}", "no-properties"),
    (message(properties=...), "no-properties"),
    (message(properties={"delivery_tag": "t"}), "no-properties"),
    (message(properties=PROPERTIES | {"delivery_info": {}}), "no-properties"),
    (message(properties=None), "odd-envelope"),
    (message(properties=[1]), "odd-envelope"),
    (message(properties=PROPERTIES | {"delivery_info": 7}), "odd-envelope"),
    (message(headers=5), "odd-envelope"),
    (message(body="a"), "body-not-base64"),
    (message(body=7), "body-not-base64"),
    (message(properties=PROPERTIES | {"body_encoding": "rot13"}), "body-encoding"),
    (message(headers=...), "no-headers"),
    (message(headers=None), "no-headers"),
    (message(headers={"id": "x"}), "no-headers"),
    (message(**{"content-type": "application/x-python-serialize"}), "pickle"),
    (message(**{"content-type": "application/nonsense"}), "content-type"),
    (message(**{"content-type": ["list"]}), "content-type"),
    (message(body=base64.b64encode(b"no json").decode()), "body-not-json"),
    (pickle.dumps({"a": 1}), "not-utf8"),
]


@pytest.mark.parametrize(("raw", "problem"), MALFORMED)
def test_malformed_message_says_what_is_wrong_with_it(raw, problem):
    said = decode(raw)
    assert said.problem == problem
    assert problem in PROBLEMS
    assert said.mark


def test_what_ends_a_worker_is_worded_so():
    assert set(PROBLEMS) >= POISON
    assert all("end" in str(PROBLEMS[problem]) for problem in ENDS_WORKERS)


@pytest.mark.parametrize("value", [7, None, [], {"a": 1}, "x" * 100_000, "\ud800", True])
def test_headers_may_hold_anything(value):
    said = decode(message(headers=dict.fromkeys([*HEADERS, "eta", "expires"], value)))
    for text in (said.task_name, said.task_id, said.args, said.origin, said.mark):
        assert text is None or (len(text) < 4000 and text.encode())


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=400)
    | st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_bytes_are_decoded(raw):
    assert decode(raw).mark


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["body", "headers", "properties", "content-type"]),
        st.none()
        | st.text()
        | st.lists(st.integers())
        | st.dictionaries(st.sampled_from(["task", "id", "delivery_tag", "body_encoding", "eta"]), st.none() | st.text() | st.integers()),
    )
)
def test_any_message_is_decoded(value):
    assert decode(json.dumps(value).encode()).mark


@pytest.mark.parametrize(("raw", "problem"), MALFORMED)
def test_kombu_itself_fails_on_what_we_call_poison_and_on_nothing_else(watching, redis, raw, problem):
    """An error that leaves `drain_events` and is none of the connection's ends the worker."""
    redis.lpush("mail", raw)
    with Connection(f"{watching}/0") as connection:
        got = []
        consumer = Consumer(connection.channel(), [Queue("mail")], callbacks=[lambda body, message: got.append(message)], accept=None)
        consumer.on_decode_error = lambda message, error: got.append(message)
        consumer.consume()
        failed = None
        try:
            connection.drain_events(timeout=2)
        except Exception as error:  # noqa: BLE001  # which one it is, is the question
            failed = error

    assert (failed is not None) == (problem in POISON), failed
    assert failed is None or isinstance(failed, connection.connection_errors) == (problem not in ENDS_WORKERS)
    assert failed is None or redis.llen("mail") == 0, "it is lost"

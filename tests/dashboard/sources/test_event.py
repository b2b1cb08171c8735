"""Events as kombu carries them, good and bad: what fits is taken, of the rest what is fit to be kept, and nothing breaks."""

import base64
import json
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sources.event import FIELDS, NOT_TOLD, bare, event_of, kinds_in, read_events
from tests.dashboard.sources.test_foreign import ANY_TEXT, TREES

STARTED = {"type": "task-started", "uuid": "d9c2", "hostname": "w@h", "pid": 7, "timestamp": 1.5, "clock": 3, "utcoffset": 0}


def published(body, *, encoding="base64", **envelope) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    carried = base64.b64encode(text).decode() if encoding == "base64" else text.decode()
    properties = {"delivery_tag": "t", **({"body_encoding": encoding} if encoding else {})}
    return json.dumps({"body": carried, "content-type": "application/json", "headers": {}, "properties": properties, **envelope}).encode()


def events_of(payload):
    events, unread = read_events([payload])
    assert not unread
    return events


def test_single_event_and_a_group_are_read_alike():
    (single,) = events_of(published(STARTED))
    assert (single.type, single.uuid, single.hostname, single.pid, single.timestamp) == ("task-started", "d9c2", "w@h", 7, 1.5)
    assert events_of(published([STARTED, STARTED])) == [single, single]
    assert read_events([published(STARTED), b"{{{", published([STARTED, STARTED])]) == ([single] * 3, 1)


def test_body_that_is_not_encoded_is_read_as_well():
    assert events_of(published(STARTED, encoding=None))[0].uuid == "d9c2"


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"pid": 10**30}, {"pid": None, "uuid": "d9c2"}),
        ({"uuid": ["a"]}, {"uuid": None, "pid": 7}),
        ({"hostname": "h" * 600}, {"hostname": "h" * 512}),
        ({"uuid": "x\ud800y"}, {"uuid": "x\\ud800y"}),
        ({"timestamp": float("nan")}, {"timestamp": None, "uuid": "d9c2"}),
        ({"timestamp": "soon", "retries": "x", "loadavg": [1, 2, 3, 4]}, {"timestamp": None, "retries": None, "loadavg": [1, 2, 3]}),
        ({"args": "a" * 100_000}, {"args": "a" * 512}),
    ],
)
def test_field_that_cannot_be_what_it_should_be_is_left_out_or_cut_and_the_others_stay(changes, kept):
    (event,) = events_of(published(STARTED | changes))
    assert {name: getattr(event, name) for name in kept} == kept


def test_good_events_of_a_group_are_kept_beside_bad_ones():
    assert [event.uuid for event in events_of(published([STARTED, 7, {"type": 5}, STARTED | {"uuid": "other", "pid": "x"}]))] == ["d9c2", "other"]


BAD = [
    b"", b"null", b"{{{", b"[1,2]", b'{"body": "***"}', b'{"body": 7}', b"\x80\x04.", b"[" * 100_000,
    published(b"[" * 100_000), published(b'{"a":' * 100_000), published(zlib.compress(b" " * 10_000_000), headers={"compression": "application/x-gzip"}),
    published(b"\x80\x02Nr\xff\xff\xff\x00.", **{"content-type": "application/x-python-serialize"}), published([]), published("text"),
    published({"type": None}),
    published({"type": "x", "pid": "x", "name": "n" * 2_000_000}),
]  # fmt: skip


@pytest.mark.parametrize("payload", BAD, ids=range(len(BAD)))
def test_what_holds_no_event_says_so_and_nothing_else(payload):
    assert read_events([payload, published(STARTED)]) == (events_of(published(STARTED)), 1)


WHOLE = [published(STARTED), published([STARTED, STARTED]), published(STARTED | {"pid": "x"}), published(STARTED, encoding=None)]


@pytest.mark.parametrize("payload", [*WHOLE, *BAD], ids=range(len(WHOLE) + len(BAD)))
def test_message_without_its_envelope_says_the_same(payload):
    assert read_events([bare(payload)]) == read_events([payload])
    assert kinds_in(bare(payload)) == kinds_in(payload)


def test_envelope_is_taken_off_where_it_is_kombus_own_and_nothing_else_is_taken_for_a_body():
    assert len(bare(published(STARTED))) < len(published(STARTED)) - 50
    assert bare(b'"e30="') == b""


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | ANY_TEXT, TREES, max_size=8))
def test_whatever_was_sent_can_be_written_once_it_is_an_event(fields):
    event = event_of(fields)
    if event is not None:
        assert msgspec.convert(msgspec.to_builtins(event), type(event)) == event
        msgspec.msgpack.encode(event)


@given(st.binary(max_size=200))
def test_random_bytes_are_no_event(payload):
    assert read_events([payload, published(STARTED)]) == (events_of(published(STARTED)), 1)


def test_types_of_what_is_thrown_away_are_counted():
    assert kinds_in(published([STARTED, {"type": "task-failed"}])) == ["task-started", "task-failed"]
    assert kinds_in(published(STARTED)) == ["task-started"]
    assert kinds_in(b"{{{") == [NOT_TOLD]

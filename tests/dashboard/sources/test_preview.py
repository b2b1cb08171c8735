"""What a value says, whatever wrote it; written by the caches' own code, never by hand where that can write it."""

import datetime as dt
import decimal
import json
import pickle
import uuid
import zlib
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass

import msgpack
import pytest
from django.core.cache import CacheHandler

from dashboard.inert import child, literal
from dashboard.sources.preview import preview_of

VALUE = {"id": 7, "name": "web-7", "up": True, "load": [0.5, 1.25, None], "tags": ["a", "b"], "deep": {"x": {"y": -3}}}
LONG = {"rows": [f"row number {n}" for n in range(100)]}


@dataclass
class Server:
    name: str
    cores: int


def written_by_django_redis(url, value, **options):
    cache = CacheHandler({"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "KEY_PREFIX": "shop", "OPTIONS": options}})["default"]
    cache.set("server_7", value, 300)
    return cache.client.get_client().get(cache.make_key("server_7"))


@pytest.mark.parametrize("serializer", ["pickle.PickleSerializer", "json.JSONSerializer", "msgpack.MSGPackSerializer"])
@pytest.mark.parametrize("compressor", [None, "zlib.ZlibCompressor", "gzip.GzipCompressor", "lzma.LzmaCompressor"])
@pytest.mark.parametrize("value", [VALUE, LONG, "text ä€😀", [1, 2, 3], 1.5, None, True, "x" * 150], ids=lambda value: type(value).__name__)
def test_what_django_redis_wrote_is_shown_as_its_literal(redis, server_url, serializer, compressor, value):
    options = {"SERIALIZER": f"django_redis.serializers.{serializer}"}
    if compressor:
        options["COMPRESSOR"] = f"django_redis.compressors.{compressor}"

    found = preview_of(written_by_django_redis(f"{server_url}/1", value, **options))

    assert literal(found.root) == repr(value)
    assert found.is_whole
    if value is LONG and compressor:
        assert found.compressor == {"zlib": "zlib", "gzip": "gzip", "lzma": "xz"}[compressor.split(".")[0]]


@pytest.mark.parametrize("value", [0, 7, -12, 10**18])
def test_integers_that_django_redis_writes_raw(redis, server_url, value):
    found = preview_of(written_by_django_redis(f"{server_url}/1", value))

    assert (found.format, literal(found.root)) == ("integer", str(value))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        VALUE,
        (1, (2,), ()),
        {1, 2},
        frozenset({3}),
        set(),
        b"abc\xff",
        ["same"] * 3,
        -(2**70),
        1e300,
        float("-inf"),
        "back\\slash 'quote' \n",
        {(1, 2): "x", None: 3, 4: [5]},
        decimal.Decimal("12.30"),
    ],
    ids=repr,
)
def test_every_protocol_of_pickle(protocol, value):
    found = preview_of(pickle.dumps(value, protocol))

    said = literal(found.root)
    assert found.format == "pickle"
    assert found.note == ""
    assert said.replace("decimal.", "").replace('"', "'") in {repr(value).replace('"', "'"), repr(value).replace("frozenset(", "").rstrip(")")} or (
        protocol < 3 and isinstance(value, bytes)
    )


def test_objects_are_shown_by_name_and_attributes():
    said = literal(preview_of(pickle.dumps([Server("web-1", 8), OrderedDict(a=1), defaultdict(list, {"x": [1]}), deque([1, 2], maxlen=5)])).root)

    assert said == (
        f"[{Server.__module__}.Server(name='web-1', cores=8), collections.OrderedDict({{'a': 1}}), "
        "collections.defaultdict(builtins.list, {'x': [1]}), collections.deque((), 5, [1, 2])]"
    )


def test_dates_and_uuids_are_readable():
    at = dt.datetime(2026, 11, 23, 14, 7, 41, 500, tzinfo=dt.UTC)
    said = literal(preview_of(pickle.dumps({"at": at, "day": at.date(), "time": at.time(), "span": dt.timedelta(days=1), "id": uuid.UUID(int=5)})).root)

    assert "'at': datetime.datetime(2026, 11, 23, 14, 7, 41, 500, datetime.timezone" in said
    assert "'day': datetime.date(2026, 11, 23), 'time': datetime.time(14, 7, 41, 500), 'span': datetime.timedelta(1, 0, 0)" in said
    assert "uuid.UUID(int=5)" in said


def test_value_longer_than_what_is_read_shows_its_beginning():
    value = {"before": 1, "rows": [{"n": n, "name": "xxx" * 15 + str(n)} for n in range(5000)], "after": 2}

    for raw in (pickle.dumps(value), json.dumps(value).encode(), msgpack.packb(value), zlib.compress(json.dumps(value).encode(), 0)):
        found = preview_of(raw[: 64 * 1024], total_bytes=len(raw))

        rows = child(found.root, "rows")
        assert literal(found.root).startswith("{'before': 1, 'rows': [{'n': 0, 'name': 'xxx")
        assert rows is not None
        assert rows.is_cut
        assert not found.is_whole
        assert found.note == ""
        assert (found.read_bytes, found.total_bytes) == (65536, len(raw))


@pytest.mark.parametrize("cut", range(3, 300, 7))
def test_pickle_and_json_cut_anywhere_are_shown_as_far_as_they_go(cut):
    value = {"a": [1, (2, {"b": "c" * 20}), {3}], "d": {"e": [None, True]}, "f": "g" * 40, "h": [1.5] * 10}
    for raw in (pickle.dumps(value), pickle.dumps(value, 2), json.dumps({**value, "a": 1}).encode()):
        found = preview_of(raw[:cut], total_bytes=10**6)

        assert found.note == ""
        assert not found.is_whole


def test_container_with_many_members_says_how_many_there_are():
    found = preview_of(json.dumps({"many": list(range(1000)), "last": "seen"}).encode())

    many = child(found.root, "many")
    assert many is not None
    assert (len(many.children), many.size, many.is_cut) == (200, 1000, True)
    assert child(found.root, "last")


def test_long_texts_and_bytes_are_cut_and_say_their_length():
    found = preview_of(json.dumps("a" * 5000).encode())
    assert (len(found.root.text), found.root.size, found.root.is_cut) == (203, 5000, True)

    found = preview_of(bytes(range(256)) * 10)
    assert (found.format, found.root.size, found.root.is_cut) == ("bytes", 2560, True)


def test_lone_surrogates_controls_and_turned_text_are_escaped():
    found = preview_of(b'{"a": "\\ud800 \\u202e \\u0000"}')

    assert literal(found.root) == r"{'a': '\ud800 \u202e \x00'}"
    literal(found.root).encode()


def test_json_keeps_numbers_as_written_and_names_that_come_twice():
    found = preview_of(b'{"a": 1.10, "a": 1e999, "b": 12345678901234567890123}')

    assert literal(found.root) == "{'a': 1.10, 'a': 1e999, 'b': 12345678901234567890123}"


def test_msgpack_extensions_are_named_and_timestamps_read():
    raw = msgpack.packb([msgpack.ExtType(5, b"ab"), msgpack.Timestamp(1_763_900_000)])

    assert literal(preview_of(raw).root) == "[ExtType(5, b'ab'), 2025-11-23T12:13:20+00:00]"


@pytest.mark.parametrize(("magic", "name"), [(b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4")])
def test_compressors_that_are_not_here_are_named(magic, name):
    found = preview_of(magic + b"0123456789")

    assert (found.format, found.compressor, found.note, found.is_whole) == ("compressed", name, "not-readable", False)


@pytest.mark.parametrize("said", ["x^2 + y", "Iñtërnâtiônàl.", "c.", "(parenthesis).", "", " ", "nil", "١٢٣", "[1, 2", "{not json}", "م" * 70])
def test_text_that_looks_like_something_else_is_text(said):
    found = preview_of(said.encode())

    assert literal(found.root) in {repr(said), "b''", repr(said[1:])}


def test_secrets_are_hidden_by_name_and_by_look_in_every_format():
    value = {
        "password": "hunter2-hunter2",
        "user": {"api_key": "k-123456", "name": "alice"},
        "header": "Authorization: Bearer abcdefghijklmnop",
        "url": "redis://:hunter3@cache:6379/1",
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "pair": ["session", "hunter4"],
        "card": 4111111111111111,
        "note": "use password=hunter5 there",
        "pem": "-----BEGIN RSA PRIVATE KEY-----\n" + "hunter6" * 100,
    }
    planted = ("hunter", "k-123456", "abcdefghijklmnop", "eyJ", "4111111111111111")

    for raw in (pickle.dumps(value), pickle.dumps(value, 0), json.dumps(value).encode(), msgpack.packb(value), zlib.compress(pickle.dumps(value))):
        found = preview_of(raw)
        said = literal(found.root)

        assert not [secret for secret in planted if secret in said]
        assert "alice" in said
        assert found.hidden >= 9

    assert "hunter2" in literal(preview_of(pickle.dumps(value), unredacted=True).root)
    assert "hunter7" not in literal(preview_of(b"\xff\xfe password=hunter7 \xff").root)


def test_secret_as_an_attribute_or_argument_is_hidden():
    class_state = b"\x80\x04cshop.models\nUser\n)\x81}(X\x08\x00\x00\x00passwordX\x07\x00\x00\x00hunter2X\x04\x00\x00\x00nameX\x03\x00\x00\x00bobub."

    assert literal(preview_of(class_state).root) == "shop.models.User(password=••••••, name='bob')"

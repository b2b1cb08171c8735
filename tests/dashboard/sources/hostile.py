"""Hostile pickles, made by a seeded generator: calls that would act, bombs, nonsense; and damaged copies of honest ones."""

import datetime as dt
import decimal
import pickle
import pickletools
import random
import struct
import uuid
from collections import OrderedDict, defaultdict, deque

TEMPTATIONS = [
    ("os", "system"), ("posix", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"), ("builtins", "__import__"),
    ("builtins", "open"), ("socket", "socket"), ("pickle", "loads"), ("importlib", "import_module"), ("shutil", "rmtree"), ("runpy", "run_path"),
    ("django.core.management", "call_command"), ("a_module_that_is_not_there", "x"), ("builtins", "bytearray"), ("webbrowser", "open"),
]  # fmt: skip
COMMANDS = ["touch /tmp/pwned", "import os; os.system('id')", "http://127.0.0.1:1/", "/etc/passwd", "__import__('os').abort()"]
LENGTHS = [0, 1, 5, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


def honest(rng: random.Random) -> object:
    """A value such as people cache."""
    choices = [
        lambda: {"id": rng.randrange(10**6), "name": "server" * rng.randrange(5), "up": rng.random() < 0.5, "load": rng.random()},
        lambda: [rng.randrange(-(10**12), 10**12) for _ in range(rng.randrange(40))],
        lambda: {"at": dt.datetime(2026, 11, 23, 14, 7, rng.randrange(60), tzinfo=dt.UTC), "cost": decimal.Decimal("12.30")},
        lambda: OrderedDict(a=1, b={"c": [(1, 2), {3}, frozenset({4})]}),
        lambda: defaultdict(list, {"x": [1, None]}),
        lambda: deque([uuid.UUID(int=rng.getrandbits(128)), b"\x00\xff", bytearray(b"ab")]),
        lambda: "ä€😀" * rng.randrange(100),
        lambda: (1 << rng.randrange(2000), -1, 1.5, float("inf"), True, None, ...),
    ]
    return rng.choice(choices)()


def mutated(rng: random.Random) -> bytes:
    """An honest pickle with some bytes changed, cut out, doubled or put in."""
    raw = bytearray(pickle.dumps(honest(rng), protocol=rng.randrange(6)))
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(raw) or 1)
        match rng.randrange(5):
            case 0:
                raw[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del raw[at : at + rng.randrange(1, 10)]
            case 2:
                raw[at:at] = raw[at : at + rng.randrange(1, 50)]
            case 3:
                raw[at:at] = _opcode(rng)
            case _:
                del raw[rng.randrange(len(raw) + 1) :]
    return bytes(raw)


def hostile(rng: random.Random) -> bytes:
    """One of the kinds below, wrapped now and then."""
    raw = rng.choice([_call, _call, _soup, _length, _bomb, _nested, _repeat, _big_arguments])(rng)
    return b"\x80\x04" + raw if rng.random() < 0.9 else raw


def _call(rng: random.Random) -> bytes:
    module, name = rng.choice(TEMPTATIONS)
    argument = rng.choice(COMMANDS).encode()
    said = b"X" + struct.pack("<I", len(argument)) + argument
    by_name = [
        f"c{module}\n{name}\n".encode(),
        b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93",
    ]
    ways = [
        rng.choice(by_name) + said + b"\x85R",
        rng.choice(by_name) + said + b"\x85\x81",
        rng.choice(by_name) + said + b"\x85}\x92",
        b"(" + rng.choice(by_name) + said + b"o",
        b"(" + said + f"i{module}\n{name}\n".encode(),
        rng.choice(by_name) + said + b"\x85R}" + said + rng.choice(by_name) + b"sb",
        b"P" + argument + b"\n",
        said + b"Q",
        b"\x82\x01" + said + b"\x85R",
    ]
    return rng.choice(ways) + b"."


def _opcode(rng: random.Random) -> bytes:
    return rng.choice(pickletools.opcodes).code.encode("latin-1")


def _soup(rng: random.Random) -> bytes:
    return b"".join(_opcode(rng) + (rng.randbytes(rng.randrange(6)) if rng.random() < 0.5 else b"") for _ in range(rng.randrange(2000))) + b"."


def _length(rng: random.Random) -> bytes:
    """Arguments that claim to be long; and the nine bytes that exhaust memory where pickles are loaded."""
    length = rng.choice(LENGTHS)
    ways = [
        b"Nr" + struct.pack("<I", length & 0xFFFFFFFF),
        b"\x8d" + struct.pack("<Q", length),
        b"\x8e" + struct.pack("<Q", length),
        b"\x96" + struct.pack("<Q", length),
        b"X" + struct.pack("<I", length & 0xFFFFFFFF),
        b"\x8b" + struct.pack("<I", length & 0xFFFFFFFF),
        b"T" + struct.pack("<I", length & 0xFFFFFFFF),
        b"\x95" + struct.pack("<Q", length),
        b"I" + b"9" * rng.randrange(60_000) + b"\n",
        b"L" + b"9" * rng.randrange(60_000) + b"L\n",
        b"F" + b"9" * rng.randrange(60_000) + b"\n",
        b"\x8b" + struct.pack("<I", 60_000) + b"\x7f" * 60_000,
        b"S'" + b"\\z" * rng.randrange(30_000) + b"'\n",
        b"V" + b"\\u12" * rng.randrange(15_000) + b"\n",
        b"p" + b"9" * rng.randrange(60_000) + b"\n",
    ]
    return rng.choice(ways) + b"abc" * rng.randrange(3) + b"."


def _bomb(rng: random.Random) -> bytes:
    """Each list holds the one before it n times: 1 KB that means 10**30 values."""
    raw = b"]q\x00"
    for index in range(rng.randrange(1, 250)):
        raw += b"](" + b"h" + bytes([index]) + (b"h" + bytes([index])) * rng.randrange(1, 30) + b"eq" + bytes([index + 1])
    if rng.random() < 0.3:
        raw += b"h\x00h\x00a"  # and the first one holds itself
    return raw + b"."


def _nested(rng: random.Random) -> bytes:
    depth = rng.choice([20, 300, 2000, 15_000])
    ways = [
        b"]" * depth + b"a" * (depth - 1),
        b"(" * depth + b"l" * depth,
        b"N" + b"\x85" * depth,
        b"}" + b"N}" * depth + b"s" * depth,
        b"cos\nsystem\n" + b")R" * depth,
    ]
    return rng.choice(ways) + rng.choice([b".", b""])


def _repeat(rng: random.Random) -> bytes:
    """As many steps as fit, each as dear as it can be."""
    prefix, step = rng.choice(
        [
            (b"(" + b"N" * 10_000 + b"tq\x00cos\nsystem\nq\x01", b"h\x01h\x00R"),
            (b"X" + struct.pack("<I", 20_000) + b"a" * 20_000 + b"q\x00", b"h\x00h\x00\x93"),
            (b"B" + struct.pack("<I", 20_000) + b"a" * 20_000 + b"q\x00", b"h\x00h\x00\x93"),
            (b"]q\x00", b"h\x00a"),
            (b"}q\x00", b"(h\x00h\x00u"),
            (b"N", b"2"),
            (b"N", b"(1"),
            (b"", b"("),
            (b"N", b"K\x01a"),
            (b"N", b"}b"),
            (b"]", b"(NNNNe"),
            (b"X" + struct.pack("<I", 16_000) + b"4111111111111111 eyJ" * 800 + b"q\x00]", b"h\x00a"),
        ]
    )
    room = rng.choice([500, 3000, 64_000])
    return prefix + step * max(1, (room - len(prefix)) // len(step)) + rng.choice([b".", b""])


def _big_arguments(rng: random.Random) -> bytes:
    filler = rng.choice(
        [b"eyJ" + b"a" * 50, b"password=", b"-----BEGIN PRIVATE KEY", b"4" * 16 + b" ", b"://a:", b"'a':'", b"\xed\xa0\x80", b"\\'", b"key " * 3]
    )
    argument = (filler * (60_000 // len(filler)))[: rng.choice([200, 5000, 60_000])]
    pieces = [b"X" + struct.pack("<I", len(argument[at : at + 500])) + argument[at : at + 500] for at in range(0, len(argument), 500)]
    return b"(" + b"".join(pieces) + b"l."

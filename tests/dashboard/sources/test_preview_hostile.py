"""Previews of what somebody planted: nothing happens, little memory, little time."""

import gzip
import json
import lzma
import pickle
import resource
import subprocess
import sys
import time
import zlib

import pytest

from dashboard.inert import Node, literal
from dashboard.sources.preview import preview_of
from tests.system import ROOT

MAX_MS = 3000  # of processor time; the figure is 250 ms, and this machine has other things to do as well
MAX_BYTES = 64 * 2**20


def count(node: Node) -> int:
    return 1 + sum(count(child) for child in node.children)


def depth(node: Node) -> int:
    return 1 + max((depth(child) for child in node.children), default=0)


def test_ten_thousand_hostile_and_mutated_pickles_do_nothing():
    command = [sys.executable, "-m", "tests.dashboard.sources.preview_under_audit", "20261123", "5000"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=True)
    said = json.loads(done.stdout)

    assert said["events"] == []
    assert said["most_bytes"] < MAX_BYTES
    assert said["slowest_ms"] < MAX_MS
    assert sum(said["formats"].values()) == 10_000
    assert said["formats"]["pickle"] > 5000


class Exploit:
    def __reduce__(self):
        import os

        return os.system, ("touch /tmp/lockhouse-was-exploited",)


def test_pickle_that_runs_a_command_is_shown_as_the_call_that_it_would_make():
    found = preview_of(pickle.dumps(Exploit()))

    assert literal(found.root) in {"posix.system('touch /tmp/lockhouse-was-exploited')", "nt.system('touch /tmp/lockhouse-was-exploited')"}


def test_nine_bytes_that_exhaust_the_memory_of_whoever_loads_them():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = preview_of(b"\x80\x02Nr\xff\xff\xff\xff.")

    assert literal(found.root) == "None"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_BYTES // 1024


@pytest.mark.parametrize("opcode", [b"\x8d", b"\x8e", b"\x96", b"\x95"])
def test_argument_that_claims_to_be_endless_is_an_end_of_the_pickle(opcode):
    found = preview_of(b"\x80\x04" + opcode + b"\xff" * 8 + b"abc.")

    assert found.format == "pickle"
    assert found.note == "broken"


def test_memo_bomb_is_cut_at_two_thousand_nodes():
    raw = b"\x80\x04]q\x00" + b"".join(b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(100)) + b"."

    found = preview_of(raw)

    assert count(found.root) <= 2000
    assert depth(found.root) <= 13


def test_list_that_holds_itself_ends():
    found = preview_of(b"\x80\x04]q\x00h\x00a.")

    assert literal(found.root) == "[…]"


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, lzma.compress])
def test_compressed_bomb_is_not_unpacked(pack):
    raw = pack(b"\x80\x04]" + b"\x00" * 50_000_000)
    began = time.monotonic()

    found = preview_of(raw[: 64 * 1024], total_bytes=len(raw))

    assert time.monotonic() - began < 10
    assert found.unpacked_bytes == 256 * 1024
    assert found.note in {"bomb", "broken"}
    assert not found.is_whole


def test_lzma_that_wants_all_memory_is_refused():
    raw = lzma.compress(b"x" * 100, preset=9 | lzma.PRESET_EXTREME)

    found = preview_of(raw)

    assert (found.format, found.note) == ("compressed", "needs-memory")


@pytest.mark.parametrize("raw", [b"[" * 60_000, b'{"a":' * 12_000, b"[" * 500 + b"]" * 500])
def test_json_is_not_parsed_where_it_is_nested_too_deeply(raw):
    found = preview_of(raw)

    assert found.note == "too-deep"
    assert "nested" in found.root.text


def test_msgpack_that_nests_or_claims_too_much_is_bytes():
    assert preview_of(b"\x91" * 60_000).format == "bytes"
    assert preview_of(b"\xdd\xff\xff\xff\xff\x01").format == "bytes"
    assert preview_of(b"\xdf\xff\xff\xff\xff" + b"\x01" * 60_000, total_bytes=10**9).root.is_cut


def test_integer_of_fifty_thousand_digits_is_not_calculated():
    assert preview_of(b"\x80\x04L" + b"9" * 50_000 + b"L\n.").root.is_cut
    assert "integer of 60000 bytes" in preview_of(b"\x80\x04\x8b" + (60_000).to_bytes(4, "little") + b"\x7f" * 60_000 + b".").root.text
    assert preview_of(b"[" + b"9" * 50_000 + b"]").root.children[0].is_cut


def test_what_one_pickle_did_to_its_none_is_not_in_the_next():
    preview_of(b"\x80\x04N]K\x01aab.")
    preview_of(b"\x80\x04N}K\x01K\x02sb.")

    assert literal(preview_of(b"\x80\x04N.").root) == "None"


def test_nothing_of_ours_names_a_module_that_loads_pickles():
    sources = [path.read_text() for path in (ROOT / "dashboard").rglob("*.py")]

    assert not [text for text in sources if "import pickle\n" in text or "from pickle import" in text or "genops(" in text]

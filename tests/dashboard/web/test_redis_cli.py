"""The lines that a person may paste into a shell: read-only, and harmless whatever the key is."""

import subprocess

import pytest

from dashboard.web.redis_cli import lines, of_key, queue_lines, shell_quoted, why_none

HOSTILE = [b":1:lock_report_7", b"lock'; rm -rf /", b'a"b$(id)`id`', b"\xff\xfe\x00binary"[:2], b"new\nline", "\u202eдом".encode(), b"\\' tail\\", b"-n"]


@pytest.mark.parametrize("key", HOSTILE)
def test_shell_reads_the_very_key(key):
    out = subprocess.run(["bash", "-c", f"printf %s {shell_quoted(key)}"], capture_output=True, check=True).stdout

    assert out == key


def test_lines_name_the_server_without_its_password_and_never_get_the_token():
    said = lines("rediss://user:secret@redis-1:6380/3", b":1:lock_report_7")

    assert said[1] == "redis-cli -h redis-1 -p 6380 --tls -n 3 PTTL :1:lock_report_7"
    assert not any("secret" in line or " GET " in line for line in said)


def test_key_too_long_to_be_carried_has_no_lines():
    assert lines("redis://redis-1/0", b"") == []


def test_key_with_a_nul_byte_has_no_lines_and_it_is_said_why():
    found, why = of_key("redis://redis-1/0", b"lock_a\0b", frozenset())

    assert found == lines("redis://redis-1/0", b"lock_a\0b") == queue_lines("redis://redis-1/0", b"mail\0s", {}) == []
    assert why == why_none(b"mail\0s") == "There is a NUL byte in it, which no shell carries: a line would name another key. A client library reads it."
    assert why_none(b"mail") == ""


def test_queue_is_counted_list_by_list_under_the_keys_that_the_options_make():
    said = queue_lines("redis://:secret@redis-1/2", b"mail's", {"global_keyprefix": "shop:", "priority_steps": [0, 5], "sep": ":", "unacked_key": "fetched"})

    assert [line.partition("-n 2 ")[2] for line in said] == ["LLEN 'shop:mail'\"'\"'s'", "LLEN 'shop:mail'\"'\"'s:5'", "HLEN shop:fetched"]
    assert not any("secret" in line for line in said)


def test_kombus_own_separator_is_spelled_out_for_a_shell():
    said = queue_lines("redis://redis-1/0", b"mail", {})

    assert len(said) == 5
    assert said[1].endswith("LLEN $'mail\\x06\\x163'")
    assert queue_lines("redis://redis-1/0", b"", {}) == []

"""How do we know? The read-only redis-cli lines that show what a page shows; never GET, for a token proves ownership. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from dashboard.redaction import hides_in

UNREDACTED = "lockhouse.view_unredacted"
READS = ("TYPE", "PTTL", "STRLEN", "OBJECT ENCODING")
SEPARATOR = "\x06\x16"  # kombu's, between a queue's name and a priority
PRIORITY_STEPS = (0, 3, 6, 9)  # kombu's, as its separator
PRINTABLE = range(0x20, 0x7F)


def lines(url: str | None, raw_key: bytes, reads: Sequence[str] = READS) -> list[str]:
    """One line for each read, ready to be pasted into a shell; none for a key too long to be carried, or with a NUL byte."""
    if not raw_key or why_none(raw_key):
        return []
    key = shell_quoted(raw_key)
    return [f"redis-cli{_where(url)} {command} {key}" for command in reads]


def of_key(url: str | None, raw_key: bytes, may: frozenset[str]) -> tuple[list[str], str]:
    """The lines for a panel, and why there are none: a key with a secret in it is spelled out only for those who may see secrets."""
    if hides_in(raw_key) and UNREDACTED not in may:
        return [], _("This key has something secret in it: the lines that spell it out need the permission “lockhouse.view_unredacted”.")
    return lines(url, raw_key), why_none(raw_key)


def why_none(raw_key: bytes) -> str:
    """Why a key can stand in no line: bash ends a word at its first NUL, and asks for what is before it; empty: it can."""
    return _("There is a NUL byte in it, which no shell carries: a line would name another key. A client library reads it.") if b"\0" in raw_key else ""


def queue_lines(url: str | None, raw_name: bytes, options: Mapping[str, Any]) -> list[str]:
    """How long each priority's list of a queue is, under the keys that the transport's options make, and how many messages are fetched of all queues."""
    if not raw_name or why_none(raw_name):
        return []
    prefix, separator = str(options.get("global_keyprefix", "")).encode(), str(options.get("sep") or SEPARATOR).encode()
    keys = [prefix + raw_name + (separator + str(step).encode() if step else b"") for step in options.get("priority_steps", PRIORITY_STEPS)]
    unacked = prefix + str(options.get("unacked_key", "unacked")).encode()
    return [f"redis-cli{_where(url)} {read} {shell_quoted(key)}" for read, key in (*(("LLEN", key) for key in keys), ("HLEN", unacked))]


def _where(url: str | None) -> str:
    """Host, port and database as options; a user and a password are never among them."""
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme in {"unix", "redis+socket"}:
        return f" -s {shlex.quote(unquote(parts.path))}"
    secure = " --tls" if parts.scheme in {"rediss", "valkeys"} else ""
    database = parts.path.strip("/") or "0"
    return f" -h {shlex.quote(parts.hostname or 'localhost')} -p {parts.port or 6379}{secure} -n {shlex.quote(database)}"


def shell_quoted(key: bytes) -> str:
    """The key as one word of a shell; what is not printable ASCII is spelled out byte by byte, as bash and zsh read it."""
    if all(byte in PRINTABLE for byte in key):
        return shlex.quote(key.decode("ascii"))
    return "$'" + "".join(_spelled(byte) for byte in key) + "'"


def _spelled(byte: int) -> str:
    if byte in b"\\'":
        return "\\" + chr(byte)
    return chr(byte) if byte in PRINTABLE else f"\\x{byte:02x}"

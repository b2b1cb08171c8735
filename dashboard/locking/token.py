"""What a lock's token says: `write_token` for our locks, `read_token` for what Redis holds, whoever wrote it.

Our token is one line of ASCII that redis-cli shows as it is; values are percent-escaped, unknown ones are left out:

    lh1:<uuid1 hex>:id=<task id>:task=<task name>:retries=0:worker=celery@web-1
        :pid=815:ppid=801:start=100814:boot=1d9df9b5-4026531836:host=web-1

The uuid makes each attempt's token unique, as in redis-py, whose plain token is such a uuid alone. No I/O in here.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .holder import Run

MAX_TOKEN_BYTES = 512  # what we write at most
MAX_READ_BYTES = 1024  # what we look at: a later release may write more, a forger a megabyte
MAX_TASK_ID_BYTES = 128  # escaped; Celery's own have 36; a longer one is left out, for half an id is a lie
MAX_WORKER_BYTES = 128  # escaped; a node name with a fully qualified host fits
MAX_HOST_BYTES = 64  # escaped; the longest host name that Linux allows
CUT = "\N{HORIZONTAL ELLIPSIS}"  # ends a value that did not fit, so that nobody takes it for the whole name
TICKS_BEFORE_1970 = 0x01B21DD213814000  # of 100 ns, since the uuids' time began
START_OF_UUID_TIME = datetime.fromisoformat("1582-10-15T00:00:00+00:00")

_ESCAPED_CUT = quote(CUT)
_UUID_HEX = re.compile(r"[0-9a-f]{32}")
_PLAIN = re.compile(r"[0-9A-Za-z_.~@-]*")  # what escaping would leave as it is; most ids and names are
_sequence = count(int.from_bytes(os.urandom(2), "big"))
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True)
class TokenClaim:
    """What a token says about its holder; any part may be missing, and none is proved: a token is only text."""

    kind: Literal["lockhouse", "redis-py"]
    attempted_at: datetime | None = None  # by the holder's clock; when the attempt began, before a blocking wait
    node: str | None = None  # the uuid1's network card, 12 hex digits; containers repeat it
    task_id: str | None = None  # None: taken outside a run, or in an eager one
    task_name: str | None = None  # ends in CUT where it did not fit
    retries: int | None = None
    worker: str | None = None  # celery@web-1; ends in CUT where it did not fit
    pid: int | None = None  # in the holder's own pid namespace
    parent_pid: int | None = None
    process_started: str | None = None  # clock ticks since boot: tells apart two processes that got one pid
    boot_id: str | None = None  # 8 hex digits of the boot, and the pid namespace: tells containers apart
    host: str | None = None


def write_token(run: Run, process: str) -> bytes:
    """Return a new token that says who takes a lock: at most `MAX_TOKEN_BYTES` of ASCII, never the same twice.

    `process` comes from `write_process`. The task name gets what room is left, 110 bytes and more with Celery's own
    task ids; ids and numbers are whole or absent.
    """
    attempt = f"lh1:{_uuid1_hex()}{_run_id(run.task_id)}"
    room = MAX_TOKEN_BYTES - len(attempt)
    return f"{attempt}{_after_id(run.task_name, run.retries, run.worker, process, room)}".encode("ascii")


def _uuid1_hex() -> str:
    """Return 32 hex digits of a version 1 uuid: never the same twice in a process, and the token has the process beside it.

    Made here, for `uuid.uuid1` costs 3 µs with a node given and 12 without (libuuid, by system calls): this costs one.
    Source: RFC 9562, 5.1. The clock sequence counts, so that two attempts within 100 ns differ.
    """
    ticks = time.time_ns() // 100 + TICKS_BEFORE_1970
    middle = (ticks >> 32 & 0xFFFF) << 16 | 0x1000 | ticks >> 48 & 0x0FFF
    return f"{ticks & 0xFFFFFFFF:08x}{middle:08x}{next(_sequence) & 0x3FFF | 0x8000:04x}{_node():012x}"


@lru_cache(maxsize=1)
def _node() -> int:
    return uuid.getnode()


@lru_cache(maxsize=1024)  # one process runs few tasks by few names, so an acquire costs little more than its uuid
def _after_id(task_name: str | None, retries: int | None, worker: str | None, process: str, room: int) -> str:
    after = f"{_retries(retries)}{_field('worker', worker, MAX_WORKER_BYTES)}{process}"
    return f"{_field('task', task_name, room - len(after) - len(':task='))}{after}"


def write_process(*, pid: int, parent_pid: int, process_started: str | None, boot_id: str | None, host: str | None) -> str:
    """Return the part of a token that stays the same while a process lives, to be made once."""
    started = _field("start", process_started, 20) + _field("boot", boot_id, 24)
    return f":pid={pid}:ppid={parent_pid}{started}{_field('host', host, MAX_HOST_BYTES)}"


def read_token(raw: bytes) -> TokenClaim | None:
    """Return what a token claims, or None if it is neither ours nor redis-py's own; never raises, whatever the bytes.

    Source: redis-py writes `uuid.uuid1().hex`; 32 digits that are no version 1 uuid were written by something else.
    """
    if len(raw) > MAX_READ_BYTES or not raw.isascii():
        return None
    text = raw.decode("ascii")
    if text.startswith("lh1:"):
        return _read_ours(text)
    attempt = _read_attempt(text)
    return None if attempt is None else TokenClaim("redis-py", _time_of(attempt), _node_of(attempt))


def _read_ours(text: str) -> TokenClaim | None:
    _, hexadecimal, *pairs = text.split(":")
    attempt = _read_attempt(hexadecimal)
    if attempt is None:
        return None
    fields = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
    return TokenClaim(
        kind="lockhouse",
        attempted_at=_time_of(attempt),
        node=_node_of(attempt),
        task_id=_text(fields, "id"),
        task_name=_text(fields, "task"),
        retries=_number(fields, "retries"),
        worker=_text(fields, "worker"),
        pid=_number(fields, "pid"),
        parent_pid=_number(fields, "ppid"),
        process_started=_text(fields, "start"),
        boot_id=_text(fields, "boot"),
        host=_text(fields, "host"),
    )


def _read_attempt(text: str) -> uuid.UUID | None:
    if not _UUID_HEX.fullmatch(text):
        return None
    attempt = uuid.UUID(hex=text)
    return attempt if attempt.version == 1 else None  # the version is None unless the variant is the RFC's


def _time_of(attempt: uuid.UUID) -> datetime:
    """Return when the uuid was made; its 60 bits of 100 ns reach the year 5236, so a forged one does not overflow."""
    return START_OF_UUID_TIME + timedelta(microseconds=attempt.time // 10)


def _node_of(attempt: uuid.UUID) -> str:
    return f"{attempt.node:012x}"


def _text(fields: Mapping[str, str], name: str) -> str | None:
    return unquote(fields[name], errors="replace") if fields.get(name) else None


def _number(fields: Mapping[str, str], name: str) -> int | None:
    value = fields.get(name, "")
    return int(value) if _NUMBER.fullmatch(value) else None


def _run_id(task_id: str | None) -> str:
    if not task_id:
        return ""
    escaped = task_id if _PLAIN.fullmatch(task_id) else _escape(task_id[: MAX_TASK_ID_BYTES + 1])
    return f":id={escaped}" if len(escaped) <= MAX_TASK_ID_BYTES else ""


def _retries(retries: int | None) -> str:
    return "" if retries is None or not 0 <= retries < 10**10 else f":retries={retries}"


def _field(name: str, value: str | None, room: int) -> str:
    return f":{name}={_fit(value, room)}" if value else ""


def _fit(value: str, room: int) -> str:
    """Return the value escaped, in at most `room` bytes; cut between characters, never inside an escape."""
    escaped = _escape(value[: room + 1])
    if len(escaped) <= room:
        return escaped
    kept = ""
    for character in map(_escape, value):
        if len(kept) + len(character) + len(_ESCAPED_CUT) > room:
            break
        kept += character
    return kept + _ESCAPED_CUT


def _escape(text: str) -> str:
    return quote(text, safe="@", errors="backslashreplace")  # a lone surrogate has no UTF-8: it becomes readable text

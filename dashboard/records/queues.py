"""Queues and the messages in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHead:
    """The message that is delivered next from one priority of a queue, so the oldest there."""

    priority: str
    mark: str = ""  # what it is told apart by: task id, else delivery tag, else a digest of its bytes; empty: it was not looked at
    task_id: str | None = None
    task_name: str | None = None
    origin: str | None = None  # who sent it, as the message says: gen4711@web-3
    problem: str = ""  # a code: why it cannot be read, "not-looked-at" where reading it might cost too much
    first_seen_at: datetime | None = None  # at the head, by our clock
    sent_at: datetime | None = None  # its task-sent event was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReading:
    """How many messages wait in one queue, who reads it, and what was seen of it lately."""

    name: str  # what is not UTF-8 escaped, cut where it is very long
    ready: int
    id: str = ""  # 16 hex digits: a hash of the raw name
    raw_name: bytes = b""  # empty when it is too long to be carried
    ready_by_priority: Mapping[str, int] = field(default_factory=dict)
    unacked: int | None = None
    eta: int | None = None  # the part of unacked with a time in the future
    consumers: tuple[str, ...] | None = None  # None: nobody could be asked
    unread_since: datetime | None = None  # since when it was seen without a consumer; None: it has one, or nobody could be asked
    unread_is_minimum: bool = False  # it was never seen with a consumer: nobody may have read it for longer
    wrong_type: str | None = None  # the key is no list but this
    is_named: bool = False  # the settings name it
    bound_with: tuple[str, ...] = ()  # queues that the same exchange and routing key reach
    heads: tuple[QueueHead, ...] = ()  # one for each priority that has messages
    oldest_at: datetime | None = None
    oldest_is_minimum: bool = False  # the oldest message waits at least since then
    in_per_s: float | None = None  # over the last minute, see observer/queue_book.py
    out_per_s: float | None = None
    grown: int | None = None  # by how many messages in that time
    samples: tuple[int | None, ...] = ()  # ready, one each 5 s over the last 5 minutes; None: not known then


@dataclass(frozen=True, slots=True, kw_only=True)
class UnackedMessage:
    """A message that a worker fetched and has not acknowledged."""

    tag: str
    task_id: str | None
    task_name: str | None
    queue: str | None
    fetched_at: datetime | None
    eta_at: datetime | None = None  # not to be run before


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that waits in a queue, as it was read; nothing of it was executed, and it still waits."""

    position: int  # in the order of delivery, from 1
    priority: str
    size_bytes: int
    problem: str = ""  # a code for what is wrong with it; empty: a worker can run it
    detail: str = ""  # of the problem
    task_id: str | None = None
    task_name: str | None = None
    args: str | None = None  # the sender's repr, secrets included
    kwargs: str | None = None
    retries: int | None = None
    eta_at: datetime | None = None
    expires_at: datetime | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePeek:
    """The messages at the front of a queue at one moment; a worker may take some while they are read, and the ones behind move up."""

    read_at: datetime
    total: int  # that were ready
    messages: tuple[Message, ...] = ()  # in the order of delivery
    looked_at: int = 0  # may be more than `messages`: so many were grouped
    groups: tuple[tuple[str | None, str, int], ...] = ()  # task name, problem, how many; the most frequent first
    stopped_by: str = ""  # why not all were looked at: "count", "bytes", "time", "huge"
    keys: tuple[bytes, ...] = ()  # that were read

"""What moved from place to place lately, as the observer saw it, and the picture that the judge makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dashboard.records.judged import Evidence

Way = Literal["sent", "received", "locked", "refused"]  # sender -> queue, queue -> worker, worker -> lock, and the attempt that the lock turned away
Column = Literal["sender", "queue", "worker", "lock"]
LineState = Literal["flowing", "idle", "unknown", "refused", "broken"]
FLOW_WINDOW = timedelta(seconds=60)  # what is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEdge:
    """One way between two places, and how often it was taken within the last minute."""

    way: Way
    source: str  # an origin, a queue or a worker; "": not known
    target: str  # a queue, a worker or a lock's id
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMove:
    """One single movement."""

    number: int  # they are numbered as they are seen, so that each is drawn once
    way: Way
    source: str
    target: str
    at: datetime  # by our clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReading:
    """What moved; `since` says how much of the last minute the counts speak of."""

    since: datetime | None = None  # every event was taken in since then; None: events are not received
    edges: tuple[FlowEdge, ...] = ()
    moves: tuple[FlowMove, ...] = ()  # of the last seconds, the newest of each edge, the oldest first
    moved: int = 0  # how many there were in those seconds
    number: int = 0  # of the newest
    telling: tuple[str, ...] = ()  # workers that sent an event of a task
    unplaced: Mapping[str, int] = field(default_factory=dict)  # worker -> how many it received of which the queue is not known, in the last minute


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """A place in the picture; of several that are drawn as one, `members` says how many they are."""

    id: str  # 12 hex digits, the same at every look
    column: Column
    name: str  # of a group: what its names begin with, "" for any
    kind: str = ""  # a sender's: "beat", "host", "lockhouse", "unseen"; a worker's: "online", "leaving", "silent", "gone"; a lock's verdict or "free"
    subject: str = ""  # what its page is found by
    members: int = 1
    weight: int = 0  # movements within the last minute, as far as they are known
    amount: int | None = None  # a queue's ready messages, a worker's busy processes, a sender's processes, a beat's schedules
    of: int | None = None  # a worker's processes
    priorities: tuple[tuple[str, int], ...] = ()  # of a queue's ready messages, the first to be delivered first
    refused: int = 0  # runs that a lock turned away within the last minute
    is_slow: bool = False  # more waits in it than is taken
    problem: Evidence | None = None  # why nothing gets through
    needs: bool = False  # it is drawn whatever else there is


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLine:
    """An edge of the picture."""

    id: str  # 12 hex digits
    source: str  # node ids
    target: str
    state: LineState
    count: int | None = None  # within the last minute; None: not known
    is_minimum: bool = False  # it may have been more
    last_at: datetime | None = None  # None: nothing was seen to move
    reason: Evidence | None = None  # why it is broken, or why its rate is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPicture:
    """Nodes in four columns, each from top to bottom, and the lines between them."""

    columns: Mapping[Column, tuple[FlowNode, ...]]
    lines: tuple[FlowLine, ...]
    drawn_as: Mapping[str, str] = field(default_factory=dict)  # id of a node that is part of a group -> id of that one

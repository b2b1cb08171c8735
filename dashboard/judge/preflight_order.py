"""What waits before a message, whether it would expire meanwhile, come back again and again, and which list its priority puts it in. Pure."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.facts import DEFAULT_VISIBILITY_TIMEOUT
from dashboard.records import Check, Evidence, QueueReading, Sending, Transport, Word, Worker

HIGHEST, LOWEST = 0, 9  # kombu cuts priorities to these, and reads the lists of low numbers first


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The messages that are delivered before a new one."""

    before: int
    takes: timedelta | None  # at the rate of the last minute; None: not known
    is_stuck: bool = False  # nothing has left the queue within the last minute


def step_of(priority: int | None, transport: Transport) -> int:
    """The list that a message of this priority goes to; without one it is 0."""
    cut = min(max(priority or HIGHEST, HIGHEST), LOWEST)
    return transport.priority_steps[bisect(transport.priority_steps, cut) - 1]


def waiting_before(queue: QueueReading | None, sending: Sending, transport: Transport) -> Waiting:
    """What is before it in its own list and in those that are read before; a queue that nobody knows has no messages."""
    if queue is None:
        return Waiting(before=0, takes=timedelta(0))
    mine = transport.priority_steps.index(step_of(sending.priority, transport))
    first = {str(step) for step in transport.priority_steps[: mine + 1]}
    before = sum(count for step, count in queue.ready_by_priority.items() if step in first)
    if not before:
        return Waiting(before=0, takes=timedelta(0))
    rate = queue.out_per_s
    return Waiting(before=before, takes=timedelta(seconds=before / rate) if rate else None, is_stuck=rate == 0)


def order(queue: QueueReading | None, waiting: Waiting | None) -> Iterator[Check]:
    """How many are before it, and how long they take."""
    if waiting is None:
        yield Check(subject="order", state="unknown", evidence=Evidence(code="send_depth_unknown"), decides=False)
    elif waiting.before and waiting.is_stuck and queue is not None and queue.consumers:
        yield Check(subject="order", state="warning", evidence=Evidence(code="send_behind_stuck", values={"before": waiting.before}))
    elif waiting.before:
        code = "send_behind" if waiting.takes is not None else "send_behind_unknown"
        state = "ok" if waiting.takes is not None else "unknown"
        values: dict[str, Word] = {"before": waiting.before, "takes": waiting.takes}
        yield Check(subject="order", state="ok" if state == "ok" else "unknown", evidence=Evidence(code=code, values=values), decides=False)
    elif queue is not None:
        yield Check(subject="order", state="ok", evidence=Evidence(code="send_next"), decides=False)


def expiry(sending: Sending, waiting: Waiting | None, now: datetime) -> Iterator[Check]:
    """Whether it can start before it expires."""
    ends_at, starts_at = sending.ends_at(now), sending.starts_at(now)
    if ends_at is None:
        return
    if ends_at <= now:
        yield _expires("fails", "send_expired", ends_at, starts_at)
    elif ends_at <= starts_at:
        yield _expires("fails", "send_expires_before_eta", ends_at, starts_at)
    elif waiting is None or (waiting.before and waiting.takes is None):
        yield _expires("unknown", "send_expires_unknown", ends_at, starts_at)
    elif waiting.takes is not None and now + waiting.takes >= ends_at:
        yield _expires("fails", "send_expires_waiting", ends_at, now + waiting.takes)
    else:
        yield _expires("ok", "send_expires_after", ends_at, starts_at)


def _expires(state: str, code: str, ends_at: datetime, starts_at: datetime) -> Check:
    evidence = Evidence(code=code, values={"ends_at": ends_at, "starts_at": starts_at})
    return Check(subject="expires", state=state, evidence=evidence)  # type: ignore[arg-type]  # one of the four, as above


def later(sending: Sending, transport: Transport, readers: Sequence[Worker], now: datetime) -> Iterator[Check]:
    """A worker that holds a message for later than the visibility timeout gets it again and again, and runs it as often."""
    starts_at = sending.starts_at(now)
    if starts_at <= now:
        return
    known = [worker.visibility_timeout for worker in readers if worker.visibility_timeout]
    known += [transport.visibility_timeout] if transport.visibility_timeout else []
    timeout = min(known, default=DEFAULT_VISIBILITY_TIMEOUT)
    values: dict[str, Word] = {"starts_at": starts_at, "timeout": timeout}
    if starts_at - now > timeout:
        code = "send_eta_too_late" if known else "send_eta_may_be_too_late"
        yield Check(subject="later", state="warning", evidence=Evidence(code=code, values=values))
    else:
        yield Check(subject="later", state="ok", evidence=Evidence(code="send_eta", values=values), decides=False)


def priority(sending: Sending, transport: Transport) -> Iterator[Check]:
    """Which list its priority puts it in."""
    if sending.priority is None:
        return
    steps = transport.priority_steps
    values: dict[str, Word] = {"priority": sending.priority, "step": step_of(sending.priority, transport), "steps": [str(step) for step in steps]}
    if len(steps) == 1:
        yield Check(subject="priority", state="warning", evidence=Evidence(code="send_no_priorities", values=values), decides=False)
    else:
        yield Check(subject="priority", state="ok", evidence=Evidence(code="send_priority", values=values), decides=False)

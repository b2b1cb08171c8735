"""Settles a send of which the broker did not say whether it took it: by where its messages are now. Reads the watched system only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError, ResponseError

from dashboard import connections
from dashboard import snapshot as snapshots
from dashboard.acts.delivery import connection_name, task_ids
from dashboard.acts.preflight import layout
from dashboard.acts.send import follow
from dashboard.acts.values import Answer
from dashboard.models import OperatorAct
from dashboard.records import QueueReading, Snapshot, Traced
from dashboard.sources.places import find
from dashboard.sources.traced import FOLLOWED_FOR

FOLLOWED_AFTER = timedelta(seconds=15)  # an act sends for 5 s at most, and the observer looks each second
TOLD_AFTER = timedelta(seconds=5)  # an observer has seen by then what workers told of a message that they took at once

GIVEN_UP = {"send_never_known", "send_some_known"}


def send_settled(act: OperatorAct, now: datetime) -> Answer | None:
    """What came of it; None: it cannot be said yet.  Cost: three round trips.  Never raises.

    What is found was sent. What is found nowhere was not, once its connection has ended and nobody can have taken it unheard: it was looked for from
    the beginning, and the queue has no reader, or all its readers tell what they receive and none of that was lost. After an hour nobody knows.
    """
    known, count = snapshots.newest(), int(act.before.get("count", 1))
    if act.code in GIVEN_UP:
        return None
    follow(act)
    try:
        over_at = _over_at(act, now)  # before it is looked for: what arrives last is found
        found = _found(act, known, count)
    except RedisError:
        return None
    values = {"sent": found, "count": count}
    if found < count and not _is_told(act, known, over_at):
        is_over = now - act.started_at > FOLLOWED_FOR
        return Answer(state="unknown", code="send_some_known" if found else "send_never_known", values=values) if is_over else None
    if found == count:
        return Answer(state="done", code="sent_since" if count == 1 else "sent_all_since", values=values)
    return Answer(state="failed", code="sent_some_since" if found else "send_never_arrived", values=values)


def _found(act: OperatorAct, known: Snapshot, count: int) -> int:
    """How many of its messages are known of: told by events, fetched by a worker, or in their queue."""
    ids = set(task_ids(act.pk, count))
    said = int(act.values.get("sent", 0)) if act.state == "unknown" else 0  # the broker has confirmed so many
    told = {run.task_id for run in known.runs} | {message.task_id for message in known.unacked if message.task_id}
    told |= _seen(_traced(act, known), task_ids(act.pk, count))
    seen = ids & told
    if len(seen) < count:
        seen |= find(connections.look_broker(), layout(), str(act.before.get("queue", "")).encode(), sorted(ids - seen)).before.keys()
    return max(said, len(seen))


def _over_at(act: OperatorAct, now: datetime) -> datetime | None:
    """Since when the broker is known to have ended the act's connection, so that nothing of it can still arrive; None: it has not, or may not say."""
    if "over_at" in act.after:
        return datetime.fromisoformat(act.after["over_at"])
    try:
        listed: Any = connections.look_broker().client_list()
    except ResponseError:
        return None
    if any(one.get("name") == connection_name(act.pk) for one in listed):
        return None
    act.after = {**act.after, "over_at": now.isoformat()}
    OperatorAct.objects.filter(pk=act.pk).update(after=act.after)
    return now


def _is_told(act: OperatorAct, known: Snapshot, over_at: datetime | None) -> bool:
    """Whether a worker that took a message before the connection ended would have been heard of by now."""
    traced = _traced(act, known)
    if over_at is None or known.at is None or known.at - over_at < TOLD_AFTER:
        return False
    if traced is None or traced.since is None or traced.since - act.started_at > FOLLOWED_AFTER:
        return False
    queue: QueueReading | None = next((one for one in known.queues if one.name == act.before.get("queue")), None)
    return queue is None or queue.consumers == () or (queue.out_per_s is not None and _heard_all(act, known))


def _heard_all(act: OperatorAct, known: Snapshot) -> bool:
    """Whether events were received all the time since the act began."""
    return any(source.name == "events" and source.ok and source.since <= act.started_at for source in known.sources)


def _traced(act: OperatorAct, known: Snapshot) -> Traced | None:
    return next((one for one in known.traces if one.act_id == str(act.pk)), None)


def _seen(traced: Traced | None, ids: Sequence[str]) -> set[str]:
    return {ids[number] for number in traced.seen if number < len(ids)} | set(traced.places) if traced else set()

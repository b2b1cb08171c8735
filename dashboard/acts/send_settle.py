"""Settles a send of which the broker did not say whether it took it: by where its messages are now. Reads the watched system only."""

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
from dashboard.records import QueueReading, Snapshot
from dashboard.sources.places import find

TOLD_AFTER = timedelta(seconds=5)  # an observer has seen by then what workers told of a message that they took at once


def send_settled(act: OperatorAct, now: datetime) -> Answer | None:
    """What came of it; None: it cannot be said yet.  Cost: three round trips.  Never raises.

    What is found was sent. What is found nowhere was not, once its connection has ended and nobody can have taken it unheard: the queue has no
    reader, or all its readers tell what they receive.
    """
    known, count = snapshots.newest(), int(act.before.get("count", 1))
    follow(act)
    try:
        over_at = _over_at(act, now)  # before it is looked for: what arrives last is found
        found = _found(act, known, count)
    except RedisError:
        return None
    if found < count and not _is_told(act, known, over_at):
        return None
    values = {"sent": found, "count": count}
    if found == count:
        return Answer(state="done", code="sent_since" if count == 1 else "sent_all_since", values=values)
    return Answer(state="failed", code="sent_some_since" if found else "send_never_arrived", values=values)


def _found(act: OperatorAct, known: Snapshot, count: int) -> int:
    """How many of its messages are known of: told by events, fetched by a worker, or in their queue."""
    ids = set(task_ids(act.pk, count))
    said = int(act.values.get("sent", 0)) if act.state == "unknown" else 0  # the broker has confirmed so many
    told = {run.task_id for run in known.runs} | {message.task_id for message in known.unacked if message.task_id}
    told |= {task_id for traced in known.traces if traced.act_id == str(act.pk) for task_id in traced.places}
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
    if over_at is None or known.at is None or known.at - over_at < TOLD_AFTER:
        return False
    queue: QueueReading | None = next((one for one in known.queues if one.name == act.before.get("queue")), None)
    return queue is None or queue.consumers == () or queue.out_per_s is not None

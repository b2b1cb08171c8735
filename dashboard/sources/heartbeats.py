"""Tells a frozen worker from a dead one: is the connection that carried its heartbeats still open?

A worker publishes its events on one connection. Frozen (SIGSTOP), it keeps that connection open, last used when its last event came;
killed, the server has closed it.  Source: CLIENT LIST, whose `idle` counts whole seconds since a connection was last used (tried with
SIGSTOP and SIGKILL on Celery 5.7 and Valkey 9.1).

Another publisher that fell silent in the very second of a worker's last event passes for it, and the verdict stays unknown. More looks do not tell the
two apart, for neither is used again; nor does the list name who owns a connection (its address is a host's, its name is empty). Only having seen that
connection out of step with the worker's events while it lived would: a look at all connections every few seconds in peace, at 300 bytes each.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from dashboard.connections import BROKER, OWN_NAMES
from dashboard.exceptions import SourceUnavailable

SLACK_S = 1.5  # idle is counted in whole seconds
LATE_S = 5.0  # an event may reach us so much later than it was sent, where this machine or the network was busy


def publishing_idles(redis: Redis) -> list[int] | None:
    """For each connection of the broker's database whose last command was PUBLISH, the seconds since; None where we may not see connections.

    Our own are left out by their name: one that announced a lock just when a worker's last event came would pass for the worker's.

    Cost: one round trip, about 300 bytes a client.  Raises: SourceUnavailable.
    """
    try:
        clients: Any = redis.client_list()
    except ResponseError:  # managed servers and ACLs may refuse CLIENT
        return None
    except RedisError as error:
        raise SourceUnavailable(BROKER, f"does not answer: {error}") from error
    database = str(redis.connection_pool.connection_kwargs.get("db", 0))
    publishing = [client for client in clients if client.get("cmd") == "publish" and client.get("db") == database]
    return [int(client["idle"]) for client in publishing if not client.get("name", "").startswith(OWN_NAMES)]


def closes_idle_connections(redis: Redis) -> bool:
    """Whether the server may itself have closed a connection for being idle, or forgot all by a restart we cannot date."""
    try:
        answer: Any = redis.config_get("timeout")
    except RedisError:
        return False  # not known; managed servers that refuse CONFIG keep idle connections
    return int(answer.get("timeout", 0)) > 0


def uptime_s(redis: Redis) -> int | None:
    """How long the server runs: connections from before it say nothing.  None where INFO is refused."""
    try:
        answer: Any = redis.info("server")
    except RedisError:
        return None
    value = answer.get("uptime_in_seconds")
    return int(value) if value is not None else None


def may_be_open(idles: Iterable[int], last_event_at: datetime, asked_at: datetime, answered_at: datetime) -> bool:
    """Whether some open connection was last used just when the worker's last event came; the server counted at some moment between these two."""
    shortest, longest = (asked_at - last_event_at).total_seconds(), (answered_at - last_event_at).total_seconds()
    return any(shortest - SLACK_S <= idle <= longest + LATE_S for idle in idles)

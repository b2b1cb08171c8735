"""Asks the workers what they are doing, with a deadline. Asking writes to the broker (reply queues, a published command) and nothing else."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from celery import Celery
from kombu import Connection, Consumer, uuid

from dashboard.connections import CELERY_ERRORS
from dashboard.exceptions import SourceUnavailable

SOURCE = "workers"
GARBAGE = (ValueError, TypeError, KeyError, AttributeError)  # what kombu raises for a reply that is none; anybody can write into a reply queue


def ask_workers(app: Celery, command: str, names: Sequence[str] | None, timeout_s: float, arguments: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """What each worker answered to `command`, by name; who did not answer in time is not in it.

    With names it returns as soon as all of them have answered, so of two that have one name the first alone is heard; without, it waits the whole
    timeout, for nobody knows who is there.
    Celery's own `broadcast` begins its timeout anew with each reply, fails as a whole on one that cannot be read, and keeps late ones for ever.
    Raises: SourceUnavailable where the broker cannot be reached.
    """
    return dict(_replies(app, command, names, timeout_s, arguments or {}))


def call_workers(app: Celery, command: str, timeout_s: float) -> list[tuple[str, Any]]:
    """What everybody who is there answered within that time, in its order: two that have one name are both in it.  Raises: SourceUnavailable."""
    return _replies(app, command, None, timeout_s, {})


def _replies(app: Celery, command: str, names: Sequence[str] | None, timeout_s: float, arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    try:
        with app.connection_or_acquire() as connection:
            return _ask(app, connection, command, names, timeout_s, arguments)
    except CELERY_ERRORS as error:
        raise SourceUnavailable(SOURCE, f"could not be asked: {error}") from error


def _ask(
    app: Celery, connection: Connection, command: str, names: Sequence[str] | None, timeout_s: float, arguments: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    until, ticket, found = monotonic() + timeout_s, uuid(), list[tuple[str, Any]]()
    awaited = set(names or ())

    def take(body: Any, message: Any) -> None:
        if isinstance(body, dict) and message.headers.get("ticket") == ticket:  # another ticket: an answer to an earlier question, too late
            found.extend((name, said) for name, said in body.items() if isinstance(name, str))
            awaited.difference_update(body.keys())

    control: Any = app.control  # its types do not know the mailbox
    mailbox = control.mailbox(connection)
    channel, replies = connection.default_channel, mailbox.get_reply_queue()
    mailbox._publish(command, dict(arguments), destination=None if names is None else list(names), reply_ticket=ticket, channel=channel, timeout=timeout_s)
    consumer = Consumer(channel, [replies], accept=["json"], no_ack=True, callbacks=[take], on_decode_error=_pass_over)
    try:
        with consumer:
            while (names is None or awaited) and (left := until - monotonic()) > 0:
                _drain(connection, left)
    finally:
        channel.after_reply_message_received(replies.name)
    return found


def _drain(connection: Connection, seconds: float) -> None:
    """Take in what comes within this time, at most one reply; one that is garbage is passed over."""
    try:
        connection.drain_events(timeout=seconds)
    except TimeoutError:
        return
    except GARBAGE:
        return


def _pass_over(message: Any, error: Exception) -> None:
    """A reply that is no JSON, or claims to be a pickle."""

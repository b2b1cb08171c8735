"""Puts messages into a queue through Celery's own `send_task`, each once; what is not certain is said to be unknown, and nothing is tried twice.

The connection is one act's alone and carries its id as a name: once the broker no longer lists it, nothing of this act can arrive late.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from os import getpid
from socket import gethostname
from time import monotonic
from typing import Any

from kombu import Connection
from redis.exceptions import ResponseError

from dashboard import connections
from dashboard.acts.scripts import NoAnswerError, NotSentError, RejectedError
from dashboard.acts.values import Answer
from dashboard.records import Sending

SECONDS = 5.0  # for all messages of an act; a broker that answers slowly, and yet answers, gets no more than this


def task_ids(act_id: uuid.UUID, count: int) -> list[str]:
    """The ids of an act's messages: derived from it, so that nothing has to be kept to know them."""
    return [str(uuid.uuid5(act_id, str(index))) for index in range(count)]


def connection_name(act_id: uuid.UUID) -> str:
    """What the broker calls the connection that this act sends through."""
    return f"{connections.OWN_NAMES}-send-{act_id.hex}"


def deliver(act_id: uuid.UUID, sending: Sending, *, is_new: bool) -> Answer:
    """What came of it.  `is_new`: nobody knows this queue, so it is declared, as every caller's Celery does.

    Cost: a connection, and two commands a message: the message itself, and the event that tells of it.
    """
    sent, until = 0, monotonic() + SECONDS
    try:
        with _open(act_id) as connection:
            for task_id in task_ids(act_id, sending.count):
                if monotonic() > until:
                    return Answer(state="failed", code="sent_some_slow", values={"sent": sent, "count": sending.count})
                _put(connection, task_id, sending, is_new=is_new)
                sent += 1
    except NotSentError as error:
        return Answer(state="failed", code="send_unreachable", values={"reason": str(error)[:200]})
    except RejectedError as error:
        code = "sent_some" if sent else "send_rejected"
        return Answer(state="failed", code=code, values={"sent": sent, "count": sending.count, "reason": str(error)[:200]})
    except NoAnswerError:
        code = "sent_some_unknown" if sent else "send_no_answer"
        return Answer(state="unknown", code=code, values={"sent": sent, "count": sending.count})
    return Answer(state="done", code="sent" if sent == 1 else "sent_all", values={"sent": sent, "count": sending.count})


@contextmanager
def _open(act_id: uuid.UUID) -> Iterator[Connection]:
    """A connection that has answered, so that what fails from here on may have been sent.  Raises: NotSentError."""
    connection = _connected({"client_name": connection_name(act_id)})
    try:
        yield connection
    finally:
        connection.release()


def _connected(options: dict[str, str]) -> Connection:
    connection = connections.send_app().connection_for_write(url=connections.broker_url(), transport_options=options)
    try:
        connection.default_channel  # noqa: B018  # opens it
    except connections.CELERY_ERRORS as error:
        connection.release()
        if options and _refusal(error) is not None:  # a server that allows no names
            return _connected({})
        raise NotSentError(str(error)) from error
    return connection


def _put(connection: Connection, task_id: str, sending: Sending, *, is_new: bool) -> None:
    """One message.  Raises: RejectedError where it surely was not taken, NoAnswerError where it may have been."""
    teller = _Teller()
    options: dict[str, Any] = {} if is_new else {"declare": []}  # a queue that is known may be bound elsewhere: its bindings stay as they are
    if sending.priority is not None:
        options["priority"] = sending.priority
    try:
        connections.send_app().send_task(
            sending.task,
            args=sending.args,
            kwargs=dict(sending.kwargs),
            countdown=sending.countdown.total_seconds() if sending.countdown else None,
            eta=sending.eta_at,
            expires=_expires(sending),
            task_id=task_id,
            queue=sending.queue,
            ignore_result=sending.ignore_result,
            connection=connection,
            event_dispatcher=teller,
            **options,
        )
    except connections.CELERY_ERRORS as error:
        if (refused := _refusal(error)) is not None:
            raise RejectedError(str(refused)) from error
        raise NoAnswerError(str(error)) from error


def _expires(sending: Sending) -> float | datetime | None:
    return sending.expires_at or (sending.expires_in.total_seconds() if sending.expires_in is not None else None)


def _refusal(error: BaseException) -> ResponseError | None:
    """Redis' own no, as kombu has wrapped it."""
    while error is not None and not isinstance(error, ResponseError):
        error = error.__cause__  # type: ignore[assignment]  # None ends it
    return error


def _own_name() -> str:
    """Who sent it, as events say it: `lockhouse4711@web-3`."""
    return f"lockhouse{getpid()}@{gethostname()}"


class _Teller:
    """Celery's dispatcher of the `task-sent` event; the message is in its queue by then, so an event that fails changes nothing."""

    def publish(self, kind: str, fields: dict[str, Any], producer: Any, **options: Any) -> None:
        try:
            connections.send_app().events.Dispatcher(enabled=False, hostname=_own_name()).publish(kind, fields, producer, **options)
        except connections.CELERY_ERRORS:
            return

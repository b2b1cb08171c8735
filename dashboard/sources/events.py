"""Receives Celery's events by Celery's own receiver; sets nothing going (no wake-up broadcast) and gives no message back."""

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.events.receiver import EventReceiver

from dashboard.connections import CELERY_ERRORS
from dashboard.exceptions import SourceUnavailable

SOURCE = "events"


class Receiver(EventReceiver):
    """Celery's receiver without its clock: times stay the sender's own, and what could not be read is told as None."""

    def __init__(self, *arguments: Any, tell: Callable[[object], None], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tell = tell
        self.is_receiving = False

    def on_consume_ready(self, connection: Any, channel: Any, consumers: list[Any], wakeup: bool = False, **kwargs: Any) -> None:
        self.is_receiving = True

    def _receive(self, body: Any, message: Any) -> None:
        for event in body if isinstance(body, list) else (body,):
            self._tell(event)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        self._tell(None)


def receive_events(app: Celery, tell: Callable[[object], None], ready: Callable[[Receiver], None]) -> None:
    """Tell every event until the receiver is told to stop (`should_stop`).  Raises: SourceUnavailable when the connection ends."""
    try:
        with app.connection_for_read() as connection:
            receiver = Receiver(connection, app=app, tell=tell)
            ready(receiver)
            receiver.capture(limit=None, timeout=None, wakeup=False)
    except CELERY_ERRORS as error:
        raise SourceUnavailable(SOURCE, f"cannot be received: {error}") from error

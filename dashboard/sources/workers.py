"""Asks the workers what they are doing, with a deadline. Asking writes to the broker (reply queues, a published command) and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from dashboard.exceptions import SourceUnavailable

SOURCE = "workers"


def ask_workers(app: Celery, command: str, names: Sequence[str] | None, timeout_s: float) -> Mapping[str, Any]:
    """What each worker answered to `command`, by name; who did not answer in time is not in it.

    With names it returns as soon as all of them have answered; without, it waits the whole timeout, for nobody knows who is there.
    Raises: SourceUnavailable where the broker cannot be reached.
    """
    try:
        replies = app.control.broadcast(command, reply=True, destination=list(names) if names is not None else None, timeout=timeout_s)
    except (KombuError, RedisError, OSError) as error:
        raise SourceUnavailable(SOURCE, f"could not be asked: {error}") from error
    found: dict[str, Any] = {}
    for reply in replies or ():
        if isinstance(reply, dict):
            found |= {name: said for name, said in reply.items() if isinstance(name, str)}
    return found

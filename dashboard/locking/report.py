"""Tells the observer of refused locks: Celery events, sent by a daemon thread so that no task waits for a broker.

The event is a contract with the observer. Its type is `lock-refused`; on Redis it is a PUBLISH on
`/<db>.celeryev/lock.refused`, as Celery publishes all its events. Fields:

    key        str: the full Redis key; what is not UTF-8 is backslash-escaped; cut at 512 characters
    waited     float: seconds from the attempt's begin to its end, 0.0 and a little without blocking
    uuid       str or None: the task id of the refused run; None outside a run
    task       str or None: its task name
    retries    int or None: its retry number
    dropped    int: reports that found no room since the last one that was sent; they are lost
    pid        int: the refused process, in its own pid namespace
    hostname   str: the worker's node name (celery@web-1); outside a run gen<pid>@<host>, as Celery calls a plain sender
    timestamp  float: seconds since 1970 by the refused process's clock when it gave up, not when it was sent
    clock, utcoffset   as in all Celery events

A report may come late (the broker was away), twice (its connection broke just then: key, pid and timestamp are the
same), or never (its process ended first, or `dropped` counts it). Nothing is reported where the process has no Celery
app whose broker is Redis, in any of its forms: a default app on amqp://localhost is never dialled.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.locking.holder import Run, app_of_this_thread, celery_is_loaded, only_app

if TYPE_CHECKING:
    from celery import Celery
    from kombu import Connection

MAX_WAITING = 100  # reports kept while the broker is away; further ones are counted
MAX_KEY_SHOWN = 512
SOCKET_SECONDS = 1.0
IDLE_SECONDS = 30.0  # then hang up: firewalls forget idle connections, and the broker need not hold one per process
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """One attempt that gave up because the lock was held."""

    key: str
    waited: float
    refused_at: float  # seconds since 1970
    run: Run
    app: Celery | None  # None: the process's only app is meant


def report_refused(name: object, waited: float, run: Run) -> None:
    """Leave a refused attempt to the thread; raises nothing and costs microseconds, however the broker is."""
    if celery_is_loaded():  # else nobody made an app: not even a thread is worth while
        app = run.app or app_of_this_thread()
        _reporter.put(Refusal(_shown(name), waited, time.time(), run, app))


class Reporter:
    """One process's reports: a bounded queue, and the thread that empties it, started by the first report."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what a forked child has of its parent: a queue, a connection, and a thread that is not there."""
        self._waiting: queue.SimpleQueue[Refusal] = queue.SimpleQueue()  # put is reentrant: signals
        self._guard = threading.RLock()  # of the next two; reentrant for the same reason
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self._line: Line | None = None

    def put(self, refusal: Refusal) -> None:
        """Queue a refusal, or count it as dropped where there is no room or no thread can be had."""
        if self._waiting.qsize() < MAX_WAITING and self._has_thread():
            self._waiting.put(refusal)  # after the start: a thread that waits hands the interpreter back at once
        else:
            self._add_dropped(1)

    def _has_thread(self) -> bool:
        with self._guard:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="lockhouse-report", daemon=True)
                with suppress(RuntimeError):  # no more threads, or the interpreter is ending
                    thread.start()
                    self._thread = thread
            return self._thread is not None

    def _add_dropped(self, count: int) -> None:
        with self._guard:
            self._dropped += count

    def _run(self) -> None:
        while True:
            self._tell_until_told(self._next())

    def _next(self) -> Refusal:
        try:
            return self._waiting.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            self._hang_up()
            return self._waiting.get()

    def _tell_until_told(self, refusal: Refusal) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._tell(refusal)
            except Exception as error:  # noqa: BLE001  # kombu and the user's settings may raise anything
                logger.info("A refused lock waits to be reported: %s", type(error).__name__)
            self._hang_up()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _tell(self, refusal: Refusal) -> None:
        app = refusal.app or only_app()
        if app is None:
            return
        line = self._line_for(app, refusal.run.worker)
        if not line.is_redis:
            return
        dropped = self._dropped
        line.send(refusal, dropped)
        self._add_dropped(-dropped)

    def _line_for(self, app: Celery, worker: str | None) -> Line:
        if self._line is None or not self._line.leads_to(app, worker):
            self._hang_up()
            self._line = Line(app, worker)
        return self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        with suppress(Exception):  # a broken connection may fail to close in any way, and is forgotten all the same
            if line is not None:
                line.close()


class Line:
    """A connection of our own to one app's broker, on behalf of one sender; it dials when it first sends."""

    def __init__(self, app: Celery, worker: str | None) -> None:
        self._app, self._worker = app, worker
        timeouts = {"socket_timeout": SOCKET_SECONDS, "socket_connect_timeout": SOCKET_SECONDS}
        self._connection: Connection = app.connection_for_write(transport_options=timeouts)
        self._dispatcher: Any = None
        # redis://, rediss://, redis+socket:// and sentinel:// share this type; nobody watches another broker's events
        self.is_redis: bool = self._connection.transport.driver_type == "redis"

    def leads_to(self, app: Celery, worker: str | None) -> bool:
        return self._app is app and self._worker == worker

    def send(self, refusal: Refusal, dropped: int) -> None:
        """Publish the event; raises whatever the broker or its driver raises, after a few seconds at most.

        Source: celery.events.dispatcher adds type, hostname, pid, clock and utcoffset, and keeps a given timestamp.
        """
        self._dial_once()
        self._dispatcher.send(
            "lock-refused",
            key=refusal.key,
            waited=round(refusal.waited, 6),
            uuid=refusal.run.task_id,
            task=refusal.run.task_name,
            retries=refusal.run.retries,
            dropped=dropped,
            timestamp=refusal.refused_at,
        )

    def close(self) -> None:
        self._connection.release()

    def _dial_once(self) -> None:
        if self._dispatcher is None:
            self._connection.connect()  # tries twice; left to the dispatcher it would be tried for ever
            self._dispatcher = self._app.events.Dispatcher(self._connection, hostname=self._worker, enabled=True, buffer_while_offline=False)


def _shown(name: object) -> str:
    if isinstance(name, bytes):
        name = name[: 4 * MAX_KEY_SHOWN].decode("utf-8", errors="backslashreplace")
    return str(name)[:MAX_KEY_SHOWN]


_reporter = Reporter()

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_reporter.start_anew)

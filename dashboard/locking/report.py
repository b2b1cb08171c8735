"""Tells the observer of refused, waiting and lost locks: Celery events, sent by a daemon thread so that no task waits for a broker.

The events are a contract with the observer. On Redis each is a PUBLISH on `/<db>.celeryev/lock.refused` (`.waiting`,
`.lost`), as Celery publishes all its events. Fields of all three:

    key        str: the full Redis key; what is not UTF-8 is backslash-escaped; cut at 512 characters
    digest     str: of the attempt's own token, the first 16 hex digits of its SHA-256: what Redis then holds, if it is acquired
    uuid       str or None: the task id of the run; None outside a run
    task       str or None: its task name
    retries    int or None: its retry number
    dropped    int: reports that found no room since the last one that was sent; they are lost
    pid        int: the process, in its own pid namespace
    hostname   str: the worker's node name (celery@web-1); outside a run gen<pid>@<host>, as Celery calls a plain sender
    timestamp  float: seconds since 1970 by that process's clock when it happened, not when it was sent
    clock, utcoffset   as in all Celery events

    lock-waiting   once for a wait, when it begins: `limit` float or None, the seconds that it will try at most
                   it ends when a lock with its `digest` is held, or with the refusal of that `digest`
    lock-refused   once for an attempt that gave up: `waited` float, seconds from its begin to its end;
                   `given_up_by` str or None, the exception that broke off its waiting (SoftTimeLimitExceeded)
    lock-lost      its holder wanted to release it or to add time, and held it no more: it expired, or somebody else
                   removed it; `noticed` str: "release", "extend" or "reacquire"

A report may come late (the broker was away), twice (its connection broke just then: key, pid and timestamp are the
same), or never (its process ended first, or `dropped` counts it). Nothing is reported where the process has no Celery
app whose broker is Redis, in any of its forms: a default app on amqp://localhost is never dialled.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .holder import Run, app_of_this_thread, celery_is_loaded, current_run, only_app

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


class Attempt:
    """One attempt to take a lock, from when it began."""

    __slots__ = ("began", "name", "run", "token")

    def __init__(self, name: object, token: str | bytes, began: float, run: Run) -> None:
        self.name, self.token, self.began, self.run = name, token, began, run

    def seconds(self) -> float:
        """How long it has lasted."""
        return time.monotonic() - self.began


@dataclass(frozen=True)
class Report:
    """One event that waits to be sent."""

    kind: str
    run: Run
    app: Celery | None  # None: the process's only app is meant
    fields: dict[str, Any]


def report_refused(attempt: Attempt, given_up_by: str | None = None) -> None:
    """Leave a refused attempt to the thread; raises nothing and costs microseconds, however the broker is."""
    _report("lock-refused", attempt.name, attempt.token, attempt.run, waited=round(attempt.seconds(), 6), given_up_by=given_up_by)


def report_waiting(attempt: Attempt, limit: float | None) -> None:
    """The same for an attempt that goes on trying."""
    _report("lock-waiting", attempt.name, attempt.token, attempt.run, limit=None if limit is None else float(limit))


def report_lost(name: object, token: str | bytes, noticed: str) -> None:
    """The same for a lock that its holder held no more."""
    _report("lock-lost", name, token, current_run(), noticed=noticed)


def _report(kind: str, name: object, token: str | bytes, run: Run, **more: Any) -> None:
    if celery_is_loaded():  # else nobody made an app: not even a thread is worth while
        fields = {"key": _shown(name), "digest": _digest(token), "timestamp": time.time(), **more}
        _reporter.put(Report(kind, run, run.task.app if run.task else app_of_this_thread(), fields))


class Reporter:
    """One process's reports: a bounded queue, and the thread that empties it, started by the first report."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what a forked child has of its parent: a queue, a connection, and a thread that is not there."""
        self._waiting: queue.SimpleQueue[Report] = queue.SimpleQueue()  # put is reentrant: signals
        self._guard = threading.RLock()  # of the next two; reentrant for the same reason
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self._line: Line | None = None

    def put(self, report: Report) -> None:
        """Queue a report, or count it as dropped where there is no room or no thread can be had."""
        if self._waiting.qsize() < MAX_WAITING and self._has_thread():
            self._waiting.put(report)  # after the start: a thread that waits hands the interpreter back at once
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

    def _next(self) -> Report:
        try:
            return self._waiting.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            self._hang_up()
            return self._waiting.get()

    def _tell_until_told(self, report: Report) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._tell(report)
            except Exception as error:  # noqa: BLE001  # kombu and the user's settings may raise anything
                logger.info("A report on a lock waits to be sent: %s", type(error).__name__)
            self._hang_up()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _tell(self, report: Report) -> None:
        app = report.app or only_app()
        if app is None:
            return
        line = self._line_for(app, report.run.worker)
        if not line.is_redis:
            return
        dropped = self._dropped
        line.send(report, dropped)
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

    def send(self, report: Report, dropped: int) -> None:
        """Publish the event; raises whatever the broker or its driver raises, after a few seconds at most.

        Source: celery.events.dispatcher adds type, hostname, pid, clock and utcoffset, and keeps a given timestamp.
        """
        self._dial_once()
        self._dispatcher.send(
            report.kind,
            uuid=report.run.task_id,
            task=report.run.task_name,
            retries=report.run.retries,
            dropped=dropped,
            **report.fields,
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


def _digest(token: str | bytes) -> str:
    raw = token.encode("utf-8", errors="replace") if isinstance(token, str) else bytes(token)
    return hashlib.sha256(raw).hexdigest()[:16]


_reporter = Reporter()

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_reporter.start_anew)

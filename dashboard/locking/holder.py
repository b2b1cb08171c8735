"""Who would hold a lock that is taken here and now: this process, and the run of a Celery task that this thread executes.

Called for every acquire, so it imports nothing (no Celery loaded means no run) and reads `/proc` once in a process.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dashboard.locking.token import write_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

START_TIME_FIELD = 22  # of /proc/<pid>/stat, counted from 1 as in proc(5)
FIRST_FIELD_AFTER_NAME = 3


@dataclass(frozen=True)
class Run:
    """One execution of a task; everything is None outside one."""

    task_id: str | None = None
    task_name: str | None = None
    retries: int | None = None
    worker: str | None = None
    app: Celery | None = None


@dataclass(frozen=True)
class Process:
    """What a token says of its process."""

    pid: int
    as_token_fields: str


NO_RUN = Run()


def current_run() -> Run:
    """Return the run that this thread executes, NO_RUN if none.

    A task called like a function, or run eagerly, is no run of its own: no worker knows its id, so a lock that it
    holds belongs to the run around it, or else to the process alone.
    """
    for task in reversed(_tasks_of_this_thread()):
        request = task.request
        if not request.called_directly and not request.is_eager:
            return Run(_text(request.id), _text(task.name), _number(request.retries), _text(request.hostname), task.app)
    return NO_RUN


def current_app() -> Celery | None:
    """Return the app that this thread would send with, None where nobody made one.

    Source: `celery._state`; its public `current_app` makes a default app for amqp://localhost where there is none, and
    its current app is per thread: where this thread has none, the only app of the process is meant.
    """
    state = sys.modules.get("celery._state")
    if state is None:
        return None
    own: Celery | None = state._tls.current_app
    return own or _only_one([app for app in state._get_active_apps() if app.set_as_current])


def this_process() -> Process:
    """Return this process as tokens name it; right after a fork too, for a child has another pid."""
    return _process(os.getpid())


@lru_cache(maxsize=1)
def _process(pid: int) -> Process:
    fields = write_process(
        pid=pid,
        parent_pid=os.getppid(),
        process_started=_process_started(),
        boot_id=_boot_and_pid_namespace(),
        host=socket.gethostname(),
    )
    return Process(pid, fields)


def _process_started() -> str | None:
    """Return the process's start in clock ticks since boot, None where there is no Linux /proc.

    Source: proc(5). The second field is the command's name in parentheses, and may hold spaces and parentheses itself.
    """
    after_name = _read("/proc/self/stat").rpartition(") ")[2].split()
    position = START_TIME_FIELD - FIRST_FIELD_AFTER_NAME
    return after_name[position] if len(after_name) > position else None


def _boot_and_pid_namespace() -> str | None:
    """Return what tells two machines, two boots and two containers of one host apart, None where there is no Linux /proc."""
    boot = _read("/proc/sys/kernel/random/boot_id")[:8]
    return f"{boot}-{namespace}" if boot and (namespace := _pid_namespace()) else None


def _pid_namespace() -> str | None:
    try:
        link = os.readlink("/proc/self/ns/pid")
    except OSError:
        return None
    return "".join(re.findall(r"\d+", link)) or None  # pid:[4026531836]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _tasks_of_this_thread() -> Sequence[Any]:
    """Return the tasks that this thread is in, the innermost last.

    Source: `celery._state`; the public `current_task` shows the innermost one only, though it be called like a function.
    """
    state = sys.modules.get("celery._state")
    return state._task_stack.stack if state else ()


def _only_one(apps: Sequence[Celery]) -> Celery | None:
    return apps[0] if len(apps) == 1 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None

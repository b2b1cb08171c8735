"""Who would hold a lock that is taken here and now: this process, and the run that this thread executes.

Called for every acquire, so it imports nothing (no Celery loaded means no run) and reads `/proc` once in a process.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from .token import write_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

START_TIME_FIELD = 22  # of /proc/<pid>/stat, counted from 1 as in proc(5)
FIRST_FIELD_AFTER_NAME = 3


class Run(NamedTuple):
    """One execution of a task; everything is None outside one. A tuple, for every acquire makes one."""

    task_id: str | None = None
    task_name: str | None = None
    retries: int | None = None
    worker: str | None = None
    task: Any = None  # the task itself: its app is looked up only where something is reported


NO_RUN = Run()


def current_run() -> Run:
    """Return the run that this thread executes, NO_RUN if none.

    A task called like a function, or run eagerly, is no run of its own: no worker knows its id, so a lock that it
    holds belongs to the run around it, or else to the process alone.
    """
    for task in reversed(_tasks_of_this_thread()):
        request = task.request
        if not request.called_directly and not request.is_eager:
            name = getattr(request, "shadow", None) or task.name  # by which its worker tells of it, too
            return Run(_text(request.id), _text(name), _number(request.retries), _text(request.hostname), task)
    return NO_RUN


def celery_is_loaded() -> bool:
    """Whether this process may have an app at all."""
    return "celery" in sys.modules


def app_of_this_thread() -> Celery | None:
    """Return the app that Celery calls the current one, None where nobody made one in this thread.

    Source: `celery._state`; the public `current_app` makes an app on amqp://localhost where there is none.
    """
    return getattr(_celery_state("_tls"), "current_app", None)


def only_app() -> Celery | None:
    """Return the only app that somebody made in this process, None where there is none or a choice.

    Celery's current app is per thread: a thread of a web server often has none though the process does.
    """
    active_apps = _celery_state("_get_active_apps")
    apps = [app for app in active_apps() if app.set_as_current] if active_apps else []
    return apps[0] if len(apps) == 1 else None


@lru_cache(maxsize=1)
def this_process() -> str:
    """Return what tokens say of this process, read once; a forked child reads its own."""
    return write_process(
        pid=os.getpid(),
        parent_pid=os.getppid(),
        process_started=_process_started(),
        boot_id=_boot_and_pid_namespace(),
        host=socket.gethostname(),
    )


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=this_process.cache_clear)


def _process_started() -> str | None:
    """Return the process's start in clock ticks since boot, None where there is no Linux /proc.

    Source: proc(5). The second field is the command's name in parentheses, and may hold spaces and parentheses itself.
    """
    after_name = _read("/proc/self/stat").rpartition(") ")[2].split()
    position = START_TIME_FIELD - FIRST_FIELD_AFTER_NAME
    return after_name[position] if len(after_name) > position else None


def _boot_and_pid_namespace() -> str | None:
    """Return what tells machines, boots and the containers of one host apart, None where there is no Linux /proc.

    Source: the kernel's random/boot_id is the host's in every container; /proc/self/ns/pid links to `pid:[4026531836]`.
    """
    boot, namespace = _read("/proc/sys/kernel/random/boot_id")[:8], _pid_namespace()
    return f"{boot}-{namespace}" if boot and namespace else None


def _pid_namespace() -> str:
    try:
        return "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _tasks_of_this_thread() -> Sequence[Any]:
    """Return the tasks that this thread is in, the innermost last.

    Source: `celery._state`; the public `current_task` shows the innermost one only, even if called like a function.
    """
    stack = _celery_state("_task_stack")
    return stack.stack if stack is not None else ()


def _celery_state(name: str) -> Any:
    """Return a part of `celery._state`, None where Celery is not loaded, or another thread is just loading it."""
    return getattr(sys.modules.get("celery._state"), name, None)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int, UUID)) else None  # an id may be given as either


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None

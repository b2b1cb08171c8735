"""Tasks that leave their lock to somebody: by the task's own id to the next try or delivery, by its token to a subtask."""

import os
import time
from typing import Any

from django.core.cache import cache  # after the guest's settings, which its app makes

from tests.guest.app import app, plain

Lock = Any  # of django-redis, which is not typed


@app.task(name="guest_by_id", bind=True)
def guest_by_id(self: Any, name: str, seconds: float) -> None:
    """The lock's value is the id of the task, as Celery's cookbook has it; who finds it held ends at once."""
    if not cache.add(name, self.request.id, timeout=600):
        plain.rpush(f"{name}:refused", os.getpid())
        return
    plain.rpush(f"{name}:taken", os.getpid())
    until = time.monotonic() + seconds
    while time.monotonic() < until and not plain.blpop([f"{name}:go"], timeout=1):
        pass
    cache.delete(name)


@app.task(name="guest_by_id_again", bind=True, max_retries=3)
def guest_by_id_again(self: Any, name: str, countdown: float) -> None:
    """Keeps the lock for its next try."""
    if self.request.retries == 0:
        cache.add(name, self.request.id, timeout=600)
        plain.rpush(f"{name}:taken", os.getpid())
        raise self.retry(countdown=countdown, args=(name, countdown))
    cache.delete(name)


@app.task(name="guest_first")
def guest_first(name: str, seconds: float) -> None:
    """Takes the lock, and ends; a subtask has its token."""
    lock: Lock = cache.lock(name, timeout=600)  # type: ignore[attr-defined]  # django-redis adds it
    lock.acquire(blocking=False)
    plain.rpush(f"{name}:taken", os.getpid())
    app.send_task("guest_second", args=(name, seconds, lock.local.token.decode()), queue="celery")


@app.task(name="guest_second")
def guest_second(name: str, seconds: float, token: str) -> None:
    """Has the lock by its token, and puts it off all the time."""
    lock: Lock = cache.lock(name, timeout=600)  # type: ignore[attr-defined]  # as above
    lock.local.token = token.encode()
    until = time.monotonic() + seconds
    while time.monotonic() < until and not plain.blpop([f"{name}:go"], timeout=1):
        lock.reacquire()
        plain.rpush(f"{name}:put_off", 1)
    lock.release()

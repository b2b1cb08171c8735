"""A real Celery app with tasks that take locks; run as a script it is a prefork worker, imported it is a plain sender.

`BROKER_URL` and `CACHE_URL` come from the environment. Tasks answer by RPUSH and wait by BLPOP, both on the cache.
"""

import hashlib
import json
import os

from celery import Celery
from redis.exceptions import LockError, LockNotOwnedError

from dashboard.locking import HolderRedis

BARRIER_SECONDS = 30

app = Celery("locking_tests", broker=os.environ["BROKER_URL"])
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
cache = HolderRedis.from_url(os.environ["CACHE_URL"], socket_timeout=60)


@app.task(name="locking_hold")
def hold(key, told, barrier):
    """Hold the lock until the barrier falls."""
    with cache.lock(key, timeout=60):
        cache.rpush(told, os.getpid())
        cache.blpop([barrier], timeout=BARRIER_SECONDS)


@app.task(name="locking_wait")
def wait_for_lock(key, told, barrier, wait=None):
    """Wait for a lock that is held: until it is released, or for `wait` seconds, or until a soft time limit."""
    lock = cache.lock(key, timeout=60, sleep=0.02, blocking_timeout=wait)
    acquired = lock.acquire()
    cache.rpush(told, json.dumps({"acquired": acquired, "digest": digest(cache.get(key))}))
    if acquired:
        cache.blpop([barrier], timeout=BARRIER_SECONDS)
        lock.release()


@app.task(name="locking_lose")
def lose(key, told, how):
    """Take a lock, and find on leaving it that it is no longer held."""
    lock = cache.lock(key, timeout=60)
    lock.acquire()
    taken = digest(cache.get(key))
    cache.delete(key)
    try:
        {"release": lock.release, "extend": lambda: lock.extend(5), "reacquire": lock.reacquire}[how]()
    except LockNotOwnedError as error:
        cache.rpush(told, json.dumps({"raised": type(error).__name__, "digest": taken}))


def digest(token):
    return hashlib.sha256(token).hexdigest()[:16]


@app.task(name="locking_be_refused", bind=True, max_retries=1)
def be_refused(self, key, told, barrier=None, how="with", wait=None, retry=False, about_to=None):
    """Try to take a lock that is held, and tell how many seconds that cost."""
    if about_to:
        cache.rpush(about_to, 1)
    if barrier:
        cache.blpop([barrier], timeout=BARRIER_SECONDS)
    if retry and self.request.retries == 0:
        raise self.retry(countdown=0, queue="locking")
    try_lock(key, how, wait)
    cache.rpush(told, json.dumps({"pid": os.getpid(), "ppid": os.getppid()}))


@app.task(name="locking_call_another")
def call_another(key, told, eagerly):
    """Take a lock in a task that is called from this one, like a function or eagerly."""
    if eagerly:
        inner.apply(args=(key, told))
    else:
        inner(key, told)


@app.task(name="locking_inner")
def inner(key, told):
    with cache.lock(key, timeout=60):
        cache.rpush(told, cache.get(key))


def try_lock(key, how, wait):
    if how == "acquire":
        return cache.lock(key, timeout=5).acquire(blocking=False)
    try:
        with cache.lock(key, timeout=5, blocking=wait is not None, blocking_timeout=wait):
            return True
    except LockError:
        return False


if __name__ == "__main__":
    app.worker_main(["worker", "-P", "prefork", "-c", "2", "-Q", "locking", "-n", "locks@tests", "-l", "INFO"])

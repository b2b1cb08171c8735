"""A guest whose tasks are locked when they are sent (celery-once, celery-singleton), and whose schedule is RedBeat's: the libraries themselves."""

import os

from celery import Celery
from celery_once import QueueOnce
from celery_singleton import Singleton
from redis import Redis

SERVER = os.environ["GUEST_SERVER"]

app = Celery("at_send", broker=f"{SERVER}/0")
app.conf.update(
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_ignore_result=True,
    ONCE={"backend": "celery_once.backends.Redis", "settings": {"url": f"{SERVER}/0", "default_timeout": 600}},
    singleton_backend_url=f"{SERVER}/0",
    singleton_lock_expiry=int(os.environ.get("GUEST_SINGLETON_EXPIRY", "600")),
    redbeat_redis_url=f"{SERVER}/0",
    redbeat_lock_timeout=60,
    beat_max_loop_interval=1,
)
plain = Redis.from_url(f"{SERVER}/3", socket_timeout=60)


def work(name: str) -> None:
    """Say that it runs, and go on until it is told to end."""
    plain.rpush(f"{name}:taken", os.getpid())
    plain.blpop([f"{name}:go"], timeout=40)


@app.task(name="guest_singleton", base=Singleton)
def guest_singleton(name: str) -> None:
    work(name)


@app.task(name="guest_once", base=QueueOnce)
def guest_once(name: str) -> None:
    work(name)

"""The libraries that write locks, each driven by its own API on a real server: what the contract of dialects is tested with."""

import uuid
from hashlib import md5

import celery_once.backends.redis as once_backend
from celery import Celery
from celery.beat import Service
from celery_once import QueueOnce
from celery_singleton import Singleton
from django.core.cache import CacheHandler
from kombu.transport.redis import Mutex
from redbeat.schedulers import RedBeatScheduler, acquire_distributed_beat_lock
from redis import Redis
from redis_lock import Lock as PythonRedisLock

from dashboard.conf import conf
from dashboard.locking import HolderRedis

SECONDS = 60


class Writer:
    """One library; `take` gives the raw key that it wrote, `takes_again` whether a second attempt is let in."""

    alias = "broker"  # the place where it writes: the broker's database, or the watched cache
    dialect = ""
    taken_by = "run"
    is_timed = True  # it gives its locks a time to live by itself

    def __init__(self, url):
        self.url = url
        self.redis = Redis.from_url(f"{url}/{'1' if self.alias == 'shop' else '0'}")

    def take(self):
        raise NotImplementedError

    def takes_again(self):
        raise NotImplementedError


class OfRedisPy(Writer):
    dialect = "redis-py"

    def take(self):
        self.redis.lock("lock_report_7", timeout=SECONDS).acquire()
        return b"lock_report_7"

    def takes_again(self):
        return self.redis.lock("lock_report_7", timeout=SECONDS).acquire(blocking=False)


class OfHolderLock(OfRedisPy):
    dialect = "lockhouse"

    def __init__(self, url):
        super().__init__(url)
        self.redis = HolderRedis.from_url(f"{url}/0")


class OfDjangoRedis(Writer):
    alias, dialect = "shop", "redis-py"

    def __init__(self, url):
        super().__init__(url)
        self.cache = watched_cache()

    def take(self):
        self.cache.lock("lock_report_7", timeout=SECONDS).acquire()
        return b"shop:1:lock_report_7"

    def takes_again(self):
        return self.cache.lock("lock_report_7", timeout=SECONDS).acquire(blocking=False)


class OfCeleryOnce(Writer):
    dialect, taken_by = "celery-once", "send"

    def __init__(self, url):
        super().__init__(url)
        once_backend.redis = None  # the library keeps its first connection for ever
        app = Celery("once", broker=f"{url}/0", set_as_current=False)
        app.conf.ONCE = {"backend": "celery_once.backends.Redis", "settings": {"url": f"{url}/0", "default_timeout": SECONDS}}

        @app.task(name="emails_send_digest", base=QueueOnce, once={"graceful": True}, shared=False)
        def task(user_id):
            """Never run here: it waits in its queue."""

        self.task = task

    def take(self):
        self.task.apply_async(args=[7], queue="emails")
        return b"qo_emails_send_digest_user_id-7"

    def takes_again(self):
        return self.task.apply_async(args=[7], queue="emails").id is not None


class OfCelerySingleton(Writer):
    dialect, taken_by = "celery-singleton", "send"

    def __init__(self, url):
        super().__init__(url)
        app = Celery("singleton", broker=f"{url}/0", set_as_current=False)
        app.conf.update(singleton_lock_expiry=SECONDS, singleton_backend_url=f"{url}/0")

        @app.task(name="stock_sync", base=Singleton, shared=False)
        def task(shop_id):
            """Never run here: it waits in its queue."""

        self.task = task

    def take(self):
        self.task_id = self.task.apply_async(args=[7], queue="stock").id
        return self.task.generate_lock("stock_sync", [7]).encode()

    def takes_again(self):
        return self.task.apply_async(args=[7], queue="stock").id != self.task_id


class OfRedBeat(Writer):
    dialect, taken_by = "redbeat", "beat"

    def __init__(self, url):
        super().__init__(url)
        self.app = Celery("beat", broker=f"{url}/0", set_as_current=False)
        self.app.conf.update(redbeat_redis_url=f"{url}/0", redbeat_lock_timeout=SECONDS, beat_max_loop_interval=1)

    def take(self):
        self.beat = Service(self.app, scheduler_cls=RedBeatScheduler)
        acquire_distributed_beat_lock(sender=self.beat)
        return b"redbeat::lock"

    def tick(self):
        """What a beat does before it sends: it puts the deadline off."""
        self.beat.scheduler.tick()

    def takes_again(self):
        return self.redis.lock("redbeat::lock", timeout=SECONDS).acquire(blocking=False)


class OfPythonRedisLock(Writer):
    dialect = "python-redis-lock"

    def take(self):
        PythonRedisLock(self.redis, "report_7", expire=SECONDS).acquire()
        return b"lock:report_7"

    def takes_again(self):
        return PythonRedisLock(self.redis, "report_7", expire=SECONDS).acquire(blocking=False)


class OfCacheAdd(Writer):
    """As in Celery's cookbook: "ensuring a task is only executed one at a time"."""

    alias, dialect = "shop", "cache.add"
    value: object = str(uuid.uuid3(uuid.NAMESPACE_OID, "an app"))  # what app.oid is
    options: dict[str, object] = {}

    def __init__(self, url):
        super().__init__(url)
        self.cache = watched_cache(**self.options)
        self.name = f"feed.tasks.import_feed-lock-{md5(b'https://example.org/feed').hexdigest()}"

    def take(self):
        self.takes_again()
        return f"shop:1:{self.name}".encode()

    def takes_again(self):
        return self.cache.add(self.name, self.value, SECONDS)


class OfCacheAddTaskId(OfCacheAdd):
    value = "d9c26803-1111-4222-8333-444455556666"


class OfCacheAddTaskIdInJson(OfCacheAddTaskId):
    options = {"SERIALIZER": "django_redis.serializers.json.JSONSerializer", "COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"}


class OfCacheAddTrue(OfCacheAdd):
    value = True


class OfCacheAddNumber(OfCacheAdd):
    value = 1


class OfKombu(Writer):
    dialect, taken_by = "kombu", "broker"

    def take(self):
        self.mutex = Mutex(self.redis, "unacked_mutex", SECONDS)
        self.mutex.__enter__()
        return b"unacked_mutex"


WRITERS = {
    "redis-py": OfRedisPy,
    "django-redis": OfDjangoRedis,
    "HolderLock": OfHolderLock,
    "celery-once": OfCeleryOnce,
    "celery-singleton": OfCelerySingleton,
    "RedBeat": OfRedBeat,
    "python-redis-lock": OfPythonRedisLock,
    "cache.add of an app's oid": OfCacheAdd,
    "cache.add of a task id": OfCacheAddTaskId,
    "cache.add of a task id, JSON and zlib": OfCacheAddTaskIdInJson,
    "cache.add of True": OfCacheAddTrue,
    "cache.add of 1": OfCacheAddNumber,
    "kombu": OfKombu,
}


def watched_cache(**options):
    """The watched cache `shop` as its own project has it."""
    settings = {**conf().CACHES["shop"], "OPTIONS": options}
    return CacheHandler({"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, "shop": settings})["shop"]

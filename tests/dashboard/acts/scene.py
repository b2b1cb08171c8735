"""A watched cache with locks in it, an observer's snapshot of them, and people with permissions."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from django.contrib.auth.models import Permission, User
from redis import Redis
from redis.lock import Lock

from dashboard import connections, snapshot
from dashboard.acts.refusals import Refused
from dashboard.acts.release import execute, plan_release
from dashboard.locking.holder import Run as HolderRun
from dashboard.locking.token import write_process, write_token
from dashboard.records import HeldLock, Run, Snapshot, SourceState, Worker
from dashboard.sources.locks import lock_id, read_lock

WORKER = "celery@web-1"
GONE_PID, PARENT_PID = 815, 801
PREFIX = b"shop:1:"
VIEWER = ("view_locks",)
OPERATOR = ("view_locks", "view_payloads", "send_tasks", "revoke_runs", "release_lock", "view_acts")
AUDITOR = ("view_locks", "view_acts")
ADMINISTRATOR = (*OPERATOR, "force_release_lock")
_versions = itertools.count(1)


def make_user(name: str, permissions: Sequence[str] = ()) -> User:
    user = User.objects.create_user(name)  # without a password: they are logged in by force
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lockhouse", codename__in=permissions))
    return user


def orphan_token(task_id: str = "d9c26803-1111-4222-8333-444455556666") -> bytes:
    """The token of a run whose process its worker no longer has."""
    process = write_process(pid=GONE_PID, parent_pid=PARENT_PID, process_started="100814", boot_id="b00t", host="web-1")
    return write_token(HolderRun(task_id, "reports_prepare_massive_report", 0, WORKER), process)


def living_worker(now: datetime) -> Worker:
    """It was asked a moment ago: GONE_PID is none of its processes."""
    return Worker(
        name=WORKER,
        pid=PARENT_PID,
        first_heard_at=now - timedelta(hours=1),
        last_heard_at=now,
        answered_at=now,
        asked_at=now,
        pool="prefork",
        processes=(900, 901),
        concurrency=2,
        queues=("reports",),
        active=(),
        pool_read_at=now,
        alone_since=now - timedelta(hours=1),
        spoke_alone_at=now - timedelta(seconds=11),  # it alone has this name, as was known before the locks were taken
    )


@dataclass
class Scene:
    """Database 1 of the test's server is the cache `shop`, whose prefix is `shop:1:`."""

    redis: Redis  # of the watched cache

    def take(self, name: str = "lock_report_7", *, token: bytes | None = None, timeout: float | None = 60) -> bytes:
        """Take a lock as `cache.lock` does; the key."""
        key = PREFIX + name.encode("utf-8", "surrogateescape")
        lock: Any = Lock(self.redis, cast(Any, key), timeout=timeout, blocking=False)  # bytes are fine, only the types know text alone
        assert lock.acquire(token=token), "the lock was held already"
        return key

    def orphan(self, name: str = "lock_report_7", *, timeout: float | None = 60) -> HeldLock:
        """A lock left behind, as the observer has seen it for ten seconds."""
        return self.see(self.take(name, token=orphan_token(), timeout=timeout))

    def plain(self, name: str = "lock_report_7", *, timeout: float | None = 60) -> HeldLock:
        """A lock of somebody unknown."""
        return self.see(self.take(name, timeout=timeout))

    def see(self, *keys: bytes, runs: Sequence[Run] = ()) -> HeldLock:
        """Put a snapshot with what is under these keys now, and these runs; the first of the locks."""
        now = datetime.now(UTC)
        place = connections.watched_one("shop")
        found = [read_lock(self.redis, place, key, now) for key in keys]
        self.put([replace(lock, first_seen_at=now - timedelta(seconds=10)) for lock in found if lock is not None], runs=runs)
        first = found[0]
        assert first is not None, "there is something under the key"
        return first

    def put(self, locks: Sequence[HeldLock], at: datetime | None = None, *, runs: Sequence[Run] = ()) -> None:
        now = at or datetime.now(UTC)
        number = next(_versions)
        sources = tuple(SourceState(name=name, ok=True, since=now, last_good_at=now) for name in ("broker", "cache shop", "workers", "events"))
        active = tuple(run.task_id for run in runs if run.worker == WORKER and run.last_active_at is not None)
        worker = replace(living_worker(now), active=active, active_at=now)
        known = Snapshot(at=now, version=number, locks=tuple(locks), runs=tuple(runs), workers=(worker,), sources=sources)
        assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, number), set(snapshot.SECTIONS), epoch=1)

    def value(self, key: bytes) -> object:
        return self.redis.get(key)

    def id_of(self, key: bytes) -> str:
        return lock_id("shop", key)


def tell_note(source: str, note: str) -> None:
    """The observer says of this source what it does not see of it."""
    known = snapshot.newest()
    told = SourceState(name=source, ok=True, since=datetime.now(UTC), last_good_at=known.at, notes=(note,))
    others = tuple(one for one in known.sources if one.name != source)
    again = replace(known, version=known.version + 1, sources=(*others, told))
    assert snapshot.put(connections.own(), again, dict.fromkeys(snapshot.SECTIONS, again.version), set(snapshot.SECTIONS), epoch=1)


def code_of(call) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


@pytest.fixture
def scene(watching: str) -> Scene:
    return Scene(redis=Redis.from_url(f"{watching}/1"))


def release(user: User, lock: HeldLock, reason: str = "its worker died", typed_name: str = "", session: str = "session"):
    """Plan and execute, as one page does."""
    plan = plan_release(user, session, lock.id, lock.token_digest)
    return execute(user, session, plan.signed, reason, typed_name)

"""Values for tests that need no I/O: every record with sensible defaults, changed by keyword."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from dashboard.records import (
    CachedResult,
    Claim,
    FlowReading,
    HeldLock,
    Lane,
    QueueReading,
    Run,
    ScheduleReading,
    Snapshot,
    SourceState,
    Span,
    TaskReading,
    Worker,
)

NOW = datetime(2026, 11, 23, 14, 7, 41, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def make_claim(**changes: Any) -> Claim:
    known = {
        "attempted_at": ago(seconds=80),
        "node": "0242ac110002",
        "task_id": "d9c26803-1111-4222-8333-444455556666",
        "task_name": "reports_prepare_massive_report",
        "retries": 0,
        "worker": "worker-b@web-2",
        "pid": 811,
        "parent_pid": 790,
        "process_started": "12345",
        "boot_id": "b00t",
        "host": "web-2",
    }
    return Claim(**(known | changes))


def make_lock(**changes: Any) -> HeldLock:
    name = changes.get("name", "lock_report_12")
    known = {
        "id": f"{abs(hash(name)):016x}"[:16],
        "cache": "default",
        "key": f":1:{name}",
        "name": name,
        "raw_key": f":1:{name}".encode(),
        "dialect": "lockhouse",
        "token_digest": "0123456789abcdef",
        "claim": make_claim(),
        "expires_at": NOW + timedelta(seconds=1120),
        "timeout": timedelta(minutes=20),
        "acquired_at": ago(seconds=80),
        "first_seen_at": ago(seconds=80),
        "seen_at": ago(seconds=0.4),
    }
    return HeldLock(**(known | changes))


def make_no_lock(**changes: Any) -> HeldLock:
    """A key of another type under a lock's name."""
    known = {"name": "lock_hash", "dialect": "not-a-lock", "note": "wrong-type:hash", "token_digest": "", "claim": None, "timeout": None, "acquired_at": None}
    return make_lock(**(known | changes))


def make_run(**changes: Any) -> Run:
    known = {
        "task_id": "d9c26803-1111-4222-8333-444455556666",
        "name": "reports_prepare_massive_report",
        "worker": "worker-b@web-2",
        "pid": 811,
        "queue": "reports",
        "args": "(12,)",
        "received_at": ago(seconds=81),
        "started_at": ago(seconds=80.1),
        "last_active_at": ago(seconds=0.8),
    }
    return Run(**(known | changes))


def make_worker(**changes: Any) -> Worker:
    known = {
        "name": "worker-b@web-2",
        "pid": 790,
        "first_heard_at": ago(hours=2),
        "last_heard_at": ago(seconds=1),
        "answered_at": ago(seconds=0.8),
        "asked_at": ago(seconds=0.9),
        "pool": "prefork",
        "processes": (811, 812),
        "concurrency": 2,
        "queues": ("reports",),
        "tasks": ("reports_prepare_massive_report",),
        "active": ("d9c26803-1111-4222-8333-444455556666",),
        "active_at": ago(seconds=0.9),
        "alone_since": changes.get("first_heard_at", ago(hours=2)),
        "spoke_alone_at": changes.get("active_at", ago(seconds=0.9)),
        "vitals_at": ago(seconds=1),
        "pool_read_at": ago(seconds=0.8),
    }
    return Worker(**(known | changes))


def make_queue(**changes: Any) -> QueueReading:
    name = changes.get("name", "reports")
    raw = name.encode("utf-8", "surrogatepass")
    known = {"name": name, "id": sha256(raw).hexdigest()[:16], "raw_name": raw, "ready": 0, "unacked": 0, "eta": 0, "consumers": ("worker-b@web-2",)}
    return QueueReading(**(known | changes))


def make_lane(lock: HeldLock, **changes: Any) -> Lane:
    span = Span(from_at=lock.acquired_at or lock.first_seen_at, to_at=None, token_digest=lock.token_digest)
    return Lane(**({"lock_id": lock.id, "cache": lock.cache, "name": lock.name, "spans": (span,), "refused_at": ()} | changes))


def make_source(name: str = "cache default", **changes: Any) -> SourceState:
    return SourceState(**({"name": name, "ok": True, "since": ago(hours=1), "last_good_at": ago(seconds=0.4), "mode": "tracking"} | changes))


def make_result(**changes: Any) -> CachedResult:
    name = changes.get("name", "server_7")
    known = {
        "id": f"{abs(hash(name)):016x}"[:16],
        "cache": "shop",
        "key": f"shop:1:{name}",
        "name": name,
        "raw_key": f"shop:1:{name}".encode(),
        "payload_bytes": 120,
        "expires_at": NOW + timedelta(seconds=300),
        "first_seen_at": NOW,
        "pattern": "server_{id}",
        "task": "servers_retrieve_info",
    }
    return CachedResult(**(known | changes))


def make_task(**changes: Any) -> TaskReading:
    known = {
        "name": "reports_prepare_massive_report",
        "first_seen_at": ago(hours=2),
        "last_seen_at": ago(seconds=1),
        "last_sent_at": ago(seconds=80),
        "queues": ("reports",),
        "counted_since": ago(hours=2),
    }
    return TaskReading(**(known | changes))


def make_schedule(**changes: Any) -> ScheduleReading:
    name = changes.get("name", "notify a user")
    known = {
        "id": f"{abs(hash(name)):016x}"[:16],
        "name": name,
        "source": "beat_schedule",
        "task": "notify",
        "args": "[42]",
        "queue": "celery",
        "schedule": "every 10 s",
        "interval": timedelta(seconds=10),
    }
    return ScheduleReading(**(known | changes))


def make_snapshot(**sections: Any) -> Snapshot:
    """One moment in which everything answers: the given sections, else one held lock with its living holder."""
    known = {
        "at": ago(seconds=0.4),
        "version": 1,
        "locks": (make_lock(),),
        "runs": (make_run(),),
        "workers": (make_worker(),),
        "queues": (make_queue(),),
        "flow": FlowReading(since=ago(hours=1)),
        "sources": (make_source("broker", mode=None), make_source("cache default"), make_source("workers", mode=None), make_source("events", mode="receiving")),
    }
    return Snapshot(**(known | sections))

"""What is written of a run: one tuple, in the order of COLUMNS, with names as text where the table has their numbers.

What is not known is 0 or "", a runtime -1: so the better known of two rows of one run is the larger in every column, and a row may be written twice, late, or
before an older one, and the same remains.
"""

from dataclasses import dataclass, field
from hashlib import sha256

COLUMNS = (
    "id", "key", "retries", "outcome", "task", "worker", "queue", "lock", "signature",
    "sent_us", "received_us", "started_us", "ended_us", "heard_us", "refused_us", "runtime_us", "pid", "parent_pid", "redelivered",
    "task_id", "eta", "expires", "origin", "parent_id", "root_id", "args", "kwargs", "result", "error", "traceback", "lock_id",
)  # fmt: skip
NAMES = {4: 1, 5: 2, 6: 3, 7: 4, 8: 5}  # place in a row -> kind of name
TASK, WORKER, QUEUE, LOCK, SIGNATURE = 1, 2, 3, 4, 5
Row = tuple[int | str, ...]
US = 1_000_000
LOCKS_DELETED = "locks-gone"  # why a time is unknown: more was told of locks than is kept
CACHE_UNSEEN = "cache"  # the same: a cache did not answer, so nothing is known of its locks
NOBODY = frozenset({"no-observer", "before"})  # the same: nobody looked at anything
IDS_PER_US = 256

GOING, UNTOLD, LOST, RETRIED, REJECTED, REVOKED, FAILED, SUCCEEDED, REFUSED = range(9)
CODES = {None: GOING, "UNKNOWN": UNTOLD, "LOST": LOST, "RETRY": RETRIED, "REJECTED": REJECTED, "REVOKED": REVOKED, "FAILURE": FAILED, "SUCCESS": SUCCEEDED}
STATES = ("going", "unknown", "lost", "retried", "rejected", "revoked", "failed", "succeeded", "refused")  # as the judge calls them


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time of which something is missing: told again with another end, it is the same one that went on."""

    from_us: int
    to_us: int
    why: str  # of models.history.WHYS; "before": before there was an observer, which is nowhere written
    how_many: int | None = None
    cache: str = ""  # whose locks alone are missing; "": of everything


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteRow:
    """How the runs of one name ended within one minute, since this time of leading began."""

    minute: int  # since 1970
    kind: int
    name: str
    counts: tuple[int, ...]  # succeeded, failed, refused, retried, revoked, rejected, lost
    runtimes: bytes  # a sketch


@dataclass(slots=True, kw_only=True)
class Batch:
    """What is written together."""

    rows: list[Row] = field(default_factory=list)
    minutes: list[MinuteRow] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    locks: list[Row] = field(default_factory=list)  # history.lock_rows


def key_of(task_id: str) -> int:
    """The number that stands for the 16 hex digits of `records.identity`."""
    return int.from_bytes(sha256(task_id.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)


def key_of_identity(identity: str) -> int | None:
    """The same of the 16 hex digits themselves; None for anything else."""
    try:
        return int.from_bytes(bytes.fromhex(identity), "big", signed=True) if len(identity) == 16 else None
    except ValueError:
        return None

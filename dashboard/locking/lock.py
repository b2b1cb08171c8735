"""A redis-py lock that says who holds it, and reports when it was refused; otherwise exactly a `redis.lock.Lock`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redis.lock import Lock

from dashboard.locking.holder import current_run, this_process
from dashboard.locking.report import report_refused
from dashboard.locking.token import write_token

if TYPE_CHECKING:
    from redis.typing import Number


class HolderLock(Lock):
    """A lock whose token names its holder; the commands and their number are those of a plain lock."""

    def acquire(
        self,
        sleep: Number | None = None,
        blocking: bool | None = None,
        blocking_timeout: Number | None = None,
        token: str | bytes | None = None,
    ) -> bool:
        """Return True once the lock is held, False if the attempt was refused, which is then reported, once.

        A token of the caller's own is used as it is.  Raises: what redis-py raises; then nothing is reported.
        """
        run, began = current_run(), time.monotonic()
        ours: Any = write_token(run, this_process()) if token is None else token  # redis-py's types forget the bytes
        acquired = super().acquire(sleep=sleep, blocking=blocking, blocking_timeout=blocking_timeout, token=ours)
        if not acquired:
            report_refused(self.name, time.monotonic() - began, run)
        return bool(acquired)

"""A redis-py lock that says who holds it, and reports when it was refused, waits or was lost; otherwise exactly a `redis.lock.Lock`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import LockNotOwnedError
from redis.lock import Lock

from .holder import current_run, this_process
from .report import Attempt, report_lost, report_refused, report_waiting
from .token import write_token

if TYPE_CHECKING:
    from redis.typing import Number


def _bytes(token: str | bytes) -> bytes:
    return token.encode() if isinstance(token, str) else token


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

        A token of the caller's own is used as it is.  Raises: what redis-py raises; then nothing is reported, unless it waited.
        """
        run, began = current_run(), time.monotonic()
        ours: Any = write_token(run, this_process()) if token is None else _bytes(token)  # redis-py's types forget the bytes
        if self.do_acquire(ours):  # as redis-py's acquire does, less what it costs to encode bytes
            self.local.token = ours
            return True
        attempt = Attempt(self.name, ours, began, run)
        pause = self.sleep if sleep is None else sleep
        limit = self.blocking_timeout if blocking_timeout is None else blocking_timeout
        if (self.blocking if blocking is None else blocking) and (limit is None or attempt.seconds() + pause <= limit):
            return self._wait(attempt, pause, limit)
        report_refused(attempt)
        return False

    def _wait(self, attempt: Attempt, pause: float, limit: float | None) -> bool:
        """Try on as redis-py does: after each pause, as long as the next try is within the limit."""
        report_waiting(attempt, limit)
        token: Any = attempt.token
        try:
            time.sleep(pause)
            left = None if limit is None else max(0.0, limit - attempt.seconds())
            acquired = super().acquire(sleep=pause, blocking=True, blocking_timeout=left, token=token)
        except BaseException as error:  # a soft time limit is one; who looks on must not see it wait for ever
            report_refused(attempt, given_up_by=type(error).__name__)
            raise
        if not acquired:
            report_refused(attempt)
        return bool(acquired)

    def do_release(self, expected_token: Any) -> None:
        """Release it, or report that it was lost before."""
        try:
            super().do_release(expected_token)
        except LockNotOwnedError:
            report_lost(self.name, expected_token, "release")
            raise

    def do_extend(self, additional_time: Any, replace_ttl: bool) -> Any:
        """Add time, or report that it was lost before."""
        try:
            return super().do_extend(additional_time, replace_ttl)
        except LockNotOwnedError:
            report_lost(self.name, self.local.token, "extend")
            raise

    def do_reacquire(self) -> Any:
        """Start the timeout anew, or report that it was lost before."""
        try:
            return super().do_reacquire()
        except LockNotOwnedError:
            report_lost(self.name, self.local.token, "reacquire")
            raise

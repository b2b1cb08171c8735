"""One observer leads, the others stand by: a plain Redis lock of ours, renewed every second and free again 4 s after its holder died."""

import os
import socket
import threading
from datetime import UTC, datetime
from time import monotonic

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from dashboard import snapshot
from dashboard.conf import own_key
from dashboard.records import Snapshot

LEASE_MS = 4000
RENEW_S = 1.0

# Renews only what is still ours.
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
RESIGN = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def own_name() -> str:
    """How this observer calls itself: host and pid."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Leadership:
    """The lease, held or not."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._key = own_key("leader")
        self._name = own_name()
        self.epoch = 0

    def take(self) -> bool:
        """Lead, where nobody does; the epoch then outranks everything that was written before.  Raises: redis' errors."""
        if not self._redis.set(self._key, self._name, nx=True, px=LEASE_MS):
            return False
        self.epoch = self._next_epoch()
        snapshot.claim(self._redis, self._key, self._name, epoch=self.epoch)
        return True

    def _next_epoch(self) -> int:
        counter = f"{self._key}:epoch"
        try:
            return int(self._redis.incr(counter))
        except ResponseError:  # somebody wrote something else there, or the greatest number there is
            self._redis.set(counter, 1)
            return 1

    def renew(self) -> bool:
        """Whether we still lead.  Raises: redis' errors."""
        return bool(self._redis.eval(RENEW, 1, self._key, self._name, LEASE_MS))

    def inherited(self, stop: threading.Event) -> Snapshot:
        """What the leader before wrote; while our Redis hangs it is asked again, for what we write takes its place."""
        until = monotonic() + LEASE_MS / 1000
        while True:
            last = snapshot.Reader().newest(self._redis)
            if all(source.ok for source in last.sources if source.name == snapshot.OWN_SOURCE):
                return last
            if self._is_answered():
                return snapshot.Reader().newest(self._redis)  # what cannot be read now never can be
            if monotonic() >= until or stop.wait(RENEW_S):
                return last

    def _is_answered(self) -> bool:
        """Whether our Redis is there; the lease then goes on."""
        try:
            self.renew()
        except RedisError:
            return False
        return True

    def resign(self) -> None:
        self._redis.eval(RESIGN, 1, self._key, self._name)

    def stand_by(self) -> str:
        """Say that we are here; the name of the leader, "nobody" where there is none.  Raises: redis' errors."""
        self._redis.zadd(f"{self._key}:standby", {self._name: datetime.now(UTC).timestamp()})
        leader = self._redis.get(self._key)
        return leader.decode() if isinstance(leader, bytes) else "nobody"

    def standbys(self) -> tuple[str, ...]:
        """Those that said within 5 s that they stand by.  Raises: redis' errors."""
        now = datetime.now(UTC).timestamp()
        self._redis.zremrangebyscore(f"{self._key}:standby", "-inf", now - 5)
        names = self._redis.zrange(f"{self._key}:standby", 0, 20)
        return tuple(name.decode() for name in names if name.decode() != self._name)  # type: ignore[union-attr]  # as above

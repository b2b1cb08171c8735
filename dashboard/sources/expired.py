"""The tokens of locks that expired, for an hour in our own Redis: one whose run goes on can be put back. Never in a page, a log or the database.

A bounded number, for anybody who writes locks that expire has us remember them: the oldest of a lock, or of all, is forgotten for a new one.
"""

from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.exceptions import RedisError

from dashboard.conf import own_key

KEPT_FOR = timedelta(hours=1)  # an overrun that nobody noticed for so long is no longer protected
MAX_KEPT_OF_ONE = 5  # of one lock: runs that go on without it side by side
MAX_KEPT = 2_000

# KEYS: the token's, the list of all, the list of its lock; ARGV: token, seconds, now, what the keys of tokens begin with, the rest of this one, the most of
# all, the most of one lock. The lists say the rest alone, so that whoever wrote into them has nothing else deleted.
REMEMBER = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
for number = 2, 3 do
  redis.call('ZREMRANGEBYSCORE', KEYS[number], '-inf', ARGV[3] - ARGV[2])
  redis.call('ZADD', KEYS[number], ARGV[3], ARGV[5])
  redis.call('EXPIRE', KEYS[number], ARGV[2])
  for _, rest in ipairs(redis.call('ZRANGE', KEYS[number], 0, -1 - ARGV[number + 4])) do
    redis.call('DEL', ARGV[4] .. rest)
    redis.call('ZREM', KEYS[2], rest)
    redis.call('ZREM', KEYS[3], rest)
  end
end
"""


def _rest(lock_id: str, token_digest: str) -> str:
    return f"{lock_id}:{token_digest}"


def remember(own: Redis, lock_id: str, token_digest: str, token: bytes) -> None:
    """Keep it; where our own Redis does not answer it is forgotten, and the lock cannot be put back.  Cost: one round trip.  Never raises."""
    beginning, rest = own_key("expired", ""), _rest(lock_id, token_digest)
    keys = (beginning + rest, own_key("expired-all"), own_key("expired-of", lock_id))
    limits = (int(KEPT_FOR.total_seconds()), datetime.now(UTC).timestamp(), beginning, rest, MAX_KEPT, MAX_KEPT_OF_ONE)
    try:
        own.eval(REMEMBER, len(keys), *keys, token, *limits)
    except RedisError:
        return


def recall(own: Redis, lock_id: str, token_digest: str) -> bytes | None:
    """The token; None: not known, or our own Redis does not answer."""
    try:
        found = own.get(own_key("expired", _rest(lock_id, token_digest)))
    except RedisError:
        return None
    return found if isinstance(found, bytes) else None

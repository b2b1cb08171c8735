"""The commands that change the watched Redis, and how they are sent: each once, never again by the driver, and never late.

A command that Redis carries out long after it was sent would surprise whoever believes that it failed. So each script carries a time
by the server's own clock, after which it does nothing; when that has passed, what a look shows is final.
"""

from typing import Any

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from dashboard import connections
from dashboard.acts.values import Answer, Target, unreachable

VALID_MS = 2000  # longer than connections.TIMEOUT_S, so that only a server that we gave up on refuses

# Deletes the key only while it holds the very token that the operator saw.
# KEYS[1] the lock, KEYS[2] the list by which its library wakes those who wait, where it has one; what is no list there is another's, and stays.
# ARGV: token, valid until, how long that list lives.
# Answers: [word], for "released" with the PTTL that was left and the server's time.
RELEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {'gone'} end
if kind ~= 'string' then return {'type', kind} end
if redis.call('STRLEN', KEYS[1]) ~= #ARGV[1] or redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'changed'} end
local left = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
local beside = KEYS[2] and redis.call('TYPE', KEYS[2]).ok
if beside == 'none' or beside == 'list' then
  redis.call('DEL', KEYS[2])
  redis.call('LPUSH', KEYS[2], 1)
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return {'released', left, now}
"""

# Puts a token back with what is left until its own deadline, unless somebody took the key.
# KEYS[1] the lock; ARGV: token, valid until, deadline (-1: never expires).  Answers: [word].
RESTORE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
local deadline = tonumber(ARGV[3])
local done
if deadline == -1 then
  done = redis.call('SET', KEYS[1], ARGV[1], 'NX')
elseif deadline <= now then
  return {'expired'}
else
  done = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', deadline - now)
end
if done then return {'restored'} end
return {'taken'}
"""


class ScriptError(Exception):
    """No answer that says what the script did."""


class NotSentError(ScriptError):
    """Redis could not be reached: nothing was sent."""


class RejectedError(ScriptError):
    """Redis answered that it does not carry out the command (no permission, read-only replica, out of memory ...)."""


class NoAnswerError(ScriptError):
    """The command was sent, and the connection broke or hung before an answer: it may have been carried out."""


def run(target: Target, script: str, *arguments: bytes | int, beside: bytes | None = None) -> list[Any]:
    """The script's answer, its first part a word; `beside`: a second key.

    Not through the client, for it sends again after an error, and the second answer would hide what the first one did.
    Cost: one round trip.  Raises: NotSentError, RejectedError, NoAnswerError.
    """
    pool = connections.act(target.place).connection_pool
    try:
        connection = pool.get_connection()
    except RedisError as error:
        raise NotSentError(str(error)) from error
    try:
        keys = [target.raw_key] if beside is None else [target.raw_key, beside]
        connection.send_command("EVAL", script, len(keys), *keys, *arguments)
        word, *rest = connection.read_response()
    except (ResponseError, BusyLoadingError, AuthenticationError) as error:
        raise RejectedError(str(error)[:200]) from error
    except RedisError as error:
        connection.disconnect()
        raise NoAnswerError(str(error)) from error
    finally:
        pool.release(connection)
    return [word.decode(), *rest]


def answer_to(error: ScriptError, target: Target) -> Answer:
    """What is told of an act whose script did not say what it did."""
    match error:
        case NotSentError():
            return unreachable(f"cache {target.place.alias}", str(error))
        case RejectedError():
            return Answer(state="failed", code="rejected", values={"reason": str(error)})
        case _:
            return Answer(state="unknown", code="no_answer")

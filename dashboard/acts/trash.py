"""The commands that put a cache entry into the trash and back: renamed on its own server, so that nothing is copied and nothing lost.

A trashed value keeps its memory for KEPT_FOR, then Redis lets go of it.
"""

import uuid
from datetime import timedelta

from dashboard.acts import scripts
from dashboard.acts.values import Target
from dashboard.conf import OWN_KEYS
from dashboard.models import TRASHED_FOR

KEPT_FOR = TRASHED_FOR
NEVER_EXPIRES = -1

# KEYS[1] the entry; ARGV: what it is compared by, valid until, where it goes, for how long in ms, how much of it is compared.
# Answers: [word], for "deleted" with the PTTL that was left and the server's time.
# The digest is that of sources.results.digest_of.
TRASH = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {'gone'} end
if kind ~= 'string' then return {'type', kind} end
local said = redis.call('GETRANGE', KEYS[1], 0, tonumber(ARGV[5]) - 1) .. ':' .. redis.call('STRLEN', KEYS[1])
if string.sub(redis.sha1hex(said), 1, 16) ~= ARGV[1] then return {'changed'} end
local left = redis.call('PTTL', KEYS[1])
redis.call('RENAME', KEYS[1], ARGV[3])
redis.call('PEXPIRE', ARGV[3], ARGV[4])
return {'deleted', left, now}
"""

# KEYS[1] the entry; ARGV: where it is, valid until, its own deadline (-1: never expires).  Answers: [word].
RESTORE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
if redis.call('EXISTS', ARGV[1]) == 0 then return {'emptied'} end
local deadline = tonumber(ARGV[3])
if deadline ~= -1 and deadline <= now then return {'expired'} end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
redis.call('RENAME', ARGV[1], KEYS[1])
if deadline == -1 then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIREAT', KEYS[1], deadline) end
return {'restored'}
"""


def place_in_trash(act_id: uuid.UUID) -> str:
    """The key under which an act keeps what it deleted."""
    return f"{OWN_KEYS}trash:{act_id}"


def put_away(target: Target, digest: str, act_id: uuid.UUID, valid_until_ms: int, compared: int) -> list[object]:
    """Compare and rename.  Cost: one script.  Raises: as scripts.run."""
    kept_ms = KEPT_FOR // timedelta(milliseconds=1)
    return scripts.run(target, TRASH, digest.encode(), valid_until_ms, place_in_trash(act_id).encode(), kept_ms, compared)


def put_back(target: Target, act_id: uuid.UUID, valid_until_ms: int, deadline_ms: int | None) -> str:
    """Rename back, unless the name is taken; what came of it in a word.  Cost: one script.  Raises: as scripts.run."""
    word, *_ = scripts.run(target, RESTORE, place_in_trash(act_id).encode(), valid_until_ms, NEVER_EXPIRES if deadline_ms is None else deadline_ms)
    return str(word)

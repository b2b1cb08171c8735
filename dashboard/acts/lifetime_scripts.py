"""The commands that change how long a lock lasts: each compares the token that the operator saw, in one script, and none is carried out late."""

_CHECKED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {'gone'} end
if kind ~= 'string' then return {'type', kind} end
if redis.call('STRLEN', KEYS[1]) ~= #ARGV[1] or redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'changed'} end
local left = redis.call('PTTL', KEYS[1])
"""

# Adds to the deadline that was seen, unless somebody moved it since.
# ARGV: token, valid until, how much is added in ms, the deadline that was seen, by how much that may be wrong in ms (-1: none was seen).
# Answers: [word], for "done" with the deadline before and the new one, for "moved" with the one that it has.
EXTEND = f"""{_CHECKED}
if left < 0 then return {{'never'}} end
local within = tonumber(ARGV[5])
if within >= 0 and math.abs(now + left - ARGV[4]) > within then return {{'moved', now + left}} end
redis.call('PEXPIRE', KEYS[1], left + ARGV[3])
return {{'done', now + left, now + left + ARGV[3]}}
"""

# ARGV: token, valid until, for how long it lasts from now, in ms.  Answers: as above, the deadline before is -1.
LIMIT = f"""{_CHECKED}
if left >= 0 then return {{'expires', now + left}} end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {{'done', -1, now + ARGV[3]}}
"""

# Puts the token of an expired lock back, if the key is free.
# ARGV: token, valid until, for how long in ms.  Answers: as above, the deadline before is 0.
PROTECT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[2]) then return {'late'} end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[3]) then return {'done', 0, now + ARGV[3]} end
return {'taken'}
"""

# Undoes one of these, unless somebody (the holder, most of all) moved the deadline since.
# ARGV: token, valid until, the deadline before (-1: never expired, 0: was free), the deadline that was set.  Answers: [word].
PUT_BACK = f"""{_CHECKED}
if left < 0 or math.abs(now + left - ARGV[4]) > 5 then return {{'moved'}} end
local before = tonumber(ARGV[3])
if before == -1 then
  redis.call('PERSIST', KEYS[1])
elseif before <= now then
  redis.call('DEL', KEYS[1])
  return {{'freed'}}
else
  redis.call('PEXPIREAT', KEYS[1], before)
end
return {{'put back'}}
"""

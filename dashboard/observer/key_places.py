"""Which lock a worker's report is about, by the key that it gives: looked up, however many locks are held. Pure."""

import re
from collections.abc import Mapping, Sequence

from dashboard.conf import OWN_KEYS
from dashboard.records import HeldLock
from dashboard.redaction import hide_in_name
from dashboard.sources.locks import lock_id

_SPELLED = re.compile(rb"\\x([89a-f][0-9a-f])")  # a byte that is not UTF-8, as Python's backslashreplace spells it


def place_of(key: str, places: Sequence[tuple[str, str]], held: Mapping[str, HeldLock]) -> tuple[str, str, str] | None:
    """The cache, lock id and name that this key has: the lock that is held under it, else the first cache with its prefix; None: in no watched place, or ours.

    `places` are (alias, prefix).
    """
    raw = key.encode()
    for said in (raw, _SPELLED.sub(lambda found: bytes([int(found[1], 16)]), raw)) if b"\\x" in raw else (raw,):
        for alias, _ in places:
            if lock := held.get(lock_id(alias, said)):
                return alias, lock.id, lock.name
    for alias, prefix in sorted(places, key=lambda place: -len(place[1])):
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            return None if name.startswith(OWN_KEYS) else (alias, lock_id(alias, raw), hide_in_name(name))
    return None

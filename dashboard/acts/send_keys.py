"""Keys under which no message may lie: a lock's or a cached value's, where a cache shares the broker's database. No I/O."""

from dashboard import connections
from dashboard.acts.preflight import layout
from dashboard.acts.refusals import Refused
from dashboard.conf import conf
from dashboard.connections import BROKER, Watched, shown_url
from dashboard.records import Snapshot
from dashboard.sources.patterns import compile_patterns, globs_of


def refuse_keys_of_locks(queue: str, known: Snapshot) -> None:
    """A lock that is free has no key: a message there would make one, and nobody could take the lock any more.  Raises: Refused."""
    broker = connections.watched_one(BROKER)
    keys = layout().lists_of(queue.encode("utf-8", "surrogatepass"))
    together = [place for place in connections.watched() if shown_url(place.url) == shown_url(broker.url)]
    if any(_is_of_the_caches(key, together) or _is_held(key, together, known) for key in keys) or _would_be_a_lock(queue, known):
        raise Refused("send_key_of_lock")


def _is_of_the_caches(key: bytes, together: list[Watched]) -> bool:
    return any(place.prefix and key.startswith(place.prefix) for place in together)


def _is_held(key: bytes, together: list[Watched], known: Snapshot) -> bool:
    aliases = {place.alias for place in together}
    return any(lock.raw_key == key and lock.cache in aliases for lock in known.locks)


def _would_be_a_lock(queue: str, known: Snapshot) -> bool:
    """Nobody knows such a queue, and the settings call a name like that a lock."""
    is_known = any(one.name == queue for one in known.queues) or queue in conf().QUEUES
    return not is_known and compile_patterns([*conf().LOCK_PATTERNS, *globs_of(conf().LOCKS)]).match(queue) is not None

"""What the servers under the locks did to them, or may do: flushed, replaced, or set up to delete keys by themselves. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from dashboard.judge.facts import Facts
from dashboard.records import Concern, Evidence, Mishap, Server

BROKER = "broker"  # the place that is the broker's own database
NEWS_FOR = timedelta(minutes=10)


def mishaps(facts: Facts) -> Iterator[Concern]:
    """A row for each time that locks went all at once, the latest first, while that is news."""
    for one in reversed(facts.snapshot.mishaps):
        if facts.now - one.at < NEWS_FOR:
            yield Concern(kind="locks-gone", subject=source_of(one.place), evidence=[_went(one)])


def _went(one: Mishap) -> Evidence:
    return Evidence(code=f"went_{one.kind}", values={"db": one.db, "at": one.at, "count": one.count, "names": list(one.names)})


def standing_dangers(facts: Facts) -> Iterator[Concern]:
    """A row for each server that may delete locks by itself, and for each database of the broker that a cache may flush."""
    for servers in _each(facts).values():
        if servers[0].evicts:
            code = "server_evicts_any" if servers[0].evicts_queues else "server_evicts"
            values = {"policy": servers[0].policy, "evicted": servers[0].evicted}
            yield Concern(kind="evicts", subject=source_of(servers[0].place), evidence=[Evidence(code=code, values=values)])
        broker = next((server for server in servers if server.place == BROKER), None)
        caches = [server.place for server in servers if broker is not None and server.place != BROKER and server.db == broker.db]
        if broker is not None and caches:
            fact = Evidence(code="db_shared", values={"db": broker.db, "caches": caches})
            yield Concern(kind="shared-db", subject=source_of(caches[0]), evidence=[fact])


def _each(facts: Facts) -> dict[str, list[Server]]:
    """The places by the server that they are on."""
    found: dict[str, list[Server]] = defaultdict(list)
    for server in facts.snapshot.servers:
        found[server.run_id or server.place].append(server)
    return found


def source_of(place: str) -> str:
    """The source that reads the locks of this place."""
    return f"cache {place}"

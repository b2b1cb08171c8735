"""Which runs held a lock, out of the history of locks."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from dashboard.history.lock_rows import CODES, TABLE
from dashboard.history.rows import IDS_PER_US, US
from dashboard.records import HOLDERS_FOUND

LAST = 2**63 - 1
APART = 20  # names of which each is looked for by itself; more are found by going through the newest
HELD = f"what = {CODES['acquired']}"
AFTER_START = 3600 * US * IDS_PER_US  # a run may wait for its lock, so it is acquired later than the run was first heard of


@dataclass(frozen=True, slots=True)
class Holders:
    """Runs that held a lock: their task ids, and between which rows of the history of runs they are."""

    task_ids: frozenset[str]
    first: int
    last: int


def holders(cursor: Any, names: Collection[int], until: int) -> Holders | None:
    """Those that acquired a lock of these names last, as seen from that row of the history of runs; None: nobody did.  Cost: one statement over an index."""
    if not names:
        return None
    before = f"{HELD} AND id < {min(LAST, until + AFTER_START):d} AND task_id <> ''"
    if len(names) <= APART:
        parts = [f"SELECT id, task_id FROM ({_newest(f'name = {number:d} AND {before}')}) AS one" for number in sorted(names)]  # noqa: S608  # whole numbers
        statement = f"{' UNION ALL '.join(parts)} ORDER BY id DESC LIMIT {HOLDERS_FOUND}"
    else:
        statement = _newest(f"{before} AND name IN ({', '.join(map(str, sorted(names)))})")
    cursor.execute(statement)
    found = cursor.fetchall()
    return Holders(frozenset(task_id for _id, task_id in found), found[-1][0] - AFTER_START, found[0][0]) if found else None


def _newest(condition: str) -> str:
    return f"SELECT id, task_id FROM {TABLE} WHERE {condition} ORDER BY id DESC LIMIT {HOLDERS_FOUND}"  # noqa: S608  # whole numbers, and names of our own

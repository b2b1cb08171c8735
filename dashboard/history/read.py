"""Reads the history. Each question is bounded, and none counts all rows."""

from django.db import connections

from dashboard.history.rows import GOING

MAX_OPEN = 20_000


def open_rows(alias: str = "default") -> list[tuple[str, int, int]]:
    """Task id, id and time of receipt of the newest runs whose end is not known, the oldest first.  Raises: the database's errors."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT task_id, id, received_us FROM lockhouse_taskrun WHERE id IN "
            "(SELECT id FROM lockhouse_taskrun WHERE outcome = %s ORDER BY id DESC LIMIT %s) ORDER BY id",
            [GOING, MAX_OPEN],
        )
        return list(cursor.fetchall())

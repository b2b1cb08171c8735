"""Runs of the history and of a snapshot, and how a program lists them page by page."""

import pytest
from django.test import Client

from dashboard.history import names_read
from dashboard.history.rows import FAILED, SUCCEEDED, Batch, Gap
from dashboard.history.write import Writer
from tests.dashboard.api.calls import bearer
from tests.dashboard.history.made import BASE_US, make_row
from tests.factories import make_run

ACTIVE, ENDED = "live-active", "live-ended"


@pytest.fixture
def known(put):
    """Thirty runs of the history; of the last two the snapshot knows more, and of two others it alone knows."""
    names_read.forget()
    writer = Writer("test:1")
    writer.claim(BASE_US)
    rows = [make_row(number, outcome=FAILED if number % 10 == 0 else SUCCEEDED, ended_us=BASE_US + number * 1000 + 1) for number in range(28)]
    rows += [make_row(28), make_row(29)]
    writer.write(Batch(rows=rows, gaps=[Gap(from_us=BASE_US, to_us=BASE_US + 5_000_000, why="no-observer")]), BASE_US)
    put(
        runs=(
            make_run(task_id="run-28", name="reports", row=rows[28][0]),
            make_run(task_id="run-29", name="reports", row=rows[29][0], outcome="FAILURE", error="boom", ended_at=make_run().started_at),
            make_run(task_id=ACTIVE, name="reports"),
            make_run(task_id=ENDED, name="reports", outcome="SUCCESS", ended_at=make_run().started_at),
        )
    )
    yield writer
    names_read.forget()


def listed(user, query="", limit=7):
    """The task ids of all pages, and their states."""
    client, found, cursor = Client(headers=bearer(user)), [], ""
    while cursor is not None:
        answer = client.get(f"/api/v1/runs?limit={limit}&q={query}{'&cursor=' + cursor if cursor else ''}").json()
        assert len(answer["runs"]) <= limit
        found += [(row["task_id"], row["state"]) for row in answer["runs"]]
        cursor = answer["next_cursor"]
    return found

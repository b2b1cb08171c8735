"""Lists as files: what the filter shows, harmless in a spreadsheet, and no more than the page would show."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse

from dashboard.web.export import EXPORTS
from dashboard.web.panels.listing import MAX_ROWS
from tests.dashboard.acts.scene import VIEWER, make_user
from tests.dashboard.api.test_queues import put
from tests.factories import make_lock, make_queue, make_result, make_run, make_source

__all__ = ["put"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer():
    client = Client()
    client.force_login(make_user("vera", VIEWER))
    return client


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_file_has_what_the_filter_shows_in_the_columns_of_the_api(put, viewer):
    put(make_queue(ready=3, unacked=None, consumers=("a@web-1", "b@web-2")), make_queue(name="mail"))

    response = viewer.get("/queues/?q=reports&format=csv")

    [row] = rows_of(response)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert (row["name"], row["ready"], row["consumers"]) == ("reports", "3", "a@web-1; b@web-2")
    assert row["unacked"] == "", "what is not known is no 0"
    assert row["oldest_age_is_minimum"] == "false"
    assert "no-store" in response["Cache-Control"]


def test_order_and_chips_hold_for_the_file_as_well(put, viewer):
    put(make_queue(name="a", ready=1), make_queue(name="b", ready=7), make_queue(name="c"))
    assert [row["name"] for row in rows_of(viewer.get("/queues/?show=waiting&o=-ready&format=csv"))] == ["b", "a"]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_filter_that_is_none_gives_no_file_without_rows(put, viewer, kind):
    response = viewer.get(f"/runs/?q=state:bogus&format={kind}")
    assert (response.status_code, "not “bogus”" in response.content.decode()) == (422, True)
    assert viewer.get(f"/runs/?q=since:10m&format={kind}").status_code == 200


def test_file_has_the_rows_beyond_those_that_the_page_shows(put, viewer):
    put(*(make_queue(name=f"q{number:04}") for number in range(MAX_ROWS + 5)))
    assert len(rows_of(viewer.get("/queues/?format=csv"))) == MAX_ROWS + 5


def test_name_of_the_file_says_of_when_it_is_and_whether_something_is_missing(put, viewer, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "NAME": 'shop "pro"\r\nX: y'}
    put(sources=(make_source("broker", ok=False, reason="refused"),))
    said = viewer.get("/queues/?format=csv")["Content-Disposition"]
    assert said.startswith('attachment; filename="shop-pro-X-y-queues-2')
    assert said.endswith('Z-incomplete.csv"')


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_no_cell_is_a_formula(put, viewer, name):
    put(make_queue(name=name))
    [row] = rows_of(viewer.get("/queues/?format=csv"))
    assert row["name"].startswith(("'", "\\u0009"))


def test_text_stays_within_its_cell_and_its_line(put, viewer):
    put(make_queue(name='a",b\r\n\u202e;=x'))
    [row] = rows_of(viewer.get("/queues/?format=csv"))
    assert row["name"] == "a\",b\\u000d\\u000a\\u202e;'=x"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", " ="])
def test_no_formula_begins_where_a_spreadsheet_parts_cells_at_semicolons(put, viewer, sign):
    put(make_queue(name=f"x;{sign}1", consumers=("a@web-1", f"{sign}1+1")))
    said = viewer.get("/queues/?format=csv").getvalue().decode()
    assert not re.search(r";\s*[=+\-@＝]", said)


@pytest.mark.parametrize("name", ['lock_x;"=HYPERLINK(1)+1;y', 'x; ""+1', '"=1', 'x;" "@SUM(A1)'])
def test_quotes_before_a_formula_make_none(put, viewer, name):
    put(make_queue(name=name))
    lines = viewer.get("/queues/?format=csv").getvalue().decode().splitlines()
    cells = [cell for delimiter in ";,\t" for row in csv.reader(lines, delimiter=delimiter) for cell in row]
    assert [cell for cell in cells if cell.strip().startswith(tuple("=+-@"))] == []


@pytest.mark.parametrize("page", list(EXPORTS))
def test_empty_list_is_an_empty_file(put, viewer, page):
    put(locks=(), runs=(), workers=())
    assert rows_of(viewer.get(reverse(f"lockhouse:{page}") + "?q=nothing-is-called-that&format=csv")) == []


@pytest.mark.parametrize("page", list(EXPORTS))
def test_every_page_with_files_leads_to_them_with_its_filter(put, viewer, page):
    put()
    page_url = reverse(f"lockhouse:{page}")
    shown = viewer.get(f"{page_url}?q=reports").content.decode()
    for kind in ("csv", "json"):
        assert f'href="{page_url}?q=reports&amp;format={kind}"' in shown


def test_program_gets_an_object_on_each_line_as_the_api_has_it(put, viewer):
    put(runs=(make_run(task_id="a\u2028\r\n", started_at=datetime.now(UTC)), make_run(task_id="b", started_at=datetime.now(UTC))))

    response = viewer.get("/runs/?format=json")

    rows = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].endswith('.jsonl"')
    assert rows == viewer.get("/api/v1/runs").json()["runs"]
    assert viewer.get("/runs/?format=json&q=nothing-is-called-that").getvalue() == b""


def test_locks_have_their_holder_in_columns_and_no_token(put, viewer):
    now = datetime.now(UTC)
    put(locks=(make_lock(expires_at=now + timedelta(minutes=5), acquired_at=now),))
    [row] = rows_of(viewer.get("/locks/?format=csv"))
    assert (row["name"], row["holder_certainty"], row["holder_worker"]) == ("lock_report_12", "exact", "worker-b@web-2")


def test_results_are_files_too(put, viewer):
    put(results=(make_result(),))
    assert [row["name"] for row in rows_of(viewer.get("/results/?format=csv"))] == ["server_7"]


def test_arguments_are_in_the_file_for_those_who_may_see_them_and_secrets_for_nobody_else(put, viewer):
    put(runs=(make_run(args="('x', {'password': 'hunter2'})", started_at=datetime.now(UTC)),))
    client = Client()
    client.force_login(make_user("olga", (*VIEWER, "view_payloads")))
    assert [row["args"] for row in rows_of(viewer.get("/runs/?format=csv"))] == [""]
    [shown] = rows_of(client.get("/runs/?format=csv"))
    assert "'x'" in shown["args"]
    assert "hunter2" not in str(shown)


def test_nobody_gets_a_file_without_the_permission(put, client):
    put()
    assert client.get("/locks/?format=csv").status_code == 302
    client.force_login(make_user("bob"))
    assert client.get("/locks/?format=csv").status_code == 403


def test_page_without_a_file_is_the_page(put, viewer):
    put()
    assert viewer.get("/?format=csv")["Content-Type"].startswith("text/html")


@pytest.mark.django_db(transaction=True)
async def test_asgi_server_sends_it_in_pieces(put):
    put(*(make_queue(name=f"q{number:04}") for number in range(450)))
    client = AsyncClient()
    user = await User.objects.acreate_superuser("root")
    await client.aforce_login(user)

    response = await client.get("/queues/?format=csv")

    parts = [part async for part in response.streaming_content]
    assert len(parts) == 4, "the columns' names, and three times 200 rows at most"
    assert b"".join(parts).count(b"\r\n") == 451

"""`manage.py results` where no observer runs: one look of its own."""

import json
from io import StringIO

import pytest
from django.core.cache import CacheHandler
from django.core.management import call_command

from dashboard import connections


def run(*arguments):
    out, err, status = StringIO(), StringIO(), 0
    try:
        call_command("results", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        status = end.code
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def cache(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False}
    return CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]


def test_results_as_a_table_and_as_json(cache):
    cache.set("server_7", {"a": 1}, 300)
    cache.set("report_1", "x", None)

    status, out, _ = run()
    as_json = json.loads(run("--json")[1])

    assert status == 0
    assert out.index("report_1") < out.index("server_7")
    assert "never expires" in out
    assert [row["name"] for row in as_json["results"]] == ["report_1", "server_7"]
    assert as_json["results"][0]["never_expires"]


def test_filter_and_nothing_there(cache):
    assert run()[1].strip() == "No result is known."
    cache.set("server_7", 1, 300)
    assert run("--q", "state:never-expires")[1].strip() == "No result is known."


def test_place_that_does_not_answer_is_no_empty_list(settings, watching):
    settings.LOCKHOUSE = {
        **settings.LOCKHOUSE,
        "CACHES": {"shop": {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:9/1"}},
        "INSPECT": False,
    }
    connections.forget_connections()

    status, out, err = run()

    assert status == 3
    assert "not every place answered" in out
    assert "cache shop" in err

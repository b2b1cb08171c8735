"""The pages of results: the list, one result, and its value for those who may see it."""

import json
import pickle
import time
from dataclasses import replace

import pytest
from django.core.cache import CacheHandler
from django.urls import reverse

from dashboard import connections, snapshot
from dashboard.inert import Node
from dashboard.observer.survey import survey
from dashboard.records import ResultCount
from dashboard.web.previews import lines
from tests.dashboard.acts.scene import make_user
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.factories import NOW, ago, make_result, make_run, make_snapshot, make_source

EVIL = "<script>alert(1)</script>\u202egnp.exe"


def results(*found, **sections):
    known = {"results": found, "result_counts": (ResultCount(cache="shop", total=len(found)),), "sources": (make_source("cache shop"),)}
    return make_snapshot(**(known | sections))


def page(*found, query=None, **sections):
    return pieces_of("results", results(*found, **sections), query)


def test_row_says_how_long_how_big_and_who_writes_it():
    (row,) = rows_of("results", results(make_result()), "results-rows")

    assert "server_7" in row
    assert 'datetime="2026-11-23T14:12:41.000Z" data-count="down"' in row
    assert "120 B" in row
    assert "servers_retrieve_info" in row
    assert ">there</span>" in row


def test_row_does_not_change_from_second_to_second():
    known = results(make_result())

    assert rows_of("results", known, "results-rows") == rows_of("results", known, "results-rows", now=NOW.replace(second=59))


def test_result_that_never_expires_is_called_out():
    shown = page(make_result(expires_at=None), make_result(name="server_8"))

    assert "never expires" in shown["results-summary"]
    assert "Never expires <b>1</b>" in shown["results-chips"]
    assert next(html for name, html in shown.items() if name.startswith("result-")).count("never expires") == 2


def test_expired_result_says_since_when_and_one_being_retrieved_names_the_run(settings):
    settings.LOCKHOUSE = {"RESULTS": {"server_{id}": {"task": "servers_retrieve_info"}}}
    gone = make_result(name="server_8", gone_at=ago(seconds=60), end="expired")
    run = make_run(name="servers_retrieve_info", args="(7,)")

    rows = rows_of("results", results(gone, make_result(gone_at=ago(seconds=5), end="expired"), runs=(run,)), "results-rows")

    assert "being retrieved" in rows[0]
    assert "d9c26803" in rows[0]
    assert 'gone since <time datetime="2026-11-23T14:06:41.000Z"' in rows[1]


def test_list_that_is_bounded_says_how_many_there_are():
    assert "1 of 12,310 there" in page(make_result(), result_counts=(ResultCount(cache="shop", total=12_310),))["results-summary"]
    assert "at least 1 there" in page(make_result(), result_counts=(ResultCount(cache="shop", total=None),))["results-summary"]


def test_four_states_in_words():
    away = make_source("cache shop", ok=False, reason="does not answer")

    assert "No result is known" in page()["results-state"]
    assert "Nothing matches the filter" in page(make_result(), query={"q": "nothing"})["results-state"]
    assert "cache shop is unavailable" in page(make_result(), sources=(away,))["results-state"]
    assert "hidden" in page(make_result())["results-state"]


def test_filter_chip_and_order():
    known = results(make_result(payload_bytes=5), make_result(name="server_8", payload_bytes=9), make_result(name="report_1", task=None, expires_at=None))

    def names(**query):
        return [row.split('class="lh-name"')[1].split("<bdi>")[1].split("</bdi>")[0] for row in rows_of("results", known, "results-rows", query)]

    assert names() == ["report_1", "server_7", "server_8"]
    assert names(show="never-expires") == ["report_1"]
    assert names(q="task:retrieve", o="-size") == ["server_8", "server_7"]
    assert names(show="nonsense", o="nonsense") == names()


def test_names_with_markup_are_text():
    (row,) = rows_of("results", results(make_result(name=EVIL, key=EVIL, pattern=EVIL, task=EVIL, cache=EVIL)), "results-rows")

    assert "<script>" not in row
    assert "\u202e" not in row


def test_one_result_says_what_is_known_and_how_we_know():
    known = results(make_result(), sources=(make_source("cache shop", url="redis://cache:6379/1"),))

    shown = pieces_of("result", known, {"id": make_result().id})

    assert "shop:1:server_7" in shown["result-facts"]
    assert "matches <code>server_{id}</code>" in shown["result-facts"]
    assert "redis-cli -h cache -p 6379 -n 1 PTTL shop:1:server_7" in shown["result-proof"]
    assert "no longer remembered" in pieces_of("result", known, {"id": "0" * 16})["result-head"]


@pytest.fixture
def shop(watching, settings, db):
    """The cache with three results, as an observer knows them."""
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False}
    cache = CacheHandler(settings.LOCKHOUSE["CACHES"])["shop"]
    cache.set("server_7", {"name": "web-7", "password": "hunter2", "text": EVIL}, 300)
    cache.set("report_big", ["x" * 1000] * 3, None)
    cache.client.get_client().hset("shop:1:server_9", "a", "b")
    cache.client.get_client().set("shop:1:result_huge", pickle.dumps([f"{n:06}" for n in range(50_000)]))
    known = survey()
    assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    return {result.name: result.id for result in known.results}, cache


def value_of(client, result_id, **query):
    return client.get(reverse("lockhouse:result-value", args=[result_id]), query, headers={"HX-Request": "true"})


def test_value_is_shown_without_its_secrets_and_as_text(client, shop):
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))

    html = value_of(client, shop[0]["server_7"]).content.decode()

    assert "pickle, protocol" in html
    assert "&#x27;web-7&#x27;" in html
    assert "hunter2" not in html
    assert "1 secret is hidden" in html
    assert "<script>" not in html
    assert "Show secrets" not in html


def test_secrets_are_shown_to_those_who_may_see_them_and_ask(client, shop):
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))
    assert "hunter2" not in value_of(client, shop[0]["server_7"], secrets="1").content.decode()

    client.force_login(make_user("anna", ("view_locks", "view_payloads", "view_unredacted")))

    assert "Show secrets" in value_of(client, shop[0]["server_7"]).content.decode()
    assert "hunter2" in value_of(client, shop[0]["server_7"], secrets="1").content.decode()


def test_value_needs_its_own_permission(client, shop):
    url = reverse("lockhouse:result-value", args=[shop[0]["server_7"]])
    assert client.get(url).status_code == 302

    client.force_login(make_user("vera", ("view_locks",)))

    assert client.get(url).status_code == 403
    assert b"web-7" not in client.get(reverse("lockhouse:result", args=[shop[0]["server_7"]])).content
    assert client.get(f"/api/v1/results/{shop[0]['server_7']}/value").status_code == 403


def test_value_of_another_type_one_that_is_huge_and_one_that_is_gone(client, shop):
    ids, cache = shop
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))

    assert "It is a hash" in value_of(client, ids["server_9"]).content.decode()
    assert "the first 64 KB of" in value_of(client, ids["result_huge"]).content.decode()
    cache.delete("server_7")
    assert value_of(client, ids["server_7"]).status_code == 404
    assert value_of(client, "0" * 16).status_code == 404


def test_value_is_read_by_itself_only_where_there_is_one(client, shop):
    gone = make_result(name="server_8", id="8" * 16, gone_at=ago(seconds=60), end="expired")
    known = replace(snapshot.newest(), results=(*snapshot.newest().results, gone))
    assert snapshot.put(connections.own(), known, dict.fromkeys(snapshot.SECTIONS, time.time_ns()), set(snapshot.SECTIONS), epoch=1)
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))

    there = client.get(reverse("lockhouse:result", args=[shop[0]["server_7"]])).content.decode()
    expired = client.get(reverse("lockhouse:result", args=[gone.id])).content.decode()
    answer = client.get(reverse("lockhouse:result-value", args=[gone.id]), headers={"HX-Request": "true"}).content.decode()

    assert ('hx-trigger="load"' in there, 'hx-trigger="load"' in expired) == (True, False)
    assert "<h1>" not in answer  # it goes into a page that has its own


def test_pages_for_those_who_may_look(client, shop):
    assert client.get(reverse("lockhouse:results")).status_code == 302
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))

    listed = client.get(reverse("lockhouse:results")).content.decode()
    one = client.get(reverse("lockhouse:result", args=[shop[0]["server_7"]])).content.decode()
    whole = client.get(reverse("lockhouse:result-value", args=[shop[0]["server_7"]])).content.decode()
    missing = client.get(reverse("lockhouse:result", args=["0" * 16]))

    assert "report_big" in listed
    assert "result-value" in one
    assert "web-7" in whole
    assert missing.status_code == 404


def test_api_gives_the_same_and_the_value_as_a_tree(client, shop):
    ids, _cache = shop
    client.force_login(make_user("olga", ("view_locks", "view_payloads")))

    answer = client.get("/api/v1/results", {"q": "server_7"}).json()
    value = client.get(f"/api/v1/results/{ids['server_7']}/value").json()["value"]

    (row,) = answer["results"]
    assert (row["name"], row["state"], row["never_expires"], row["is_stored"], row["task"]) == ("server_7", "there", False, False, None)
    assert 290_000 < row["ttl_ms"] <= 300_000
    assert answer["unavailable"] == {}
    assert answer["counts"]["shop"] == 4
    assert client.get(f"/api/v1/results/{ids['server_7']}").json()["result"]["id"] == row["id"]
    assert value["format"] == "pickle"
    assert value["literal"].startswith("{'name': 'web-7', 'password': ••••••")
    assert value["tree"]["children"][0] == {"kind": "text", "text": "'web-7'", "key": "'name'", "size": 5}
    assert "hunter2" not in json.dumps(value)
    assert client.get(f"/api/v1/results/{ids['server_7']}/value", {"secrets": "true"}).status_code == 403
    assert client.get("/api/v1/results/" + "0" * 16).status_code == 404


def test_value_is_indented_like_python_and_short_values_stay_on_a_line():
    node = Node(
        kind="dict",
        children=(
            Node(kind="number", text="1", key="'a'"),
            Node(kind="list", key="'b'", children=tuple(Node(kind="number", text=str(n)) for n in range(3)), size=3),
            Node(kind="list", key="'c'", children=(Node(kind="text", text="'x…'", size=900, is_cut=True),), size=1000, is_cut=True),
        ),
        size=3,
    )

    said = [(line.depth, line.key, line.text, line.note) for line in lines(node)]

    assert said == [
        (0, "", "{", ""),
        (1, "'a'", "1,", ""),
        (1, "'b'", "[0, 1, 2],", ""),
        (1, "'c'", "[", "1 of 1,000 shown"),
        (2, "", "'x…',", "900 characters"),
        (2, "", "…", ""),
        (1, "", "],", ""),
        (0, "", "}", ""),
    ]

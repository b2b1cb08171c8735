"""What `manage.py locks` calls things: a filter that is wrong, how a lock left its run, and the sources."""

import html
import re
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.dashboard.api.test_queues import put
from tests.dashboard.commands.test_locks import run
from tests.factories import make_lock, make_run, make_source, make_worker

__all__ = ["put"]


def test_filter_by_a_verdict_that_is_none_is_wrong_usage_and_not_an_empty_list(scene, viewer, capsys):
    scene.see(scene.take("lock_a"))
    client = Client()
    client.force_login(viewer)
    sentence = "verdict takes expiring, held, never-expires, orphaned, overlapping, overrun, unknown, not “bogus”."

    with pytest.raises(CommandError) as caught:
        call_command("locks", "--q", "verdict:bogus")
    answer = client.get("/api/v1/locks", {"q": "verdict:bogus"})

    assert (caught.value.returncode, str(caught.value)) == (2, sentence)
    assert (answer.status_code, answer.json()) == (422, {"error": sentence})
    assert sentence in client.get("/locks/", {"q": "verdict:bogus"}).content.decode()
    assert run(capsys, "locks", "--q", "verdict:never-expires")[0] == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state:orphaned", "state: is looked for as a word, for the fields of this filter are cache, holder, task, verdict, worker."),
        ("-verdict:held", "-verdict: is looked for as a word"),
        ("l o c k _ a d e f t zzznomatch", "Only the first 10 different words of a filter are looked for"),
    ],
)
def test_part_of_a_filter_that_is_not_understood_is_said_on_the_page_in_the_api_and_in_the_terminal(scene, viewer, capsys, query, said):
    scene.see(scene.take("lock_a"))
    client = Client()
    client.force_login(viewer)

    told = [
        client.get("/api/v1/locks", {"q": query}).json()["note"],
        html.unescape(client.get("/locks/", {"q": query}).content.decode()),
        run(capsys, "locks", f"--q={query}")[1],
    ]

    assert [said in text for text in told] == [True, True, True]


def test_filter_that_is_understood_needs_no_note(scene, viewer):
    scene.see(scene.take("lock:report"))
    client = Client()
    client.force_login(viewer)

    assert [client.get("/api/v1/locks", {"q": q}).json()["note"] for q in ("", "lock:report", "verdict:held", "nothing")] == [None] * 4
    assert "looked for" not in client.get("/locks/", {"q": "lock:report"}).content.decode()
    assert client.get("/locks/", {"q": "verdict:bogus", "format": "csv"}).status_code == 422


def test_words_of_a_filter_of_runs_that_are_not_looked_for_are_said(put, viewer):
    client = Client()
    client.force_login(viewer)
    put()

    for path in ("/runs/", "/api/v1/runs", "/queues/"):
        assert client.get(path, {"q": "a b c d e f g h i j k"}).content.decode().count("Only the first 10 different words") == 1


@pytest.mark.parametrize(("how", "word"), [({"released_by": "alice"}, "gone"), ({"went": "flushed"}, "gone"), ({}, "expired")])
def test_lock_that_left_a_run_says_how(put, capsys, how, word):
    now = datetime.now(UTC)
    worker = make_worker(last_heard_at=now, answered_at=now, asked_at=now, active_at=now)
    put(locks=(make_lock(lapsed_at=now, **how),), runs=(make_run(last_active_at=now),), workers=(worker,))
    _, out, _ = run(capsys, "locks")
    assert re.search(rf"lock_report_12 +{word} ", out), out


def test_sources_are_called_as_pages_call_them(put, capsys):
    put(sources=(make_source("cache broker", ok=False, reason="refused"), make_source("cache default", notes=("Not all is seen.",))))
    assert run(capsys, "locks")[2] == "the broker's database: refused\ncache default: Not all is seen.\n"

"""What `manage.py locks` calls things: a filter that is wrong, how a lock left its run, and the sources."""

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

"""The Schedules page: rows, states in words, who may see arguments and send, filters and chips."""

import re

import pytest
from django.urls import reverse

from dashboard.records import Sender
from dashboard.web.links import send_url
from tests.dashboard.acts.scene import make_user
from tests.dashboard.judge.test_schedules import BEAT, late, seen, snapshot
from tests.dashboard.web.pieces import VIEWER, pieces_of, rows_of
from tests.factories import ago, make_queue, make_schedule, make_source

EVIL = "<script>alert(1)</script>\u202egnp.exe"
OPERATOR = VIEWER | {"lockhouse.view_payloads", "lockhouse.send_tasks"}


def page(*entries, query=None, may=VIEWER, **sections):
    return pieces_of("schedules", snapshot(*entries, **sections), query, may)


def rows(*entries, query=None, may=VIEWER, **sections):
    return rows_of("schedules", snapshot(*entries, **sections), "schedules-rows", query, may)


def test_row_says_when_it_was_sent_and_when_it_is_next():
    (row,) = rows(seen(seen_since=ago(minutes=1)))

    assert 'id="schedule-' in row
    assert "every 10 s" in row
    assert reverse("lockhouse:queue", args=[make_queue(name="celery").id]) in row
    assert 'datetime="2026-11-23T14:07:37.000Z" data-count="ago"' in row
    assert 'datetime="2026-11-23T14:07:47.000Z" data-count="down"' in row
    assert reverse("lockhouse:run", args=["x"])[:-2] in row
    assert "9 sends seen since" in row
    assert BEAT in row
    assert ">on time</span>" in row


def test_overdue_row_says_since_when_and_how_many_were_missed():
    (row,) = rows(late(45))

    assert "was due <time" in row
    assert ">missed 3</span>" in row
    assert "3 whole intervals have passed" in row


def test_row_does_not_change_from_second_to_second():
    known = snapshot(seen())

    assert rows_of("schedules", known, "schedules-rows") == rows_of("schedules", known, "schedules-rows", now=ago(seconds=-1))


def test_silent_beat_is_said_above_the_rows_and_in_the_navigation():
    shown = page(late(45), late(35, name="b"))

    assert "beat silent" in shown["schedules-beats"]
    assert f"<bdi>{BEAT}</bdi> has sent nothing since 14:07:06 UTC; 2 schedules are overdue" in shown["schedules-beats"]
    assert "lh-alarm" in shown["lh-nav"]


def test_silent_beat_is_on_the_overview_with_a_link():
    shown = pieces_of("overview", snapshot(late(45)))

    (row,) = [html for name, html in shown.items() if name.startswith("concern-")]
    assert "beat silent" in row
    assert "has sent nothing" in row
    assert "; 1 schedule is overdue" in row
    assert f"{reverse('lockhouse:schedules')}?show=overdue" in row


def test_arguments_are_for_those_who_may_see_them_and_secrets_for_none_of_them():
    entry = seen(kwargs='{"password": "hunter2", "id": 7}', options={"headers": "{'token': 'abc123'}", "expires": "20"})

    assert "takes the permission" in rows(entry)[0]
    assert "[42]" not in rows(entry)[0]
    (row,) = rows(entry, may=OPERATOR)
    assert "<code>[42]</code>" in row
    assert "hunter2" not in row
    assert "abc123" not in row
    assert "hunter2" in rows(entry, may=OPERATOR | {"lockhouse.view_unredacted"})[0]


def test_options_are_not_shown_with_secrets_to_those_who_only_look():
    (row,) = rows(seen(options={"api_key": "abc123", "expires": "20"}))

    assert "abc123" not in row
    assert "<dd><code>20</code></dd>" in row


def test_run_now_is_a_link_for_those_who_may_send():
    entry = seen()
    url = send_url(schedule=entry.id).replace("&", "&amp;")

    assert ("Run now" in rows(entry, may=OPERATOR)[0]) == bool(url)
    assert url in rows(entry, may=OPERATOR)[0]
    assert "Run now" not in rows(entry)[0]
    assert "Run now" not in rows(seen(can_be_sent=False), may=OPERATOR)[0]


def test_four_states_in_words():
    away = (make_source("events", ok=False, reason="does not answer"),)

    assert "No schedule is known" in page()["schedules-state"]
    assert "Nothing matches the filter" in page(seen(), query={"q": "nosuch"})["schedules-state"]
    assert "events is unavailable" in page(seen(), sources=away)["schedules-state"]
    assert "hidden" in page(seen())["schedules-state"]
    assert "not known" in page(at=None)["schedules-state"].casefold()


def test_while_events_are_away_nothing_is_called_late():
    (row,) = rows(late(300), sources=(make_source("events", ok=False),))

    assert "cannot be told" in row
    assert "was due" not in row


def test_what_cannot_be_seen_is_said_with_its_fix():
    note = "from outside"

    assert note in page(sources=(make_source("beat_schedule", notes=(note,)),))["schedules-beats"]
    assert "task_send_sent_event = True" in page(seen(last_is_from="received", origin=None, untold="only-received"))["schedules-beats"]
    assert " hidden" in page(seen())["schedules-beats"]


def test_filter_chip_and_order():
    known = (seen(name="a", queue="two"), late(45, name="b", queue="one"), make_schedule(name="c", is_enabled=False))

    def names(**query):
        return [row.split('class="lh-name"')[1].split("<bdi>")[1].split("<")[0] for row in rows(*known, query=query)]

    assert names() == ["b", "a", "c"]
    assert names(o="name") == ["a", "b", "c"]
    assert names(o="-queue") == ["a", "b", "c"]
    assert names(show="overdue") == ["b"]
    assert names(show="off") == ["c"]
    assert names(q="state:on-time") == ["a"]
    assert names(show="nonsense", o="nonsense") == names()
    assert "Overdue <b>1</b>" in page(*known)["schedules-chips"]


def test_entry_that_was_not_seen_yet_says_by_when_it_will_be():
    (row,) = rows(seen(last_sent_at=None, next_at=None, last_task_id=None, untold="none-seen", seen_count=0, origin=None))

    assert "never seen" in row
    assert 'data-count="down" data-with="within …"' in row


def test_names_with_markup_are_text():
    evil = seen(name=EVIL, task=EVIL, queue=EVIL, origin=EVIL, schedule=EVIL, interval=None, args=EVIL, kwargs=EVIL, options={EVIL: EVIL}, last_task_id=EVIL)
    senders = (Sender(origin=EVIL, last_at=ago(seconds=4), is_steady=True), Sender(origin=BEAT, last_at=ago(seconds=4), is_steady=True))

    html = "".join(rows(evil, make_schedule(name="b", problem="broken-schedule", detail=EVIL), seen(name="c", senders=senders), may=OPERATOR))

    assert "<script>" not in html
    assert "\u202e" not in html


def test_list_is_capped_and_says_so():
    many = [seen(name=f"n{number}", id=f"{number:016x}") for number in range(502)]

    assert len(rows(*many)) == 500
    assert "The first 500 of 502" in page(*many)["schedules-state"]


@pytest.mark.django_db
def test_page_is_for_those_who_may_look(client, watching):
    url = reverse("lockhouse:schedules")
    assert client.get(url).status_code == 302

    client.force_login(make_user("nobody"))
    assert client.get(url).status_code == 403

    client.force_login(make_user("vera", ("view_locks",)))
    whole, part = client.get(url), client.get(url, {"q": "x"}, headers={"HX-Request": "true"})
    assert whole.status_code == part.status_code == 200
    assert b"<h1>Schedules</h1>" in whole.content
    assert b"<h1>" not in part.content
    assert client.post(url).status_code == 405


def test_name_of_a_schedule_leads_to_its_row_and_from_there_to_its_runs():
    (row,) = rows(seen(name="a"))
    anchor = re.search(r'<a class="lh-name" href="([^"]+)"', row)[1]
    assert anchor == "/schedules/#" + re.search(r'id="([^"]+)"', row)[1]
    assert 'href="/runs/?q=task%3A%22notify%22"' in row

"""From "released by hand" to what operators did and why, wherever it is said, for those who may see acts; and from an act to the lock that is gone."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.records import Span
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import AUDITOR, make_user, release, scene
from tests.dashboard.history.made import BASE_US, LOCK_ID, SECOND_US, by, event, run, spanned, watching, write
from tests.dashboard.web.pieces import ALL, VIEWER, pieces_of, rows_of
from tests.dashboard.web.test_views import person
from tests.factories import ago, make_lane, make_lock, make_snapshot

__all__ = ["scene", "watching", "write"]
LOCK = make_lock()
BY_HAND = Span(from_at=ago(seconds=80), to_at=ago(seconds=61), token_digest="x", end="by-hand", by="olga")
HELD = Span(from_at=ago(seconds=30), to_at=None, token_digest=LOCK.token_digest)
AT = {"until": BASE_US // SECOND_US + 60, "span": 120}


def lock_page(*locks, spans=(BY_HAND,), may=ALL):
    return pieces_of("lock", make_snapshot(locks=locks, lanes=(make_lane(LOCK, spans=spans),)), {"id": LOCK.id}, may)


def linked(html, lock_id=LOCK.id):
    """The words of the links to what was done to that lock."""
    found = re.findall(rf'<a[^>]* href="/acts/\?q={lock_id}">(.*?)</a>', html)
    return [re.sub(r"<[^>]+>", "", words) for words in found]


@pytest.mark.usefixtures("acts_on")
@pytest.mark.parametrize(("may", "words"), [(ALL, ["released by hand by olga"]), (VIEWER, [])], ids=["who may", "who may not"])
def test_lock_that_is_gone_leads_to_who_released_it_and_why(may, words):
    page, (lane,) = lock_page(may=may), rows_of("overview", make_snapshot(locks=(), lanes=(make_lane(LOCK, spans=(BY_HAND,)),)), "timeline-lanes", may=may)

    assert linked(page["lock-head"]) == linked(lane) == words
    assert "released by hand by olga" in page["lock-head"] and "released by hand by olga" in lane


@pytest.mark.usefixtures("acts_on")
def test_lock_that_was_taken_again_leads_to_its_release_beside_its_evidence():
    assert linked(lock_page(LOCK, spans=(BY_HAND, HELD))["lock-evidence"]) == ["What operators did to it"]
    assert linked(lock_page(LOCK, spans=(BY_HAND, HELD), may=VIEWER)["lock-evidence"]) == []
    assert linked("".join(lock_page(LOCK, spans=(HELD,)).values())) == []


@pytest.mark.django_db
@pytest.mark.parametrize(("may", "is_linked"), [(("view_locks", "view_acts"), True), (("view_locks",), False)], ids=["who may", "who may not"])
def test_pages_of_the_past_lead_to_who_released_it_and_why(watching, write, may, is_linked):
    taken = (event(1, "acquired", "run-a"), event(10, "acquired", "run-b", token="two"))
    write([run("run-a", ended=20), run("run-b", ended=15)], *taken, by(spanned(event(5, "by-hand", "run-a"), 4)))
    client = Client()
    client.force_login(person(*may))

    pages = [client.get(url, AT).content.decode() for url in (f"/locks/{LOCK_ID}/history/", "/locks/overlaps/", "/timeline/")]

    assert all("released by hand" in page for page in pages)
    said = [linked(page, LOCK_ID) for page in pages]
    assert said == ([["released by hand by alice"], ["released by hand by alice"], ["released by hand"]] if is_linked else [[], [], []])


@pytest.mark.django_db
def test_act_on_a_lock_that_is_gone_leads_to_its_history_and_that_on_a_held_one_to_its_page(scene):
    auditor, operator = make_user("aldo", AUDITOR), make_user("olga", ("view_locks", "release_lock", "view_acts"))
    lock = scene.orphan()
    done = release(operator, lock).act
    client = logged_in(auditor)
    held, held_act = client.get("/acts/").content.decode(), client.get(reverse("lockhouse:act", args=[done.pk])).content.decode()
    scene.put([])

    gone, gone_act = client.get("/acts/").content.decode(), client.get(reverse("lockhouse:act", args=[done.pk])).content.decode()

    page, history = f'href="/locks/{lock.id}/"', f'href="/locks/{lock.id}/history/"'
    assert page in held and page in held_act
    assert history in gone and history in gone_act
    assert page not in gone and page not in gone_act


@pytest.mark.django_db
def test_page_of_a_lock_that_is_gone_leads_to_its_history_and_to_what_was_done_to_it(scene):
    scene.put([])

    missing = logged_in(make_user("aldo", AUDITOR)).get("/locks/0000/")

    assert missing.status_code == 404
    assert linked(missing.content.decode(), "0000") == ["What operators did to it"]
    assert 'href="/locks/0000/history/"' in missing.content.decode()
    assert linked(logged_in(make_user("vera", ("view_locks",))).get("/locks/0000/").content.decode(), "0000") == []


@pytest.mark.django_db
def test_acts_are_found_by_the_id_of_their_lock_alone(scene):
    operator = make_user("olga", ("view_locks", "release_lock", "view_acts"))
    lock = scene.orphan("lock_7")
    release(operator, lock, reason="the one")
    release(operator, scene.orphan("lock_77"), reason="the other")

    page = logged_in(operator).get("/acts/", {"q": lock.id}).content.decode()

    assert "the one" in page and "the other" not in page

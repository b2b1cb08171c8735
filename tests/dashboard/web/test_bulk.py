"""The pages of releasing several locks at once."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from redis import RedisError

from dashboard import connections, snapshot
from dashboard.acts.bulk import execute_bulk, plan_bulk
from dashboard.models import OperatorAct
from dashboard.records import UnackedMessage
from tests.dashboard.acts.conftest import operator, viewer
from tests.dashboard.acts.pages import logged_in, plan_in
from tests.dashboard.acts.scene import orphan_token, scene
from tests.dashboard.acts.test_bulk import seen
from tests.system import wait_for

pytestmark = pytest.mark.django_db
__all__ = ["operator", "scene", "viewer"]
URL = "/locks/release/"


@pytest.fixture
def picked(scene):
    """Two left behind and one that somebody may hold, as ticked rows are sent."""
    keys = [scene.take("lock_a", token=orphan_token()), scene.take("lock_b", token=orphan_token()), scene.take("lock_live")]
    return [f"{lock_id}:{digest}" for lock_id, digest in seen(scene, *keys)]


def test_rows_can_be_ticked_and_sent_without_a_script(operator, picked):
    page = logged_in(operator).get(reverse("lockhouse:locks")).content.decode()

    assert re.findall(r'name="picked" value="([^"]+)" form="lh-bulk-form"', page) == picked
    assert 'id="lh-bulk-form"' in page
    assert 'data-matching="3"' in page


def test_ticked_rows_become_a_plan_that_says_what_is_left_alone(operator, picked):
    response = logged_in(operator).post(URL, {"picked": picked}, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in page
    assert "Release 2 locks" in page
    assert re.search(r'id="lh-left".*lock_live.*Left alone', page, re.DOTALL)


def test_lock_that_could_not_be_read_is_not_called_gone(scene, operator, picked):
    client = logged_in(operator)
    client.get("/locks/")  # what is seen of our own is kept
    scene.redis.client_pause(8000)

    page = client.post(URL, {"picked": picked[:1]}, headers={"HX-Request": "true"}).content.decode()

    assert "does not answer" in page
    assert (">not known</span>" in page, ">gone</span>" in page) == (True, False)
    wait_for(lambda: answers(scene.redis), said="the server answers again")


def answers(redis):
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def test_plan_words_its_verdicts_and_links_each_lock_without_leaving_the_plan(scene, operator):
    never = scene.take("lock_forever", timeout=None)
    picked = [f"{lock_id}:{digest}" for lock_id, digest in seen(scene, scene.take("lock_a", token=orphan_token()), never)]

    page = logged_in(operator).post(URL, {"picked": picked}, headers={"HX-Request": "true"}).content.decode()

    assert "it never expires. Look at it on its own page." in page
    assert "(never-expires)" not in page
    for one in picked:
        assert f'<a href="/locks/{one.partition(":")[0]}/" target="_blank" rel="noopener">' in page


def test_confirming_releases_and_offers_to_undo_all(scene, operator, picked):
    client = logged_in(operator)
    plan = plan_in(client.post(URL, {"picked": picked}))

    page = client.post(URL, {"plan": plan, "picked": " ".join(picked), "reason": "died"}, follow=True).content.decode()

    whole = OperatorAct.objects.get(act="locks-release")
    assert "2 of 2" in page
    assert "Undo all 2" in page
    assert scene.redis.dbsize() == 1
    back = client.post(reverse("lockhouse:act-undo-all", args=[whole.pk]), follow=True).content.decode()
    assert back.count("Undone by olga") == 2
    assert scene.redis.dbsize() == 3


def undone(client, scene, operator, names, meanwhile):
    """The page after four were released by one act, this happened, and all were put back as far as that can be."""
    picked = seen(scene, *[scene.take(name, token=orphan_token()) for name in names])
    whole = execute_bulk(operator, "session", plan_bulk(operator, "session", picked).signed, "died").act
    meanwhile()
    return client.post(reverse("lockhouse:act-undo-all", args=[whole.pk]), headers={"HX-Request": "true"}).content.decode()


def test_undoing_all_says_how_many_are_back_and_what_came_of_each(scene, operator):
    page = undone(logged_in(operator), scene, operator, ("lock_a", "lock_b", "lock_c", "lock_d"), lambda: scene.take("lock_b"))

    assert re.search(r'role="status" id="lh-undo-sentence">3 of 4 put back\.', page)
    assert page.count('role="status"') == 1
    rows = dict(re.findall(r"<bdi>(lock_\w)</bdi>(.*?)</li>", page, re.DOTALL))
    assert "Undo by olga: Nothing done: somebody else took the lock at" in rows["lock_b"]
    assert all("Undone by olga: Put back with the time that it had left." in rows[name] for name in ("lock_a", "lock_c", "lock_d"))


def test_before_anything_is_undone_nothing_is_said_of_it(scene, operator, picked):
    client = logged_in(operator)

    page = client.post(URL, {"plan": plan_in(client.post(URL, {"picked": picked})), "reason": "died"}, follow=True).content.decode()

    assert "lh-undo-sentence" not in page
    assert "put back" not in page


def test_an_undo_that_came_too_late_for_one_is_said_with_that_one(scene, operator):
    long_ago = datetime.now(UTC) - timedelta(seconds=31)
    page = undone(
        logged_in(operator), scene, operator, ("lock_a", "lock_b"), lambda: OperatorAct.objects.filter(target_name="lock_b").update(started_at=long_ago)
    )

    assert "1 of 2 put back" in page
    assert re.search(r"<bdi>lock_b</bdi>.*Not put back: it was too late for that", page, re.DOTALL)


def test_of_an_undo_without_an_answer_it_is_not_yet_known(scene, operator):
    undone(logged_in(operator), scene, operator, ("lock_a", "lock_b"), lambda: None)
    undo = OperatorAct.objects.filter(act="lock-release-undo").first()
    OperatorAct.objects.filter(pk=undo.pk).update(state="intent", code="", started_at=datetime.now(UTC))
    whole = OperatorAct.objects.get(act="locks-release")

    page = logged_in(operator).get(reverse("lockhouse:act", args=[whole.pk])).content.decode()

    assert "1 of 2 put back; of 1 it is not known yet." in page


def test_all_that_match_are_picked_by_the_filter(operator, picked):
    page = logged_in(operator).post(URL, {"all": "1", "q": "lock_a"}).content.decode()

    assert "Release 1 lock?" in page
    assert "lock_b" not in page


def test_a_forgotten_reason_shows_the_plan_again(scene, operator, picked):
    client = logged_in(operator)
    plan = plan_in(client.post(URL, {"picked": picked}))

    response = client.post(URL, {"plan": plan, "picked": " ".join(picked), "reason": " "})

    assert response.status_code == 422
    assert plan_in(response)
    assert scene.redis.dbsize() == 3


def test_nothing_ticked_is_said(operator, scene):
    response = logged_in(operator).post(URL, {})

    assert response.status_code == 422
    assert "No lock was ticked" in response.content.decode()


def test_a_viewer_who_posts_is_turned_away_and_is_offered_nothing(scene, viewer, picked):
    client = logged_in(viewer)

    assert client.post(URL, {"picked": picked}).status_code == 403
    assert 'lh-bulk-form"' not in client.get(reverse("lockhouse:locks")).content.decode().replace('form="lh-bulk-form"', "")
    assert scene.redis.dbsize() == 3


def test_coming_back_after_a_login_leads_to_the_locks(operator, scene):
    response = logged_in(operator).get(URL)

    assert (response.status_code, response.url) == (302, reverse("lockhouse:locks"))


def test_plan_says_of_each_lock_what_becomes_of_its_run(scene, operator):
    keys = [scene.take(f"lock_{task}", token=orphan_token(f"{task}-1111-4222-8333-444455556666")) for task in ("d9c26803", "e1d37914")]
    picked = [f"{lock_id}:{digest}" for lock_id, digest in seen(scene, *keys)]
    fetched = UnackedMessage(tag="one", task_id="d9c26803-1111-4222-8333-444455556666", task_name="reports", queue="reports", fetched_at=datetime.now(UTC))
    known = snapshot.newest()
    assert snapshot.put(connections.own(), replace(known, unacked=(fetched,)), {"unacked": known.version + 1}, {"unacked"}, epoch=1)

    page = logged_in(operator).post(URL, {"picked": picked}, headers={"HX-Request": "true"}).content.decode()

    ready = re.search(r'id="lh-ready"(.*?)</ul>', page, re.DOTALL)[1]
    given_again, lost = sorted(re.findall(r"<li>(.*?)</li>", ready, re.DOTALL), key=lambda line: "e1d37914" in line)
    assert "Redis gives it out again on reports from" in given_again and "is lost" not in given_again
    assert "The run that held it is lost and will not run again by itself." in lost and "unacknowledged" not in lost

"""The pages over HTTP: who gets in, what a whole page and a part of it are, and where one lands."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.template import Context, Template
from django.test import Client
from redis import Redis

from dashboard import snapshot as snapshots
from dashboard.web.show import admin_context
from tests.factories import make_lane, make_lock, make_snapshot

pytestmark = pytest.mark.django_db
PAGES = ["/", "/locks/"]
PASSWORD = "a long password"  # of test users only


@pytest.fixture
def seen(watching):
    """A snapshot of this moment in our own Redis, with one lock."""
    now = datetime.now(UTC)
    lock = make_lock(acquired_at=now, first_seen_at=now, expires_at=now + timedelta(minutes=20))
    snapshot = make_snapshot(at=now, locks=(lock,), lanes=(make_lane(lock),))
    own = Redis.from_url(f"{watching}/2")
    snapshots.put(own, snapshot, dict.fromkeys(snapshots.SECTIONS, 1 + int(now.timestamp() * 1000) % 10**9), set(snapshots.SECTIONS), epoch=1)
    return snapshot


def person(*codenames):
    """A user with these permissions: not by a group, for a test with a flushed database leaves none of the migrations' groups."""
    user = User.objects.create_user("ann", password=PASSWORD)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lockhouse", codename__in=codenames))
    return user


@pytest.fixture
def viewer():
    """A client logged in as somebody who may look, and is not staff."""
    client = Client()
    client.force_login(person("view_locks"))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_people_log_in_and_come_back(client, page):
    response = client.get(page)

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={page}"


def test_part_of_a_page_sends_the_whole_browser_to_the_login(client):
    response = client.get("/locks/", headers={"HX-Request": "true"})

    assert response["HX-Redirect"] == "/login/?next=/locks/"


def test_person_who_is_not_staff_logs_in(client, seen):
    person("view_locks")

    response = client.post("/login/?next=/locks/", {"username": "ann", "password": PASSWORD, "next": "/locks/"}, follow=True)

    assert response.redirect_chain == [("/locks/", 302)]
    assert "lock_report_12" in response.content.decode()


def test_login_goes_nowhere_else(client):
    person("view_locks")

    response = client.post("/login/", {"username": "ann", "password": PASSWORD, "next": "https://evil.example/"})

    assert response["Location"] == "/"


def test_logout_is_a_post(viewer):
    assert viewer.get("/logout/").status_code == 405
    assert viewer.post("/logout/")["Location"] == "/login/"


@pytest.mark.parametrize("page", PAGES)
def test_missing_permission_is_named_with_who_can_give_it_and_nothing_else_is_told(client, seen, page):
    client.force_login(person())
    Group.objects.get_or_create(name="Viewers")[0].permissions.add(Permission.objects.get(codename="view_locks"))

    response = client.get(page)

    html = response.content.decode()
    assert response.status_code == 403
    assert "lockhouse.view_locks" in html
    assert "Viewers" in html
    assert "lock_report_12" not in html
    assert "✕" not in html


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_whole_and_never_cached(viewer, seen, page):
    response = viewer.get(page)

    html = response.content.decode()
    assert response.status_code == 200
    assert "lock_report_12" in html
    assert "no-store" in response["Cache-Control"]
    assert "HX-Request" in response["Vary"]
    assert re.search(r"<title>\S.* · \w+</title>", html)


def test_part_is_the_element_that_carries_the_socket(viewer, seen):
    response = viewer.get("/locks/?q=report&verdict=&o=", headers={"HX-Request": "true"})

    html = response.content.decode().strip()
    assert html.startswith('<div id="lh-live"')
    assert 'ws-connect="/ws/locks/?q=report"' in html
    assert "<html" not in html
    assert response["HX-Push-Url"] == "/locks/?q=report"


def test_going_back_in_history_gets_the_page(viewer, seen):
    response = viewer.get("/locks/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})

    assert "<html" in response.content.decode()


def test_one_lock_has_a_page(viewer, seen):
    response = viewer.get(f"/locks/{seen.locks[0].id}/")

    assert response.status_code == 200
    assert f'ws-connect="/ws/lock/?id={seen.locks[0].id}"' in response.content.decode()


@pytest.mark.parametrize("unknown", ["abc", "%3Cscript%3E", "0" * 16])
def test_lock_that_nobody_knows_is_a_sentence_with_404(viewer, seen, unknown):
    response = viewer.get(f"/locks/{unknown}/")

    assert response.status_code == 404
    assert "No lock with this id is held" in response.content.decode()


def test_pages_live_without_an_observer(viewer, watching):
    response = viewer.get("/")

    assert response.status_code == 200
    assert "manage.py observe" in response.content.decode()


def test_pages_are_read_only_by_get(viewer, watching):
    assert viewer.post("/locks/").status_code == 405


@pytest.mark.parametrize("query", ["q=%00%E2%80%AE<script>", "o=;drop&verdict=%FF", "q=" + "x" * 5000])
def test_any_query_is_answered(viewer, seen, query):
    response = viewer.get(f"/locks/?{query}")

    assert response.status_code == 200
    assert "<script>" not in re.sub(r"<script src=[^>]*>", "", response.content.decode())


def test_nothing_inline_for_the_policy_to_forbid(viewer, seen):
    for page in [*PAGES, f"/locks/{seen.locks[0].id}/", "/login/"]:
        html = viewer.get(page).content.decode()
        assert " style=" not in html
        assert "<style" not in html
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\son\w+=", html)


def test_a_project_whose_base_template_lists_its_models_finds_them(rf):
    request = rf.get("/")
    request.user = User.objects.create_superuser("root", password=PASSWORD)
    context = Context(admin_context(request))

    listed = Template("{% for app in available_apps %}{{ app.app_label }} {% endfor %}{{ site_header }}").render(context)

    assert "auth" in listed.split()


def test_first_visit_is_small(viewer, seen):
    html = viewer.get("/").content
    root = Path(__file__).parents[3]
    paths = re.findall(r'(?:src|href)="/static/([^"]+\.(?:css|js|svg))"', html.decode())

    assert len(html) + sum(len(_static(root, path)) for path in paths) < 250_000


def _static(root, path):
    from django.contrib.staticfiles import finders

    return Path(finders.find(path)).read_bytes()

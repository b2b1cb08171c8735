"""The admin's first page tells how things stand, to those who may look."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.dashboard.api.test_queues import put
from tests.factories import make_queue

__all__ = ["put"]
pytestmark = pytest.mark.django_db


def index(*codenames):
    user = User.objects.create_user("sam", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lockhouse", codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client.get("/admin/").content.decode()


def test_staff_who_may_look_see_the_counts_with_their_pages(put, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "NAME": "<b>shop</b>"}
    put(make_queue(), make_queue(name="mail"), locks=())
    page = index("view_locks")
    assert 'id="lockhouse-now"' in page
    assert "&lt;b&gt;shop&lt;/b&gt;" in page
    assert '<a href="/queues/">Queues</a></th><td>2</td>' in page
    assert "Recent actions" in page, "the admin's own parts are there as before"


def test_staff_who_may_not_look_see_the_admin_as_it_is(put):
    put(make_queue())
    page = index()
    assert "lockhouse-now" not in page
    assert "Recent actions" in page


def test_what_is_not_known_is_no_number(watching):
    page = index("view_locks")
    assert "No observer has looked yet." in page
    assert '<a href="/">Needs attention</a></th><td>?</td>' in page

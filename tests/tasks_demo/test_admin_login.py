"""The admin beside Lockhouse: one login for both, and it is the limited one."""

import pytest
from django.core.cache import cache

from dashboard.web.login import FAILURES

pytestmark = pytest.mark.django_db
PASSWORD = "a-right-password"
LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture(autouse=True)
def nobody_has_failed_yet():
    cache.clear()
    yield
    cache.clear()


def log_in(client, password: str):
    return client.post(LOGIN, {"username": "olga", "password": password, "next": "/admin/"})


def test_admin_sends_to_the_login_of_lockhouse_and_staff_comes_back(client, django_user_model, watching):
    django_user_model.objects.create_user("olga", password=PASSWORD, is_staff=True)

    asked = client.get("/admin/")
    form = client.get(asked["Location"])
    done = log_in(client, PASSWORD)

    assert asked["Location"] == LOGIN
    assert "lockhouse/login.html" in [template.name for template in form.templates]
    assert done["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_guessing_is_limited_at_the_admin_too(client, django_user_model, watching):
    django_user_model.objects.create_user("olga", password=PASSWORD, is_staff=True)
    for _ in range(FAILURES["name"]):
        assert log_in(client, "wrong").status_code == 200

    assert log_in(client, PASSWORD).status_code == 429


def test_user_who_is_not_staff_gets_the_form_and_no_loop(client, django_user_model, watching):
    client.force_login(django_user_model.objects.create_user("olga", password=PASSWORD))

    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain == [(LOGIN, 302)]
    assert 'name="password"' in answer.content.decode()

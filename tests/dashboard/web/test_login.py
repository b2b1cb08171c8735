"""Logging in: for everybody who has a user, and not by guessing."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from dashboard.web.login import FAILURES

pytestmark = pytest.mark.django_db
PASSWORD = "a-right-password"


@pytest.fixture(autouse=True)
def nobody_has_failed_yet():
    cache.clear()
    yield
    cache.clear()


def log_in(client, password: str, name: str = "olga"):
    return client.post(reverse("lockhouse:login"), {"username": name, "password": password})


def test_user_who_is_not_staff_logs_in(client, django_user_model, watching):
    django_user_model.objects.create_user("olga", password=PASSWORD)
    assert log_in(client, PASSWORD).status_code == 302


def test_after_too_many_wrong_passwords_the_right_one_has_to_wait(client, django_user_model, watching):
    django_user_model.objects.create_user("olga", password=PASSWORD)
    for _ in range(FAILURES["name"]):
        assert log_in(client, "wrong").status_code == 200

    limited = log_in(client, PASSWORD)

    assert limited.status_code == 429
    assert "try again in 5 minutes" in limited.content.decode()


def test_guessing_one_name_does_not_lock_out_another(client, django_user_model, watching):
    django_user_model.objects.create_user("paul", password=PASSWORD)
    for _ in range(FAILURES["name"]):
        log_in(client, "wrong")
    assert log_in(client, PASSWORD, "paul").status_code == 302

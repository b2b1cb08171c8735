import os
import subprocess
import sys

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from dashboard.checks import check_send_limit, refuse_unsafe_start

SHOP = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:6379/1"}
GOOD = {"BROKER_URL": "redis://127.0.0.1:6379/0", "CACHES": {"shop": SHOP}, "GRACE": 10}


def ids() -> list[str]:
    return [message.id for message in checks.run_checks() if message.id and message.id.startswith("lockhouse")]


def test_good_settings_have_nothing_to_say(settings):
    settings.LOCKHOUSE = GOOD

    assert ids() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"GRACES": 10}, "lockhouse.E002"),
        ({"BROKER_URL": ""}, "lockhouse.W001"),
        ({"BROKER_URL": "amqp://guest@host//"}, "lockhouse.W002"),
        ({"CACHES": ["redis://127.0.0.1/1"]}, "lockhouse.E003"),
        ({"CACHES": {"shop": {"LOCATION": "redis://127.0.0.1/1"}}}, "lockhouse.E004"),
        ({"CACHES": {"shop": "redis://127.0.0.1/1"}}, "lockhouse.E004"),
        ({"CACHES": {"shop": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "x"}}}, "lockhouse.E005"),
        ({"CACHES": {"broker": SHOP}}, "lockhouse.E006"),
        ({"GRACE": 0}, "lockhouse.E008"),
        ({"GRACE": "10"}, "lockhouse.E008"),
        ({"METRICS_ALLOW": "127.0.0.1"}, "lockhouse.E012"),
        ({"METRICS_ALLOW": ["127.0.0.1", "web-1"]}, "lockhouse.E013"),
    ],
)
def test_a_wrong_setting_is_named_with_a_hint(settings, changes, expected):
    settings.LOCKHOUSE = {**GOOD, **changes}

    [message] = [message for message in checks.run_checks() if message.id == expected]
    assert message.hint


def test_a_watched_cache_that_is_djangos_own_is_warned_of(settings):
    settings.LOCKHOUSE = GOOD
    settings.CACHES = {"default": SHOP}

    assert ids() == ["lockhouse.W003"]


def test_no_start_without_a_secret_key(settings):
    settings.DEBUG, settings.SECRET_KEY_GIVEN = False, False

    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEY"):
        refuse_unsafe_start()


@pytest.mark.parametrize("name", ["SEND_LIMIT", "SEND_LIMIT_ALL"])
@pytest.mark.parametrize("limit", [0, -1, "200", True])
def test_a_send_limit_is_a_positive_number(settings, name, limit):
    settings.LOCKHOUSE = {name: limit}

    assert [error.id for error in check_send_limit(None)] == ["lockhouse.E014"]


def test_no_start_for_any_host(settings):
    settings.DEBUG, settings.SECRET_KEY_GIVEN, settings.ALLOWED_HOSTS = False, True, ["*"]

    with pytest.raises(ImproperlyConfigured, match="DJANGO_ALLOWED_HOSTS"):
        refuse_unsafe_start()


def test_a_host_project_gives_its_key_in_its_own_way(settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["example.org"]
    del settings.SECRET_KEY_GIVEN

    refuse_unsafe_start()


def test_debug_may_start_without_either(settings):
    settings.DEBUG, settings.SECRET_KEY_GIVEN, settings.ALLOWED_HOSTS = True, False, ["*"]

    refuse_unsafe_start()


def test_check_deploy_fails_without_a_secret_key_and_plain_check_does_not():
    environment = {name: value for name, value in os.environ.items() if name not in {"DJANGO_SECRET_KEY", "LOCKHOUSE_DEMO"}}

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "manage.py", "check", *arguments], capture_output=True, text=True, env=environment, timeout=60)

    assert check().returncode == 0
    deploy = check("--deploy")
    assert deploy.returncode == 1
    assert "lockhouse.E010" in deploy.stderr

"""The watched cache as Lockhouse sees it, and as its users' code does."""

import pytest
from django.core.cache import CacheHandler

from dashboard import connections
from dashboard.conf import conf


@pytest.fixture
def place(watching):
    return connections.watched_one("shop")


@pytest.fixture
def cache(watching):
    return CacheHandler({"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, "shop": dict(conf().CACHES["shop"])})["shop"]

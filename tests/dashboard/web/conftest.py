"""What Lockhouse is called and may do, for the tests of panels."""

import pytest


@pytest.fixture
def acts_on(settings):
    """It is called demo-shop, and is not read-only."""
    settings.LOCKHOUSE = {"NAME": "demo-shop", "READ_ONLY": False}

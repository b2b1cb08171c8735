"""Fixtures for tests in a real browser: import them where they are used."""

import pytest

from config.tooling.machine import find_browser


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium or Chrome, else the one that Playwright has downloaded."""
    path = find_browser()
    assert path, "no Chromium or Chrome found: make browser"
    return path

"""The scene, and people, for every test of acts."""

import pytest

from tests.dashboard.acts.scene import ADMINISTRATOR, AUDITOR, OPERATOR, VIEWER, make_user, scene

__all__ = ["scene"]


@pytest.fixture
def operator(db):
    return make_user("olga", OPERATOR)


@pytest.fixture
def admin(db):
    return make_user("anna", ADMINISTRATOR)


@pytest.fixture
def viewer(db):
    return make_user("vera", VIEWER)


@pytest.fixture
def auditor(db):
    return make_user("aldo", AUDITOR)

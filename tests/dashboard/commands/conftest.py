"""The same scene and people as the tests of acts have."""

from tests.dashboard.acts.conftest import admin, auditor, operator, viewer
from tests.dashboard.acts.scene import scene

__all__ = ["admin", "auditor", "operator", "scene", "viewer"]

"""The Django app of the demo, installed only with LOCKHOUSE_DEMO=1."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksDemoConfig(AppConfig):
    """Makes config.celery the app that `current_app` means, in every process of the demo, and its tasks known there: Send shows what they take."""

    name = "tasks_demo"
    verbose_name = _("Demo")

    def ready(self) -> None:
        import config.celery  # noqa: F401  # as below
        import tasks_demo.tasks  # noqa: F401  # their import is what counts

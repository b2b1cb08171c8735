"""The Django app of the demo, installed only with LOCKHOUSE_DEMO=1."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksDemoConfig(AppConfig):
    """Makes config.celery the app that `current_app` means, in every process of the demo."""

    name = "tasks_demo"
    verbose_name = _("Demo")

    def ready(self) -> None:
        import config.celery  # noqa: F401  # its import is what counts

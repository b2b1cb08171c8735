"""The Django app: its label is `lockhouse`, for many projects have an app called dashboard of their own."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LockhouseConfig(AppConfig):
    """Registers the system checks when Django is ready."""

    name = "dashboard"
    label = "lockhouse"
    verbose_name = _("Lockhouse")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from dashboard import checks  # noqa: F401  # registers itself

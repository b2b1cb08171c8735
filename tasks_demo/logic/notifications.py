"""Notifications to users; the demo's messenger is a file with a line for each."""

from pathlib import Path

from django.utils.translation import gettext as _


def notify_user(user_id: int, messenger: Path) -> str:
    """Deliver one notification; returns a sentence for the log."""
    with messenger.open("a", encoding="utf-8") as lines:
        lines.write(_("To user %(user)s: your order is on its way.") % {"user": user_id} + "\n")
    return _("notified user %(user)s") % {"user": user_id}

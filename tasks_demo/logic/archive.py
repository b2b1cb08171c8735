"""The archive; nothing of it ever runs in the demo, for no worker reads its queue."""

from django.utils.translation import gettext as _


def compact(month: str) -> str:
    """Compact the archive of a month (2026-10); returns a sentence for the log."""
    return _("compacted the archive of %(month)s") % {"month": month}

"""The inventory of a shop, which is copied from somewhere slow."""

import time

from django.utils.translation import gettext as _


def sync_inventory(shop_id: int, seconds: float) -> str:
    """Copy the inventory of a shop for that many seconds; returns a sentence for the log."""
    time.sleep(seconds)
    return _("copied the inventory of shop %(id)s") % {"id": shop_id}

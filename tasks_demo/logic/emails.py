"""Emails of the shop, written by Django's file backend."""

from django.core.mail import send_mail
from django.utils.translation import gettext as _


def send_email(address: str, kind: str) -> str:
    """Send the email of that kind; returns a sentence for the log."""
    send_mail(_("Your %(kind)s") % {"kind": kind}, _("Hello from the demo's shop."), "shop@shop.example", [address])
    return _("sent the %(kind)s to %(address)s") % {"kind": kind, "address": address}

"""The pages of the stand-alone project for an address that is none and for a fault of our own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from dashboard.web.show import show_page


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: a page like every other one, with the ways on from it."""
    return show_page(request, "lockhouse/not_found.html", here="", title=_("No such page"), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a page that reads nothing, for what it would read may be what failed."""
    return render(None, "lockhouse/server_error.html", status=500)  # without a request no context processor runs

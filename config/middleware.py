"""What requests go through in this project alone: a project that has us inside keeps its own order."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def in_one_thread(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stands innermost, and has all of them called in the request's own thread: as most can be called from the loop too, Django would call them from
    there, and each would hand the request to that thread and get it back twice.
    """
    return get_response

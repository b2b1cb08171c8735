"""The API's URLs, included at `api/v1/` in the pages' namespace."""

from django.db.transaction import non_atomic_requests
from django.urls import URLPattern, path

from dashboard.api.app import api, missing

_patterns, _app, _namespace = api.urls  # not called `app_name`: `include` would read that
for _pattern in _patterns:
    if isinstance(_pattern, URLPattern) and hasattr(_pattern.callback, "__dict__"):
        non_atomic_requests(_pattern.callback)  # an act's record must be in the database before the act is done

urlpatterns = [
    path("", missing, name="missing"),  # before the API's own, which is a page
    path("", (_patterns, _app, _namespace)),
    path("<path:rest>", missing, name="missing"),
]

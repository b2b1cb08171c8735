"""The API's URLs, included at `api/v1/` in the pages' namespace."""

from django.db.transaction import non_atomic_requests
from django.urls import URLPattern, path

from dashboard.api.app import api

patterns, app_name, namespace = api.urls
for pattern in patterns:
    if isinstance(pattern, URLPattern) and hasattr(pattern.callback, "__dict__"):
        non_atomic_requests(pattern.callback)  # an act's record must be in the database before the act is done

urlpatterns = [path("", (patterns, app_name, namespace))]

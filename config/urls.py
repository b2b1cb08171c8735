"""URLs of the stand-alone project: Lockhouse at the root, Django's admin beside it, the demo's pages only in the demo."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from dashboard.web.login import Login

urlpatterns = [
    # In front of the admin's own form, which nobody limits; whoever is logged in without being staff gets the form, not a loop of redirects.
    path("admin/login/", Login.as_view(redirect_authenticated_user=False)),
    path("admin/", admin.site.urls),
    path("", include("dashboard.web.urls")),
]
handler404 = "dashboard.web.missing.page_not_found"
handler500 = "dashboard.web.missing.server_error"
if settings.DEMO:
    urlpatterns.insert(0, path("demo/", include("tasks_demo.urls")))

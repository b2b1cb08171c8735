"""URLs of the stand-alone project: Lockhouse at the root, Django's admin beside it, the demo's pages only in the demo."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("dashboard.web.urls")),
]
if settings.DEMO:
    urlpatterns.insert(0, path("demo/", include("tasks_demo.urls")))

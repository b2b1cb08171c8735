"""The project's URLs as in the demo."""

from django.urls import include, path

from config.urls import urlpatterns as of_lockhouse

urlpatterns = [path("demo/", include("tasks_demo.urls")), *of_lockhouse]

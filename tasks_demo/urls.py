"""The demo's own pages, below /demo/."""

from django.urls import path

from tasks_demo import views

app_name = "demo"
urlpatterns = [
    path("scenes/<slug:name>/", views.scene_play, name="scene-play"),
    path("servers/", views.servers, name="servers"),
    path("servers/<int:server_id>/", views.server, name="server"),
    path("servers/<int:server_id>/ask/", views.server_ask, name="server-ask"),
]

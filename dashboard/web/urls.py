"""Every page of Lockhouse; the whole can be mounted anywhere by one `include`."""

from django.urls import include, path

from dashboard.web import views

app_name = "lockhouse"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("locks/", views.locks, name="locks"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("", include("dashboard.web.act_urls")),
    path("locks/<str:id>/", views.lock, name="lock"),
    path("api/v1/", include("dashboard.api.urls")),
]

"""Every page of Lockhouse; the whole can be mounted anywhere by one `include`."""

from django.urls import include, path

from dashboard.web import lock_history, machines, past, results, runs, tasks, views
from dashboard.web.login import Login, Logout

app_name = "lockhouse"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("flow/", views.flow, name="flow"),
    path("locks/", views.locks, name="locks"),
    path("queues/", views.queues, name="queues"),
    path("queues/<str:id>/", views.queue, name="queue"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<str:id>/", runs.run, name="run"),
    path("results/", results.results, name="results"),
    path("results/<str:id>/", results.result, name="result"),
    path("results/<str:id>/value/", results.result_value, name="result-value"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<str:id>/", tasks.task, name="task"),
    path("schedules/", views.schedules, name="schedules"),
    path("workers/", runs.workers, name="workers"),
    path("workers/<str:id>/", runs.worker, name="worker"),
    path("login/", Login.as_view(), name="login"),
    path("logout/", Logout.as_view(), name="logout"),
    path("timeline/", past.timeline_past, name="timeline"),
    path("locks/overlaps/", lock_history.locks_overlaps, name="locks-overlaps"),
    path("locks/<str:id>/history/", lock_history.lock_history, name="lock-history"),
    path("", include("dashboard.web.act_urls")),
    path("locks/<str:id>/", views.lock, name="lock"),
    path("healthz", machines.healthz, name="healthz"),
    path("readyz", machines.readyz, name="readyz"),
    path("metrics", machines.metrics, name="metrics"),
    path("api/v1/", include("dashboard.api.urls")),
]

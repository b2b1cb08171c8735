"""The pages of acts, included by `web.urls` in its namespace."""

from django.db.transaction import non_atomic_requests
from django.urls import path

from dashboard.web import acts, bulk, lifetime, result_acts, revoke, send, trace, worker_acts

# Not in a request's transaction: an act's record must be in the database before the act is done.
urlpatterns = [
    path("locks/release/", non_atomic_requests(bulk.locks_release), name="locks-release"),
    path("locks/<str:id>/release/", non_atomic_requests(acts.lock_release), name="lock-release"),
    path("locks/<str:id>/revoke/", non_atomic_requests(revoke.lock_revoke), name="lock-revoke"),
    path("locks/<str:id>/<str:change>/", non_atomic_requests(lifetime.lock_change), name="lock-change"),
    path("results/<str:id>/delete/", non_atomic_requests(result_acts.result_delete), name="result-delete"),
    path("acts/<uuid:id>/restore/", non_atomic_requests(result_acts.result_restore), name="result-restore"),
    path("workers/<str:id>/events/", non_atomic_requests(worker_acts.worker_events), name="worker-events"),
    path("send/", non_atomic_requests(send.send), name="send"),
    path("send/check/", send.send_check, name="send-check"),
    path("trace/<uuid:id>/", trace.trace, name="trace"),
    path("acts/", acts.acts, name="acts"),
    path("acts/<uuid:id>/", acts.act, name="act"),
    path("acts/<uuid:id>/undo/", non_atomic_requests(acts.act_undo), name="act-undo"),
    path("acts/<uuid:id>/undo-all/", non_atomic_requests(bulk.act_undo_all), name="act-undo-all"),
]

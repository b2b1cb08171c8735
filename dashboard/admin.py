"""What happened and which tokens there are, in Django's admin; nothing of it can be changed there, but a token can be deleted."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from dashboard.history.read import instant
from dashboard.models import ApiToken, HistoryGap, OperatorAct, TaskRun
from dashboard.redaction import hide_in_name

MAX_LISTED = 10_000

if TYPE_CHECKING:
    ActAdmin = admin.ModelAdmin[OperatorAct]
    TokenAdmin = admin.ModelAdmin[ApiToken]
    RunAdmin = admin.ModelAdmin[TaskRun]
    GapAdmin = admin.ModelAdmin[HistoryGap]
else:
    ActAdmin = TokenAdmin = RunAdmin = GapAdmin = admin.ModelAdmin


class OnlyItsFilters:
    """A list is narrowed by the filters that it shows, and by nothing else."""

    list_filter: ClassVar[Any]
    date_hierarchy: ClassVar[Any]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By `?before__key__regex=` one could guess letter by letter what is not shown."""
        return lookup.partition("__")[0] in {*self.list_filter, self.date_hierarchy}


@admin.register(OperatorAct)
class OperatorActAdmin(OnlyItsFilters, ActAdmin):
    """The record of acts, to be searched and read."""

    list_display = ("started_at", "act", "target_name", "cache", "username", "state", "code", "origin")
    list_filter = ("act", "state", "origin", "cache")
    search_fields = ("target_name", "username", "reason", "target_id")
    date_hierarchy = "started_at"
    exclude = ("before",)
    readonly_fields = ("as_it_was",)

    @admin.display(description=_("before"))
    def as_it_was(self, act: OperatorAct) -> str:
        """Without the key itself: in its name, which is shown, secrets are hidden, and so in all other names."""
        said = {name: hide_in_name(value) if isinstance(value, str) else value for name, value in act.before.items() if name != "key"}
        return json.dumps(said, ensure_ascii=False)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lockhouse.view_acts")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(OnlyItsFilters, TokenAdmin):
    """Who has tokens and when they were used; made by `manage.py token`, deleted here."""

    list_display = ("user", "label", "created_at", "last_used_at")
    search_fields = ("user__username", "label")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(OnlyItsFilters):
    """What was seen is not edited; who may look at runs may look at it here."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lockhouse.view_locks")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FirstOnes(Paginator):  # type: ignore[type-arg]  # of whatever the admin lists
    """Pages of the first MAX_LISTED rows: nobody counts a million."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list.values_list("pk")[:MAX_LISTED])  # type: ignore[attr-defined]  # a query set


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnly, RunAdmin):
    """The history of runs, the newest first; the Runs page filters it. What was given and returned is not shown here, for it may hold secrets."""

    list_display = ("task_id", "outcome", "received", "ended")
    list_filter = ("outcome",)
    paginator = FirstOnes
    show_full_result_count = False
    fields = ("task_id", "outcome", "retries", "received", "started", "ended")
    readonly_fields = ("received", "started", "ended")

    @admin.display(description=_("received"))
    def received(self, run: TaskRun) -> datetime | None:
        return instant(run.received_us)

    @admin.display(description=_("started"))
    def started(self, run: TaskRun) -> datetime | None:
        return instant(run.started_us)

    @admin.display(description=_("ended"))
    def ended(self, run: TaskRun) -> datetime | None:
        return instant(run.ended_us)


@admin.register(HistoryGap)
class HistoryGapAdmin(ReadOnly, GapAdmin):
    """The times of which runs are missing."""

    list_display = ("why", "cache", "from_", "to", "how_many")
    list_filter = ("why",)
    fields = ("why", "cache", "from_", "to", "how_many")
    readonly_fields = ("from_", "to")

    @admin.display(description=_("from"))
    def from_(self, gap: HistoryGap) -> datetime | None:
        return instant(gap.from_us)

    @admin.display(description=_("to"))
    def to(self, gap: HistoryGap) -> datetime | None:
        return instant(gap.to_us)

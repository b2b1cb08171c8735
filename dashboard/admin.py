"""What happened and which tokens there are, in Django's admin; nothing of it can be changed there, but a token can be deleted."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from dashboard.models import ApiToken, OperatorAct

if TYPE_CHECKING:
    ActAdmin = admin.ModelAdmin[OperatorAct]
    TokenAdmin = admin.ModelAdmin[ApiToken]
else:
    ActAdmin = TokenAdmin = admin.ModelAdmin


@admin.register(OperatorAct)
class OperatorActAdmin(ActAdmin):
    """The record of acts, to be searched and read."""

    list_display = ("started_at", "act", "target_name", "cache", "username", "state", "code", "origin")
    list_filter = ("act", "state", "origin", "cache")
    search_fields = ("target_name", "username", "reason", "target_id")
    date_hierarchy = "started_at"

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
class ApiTokenAdmin(TokenAdmin):
    """Who has tokens and when they were used; made by `manage.py token`, deleted here."""

    list_display = ("user", "label", "created_at", "last_used_at")
    search_fields = ("user__username", "label")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

"""Acts of operators and API tokens. The permissions have their home here as well."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

UNDO_WITHIN = timedelta(seconds=30)
UNDOABLE = {"released", "extended", "timeout_set", "protected"}  # what an act answers that changed a lock
TRASHED_FOR = timedelta(days=1)
STATES = [
    ("intent", _("being done")),
    ("done", _("done")),
    ("refused", _("refused")),
    ("failed", _("failed")),
    ("unknown", _("not known")),
]
ORIGINS = [("page", _("page")), ("api", _("API")), ("cli", _("command line"))]


class Access(models.Model):  # noqa: DJ008  # has no rows
    """Home of the permissions of everything that has no table; never a table itself."""

    class Meta:  # noqa: D106  # Django's own
        managed = False
        default_permissions = ()
        permissions: ClassVar = [
            ("view_locks", "Can view locks"),
            ("view_payloads", "Can view arguments and results, secrets hidden"),
            ("view_unredacted", "Can view arguments and results with secrets"),
            ("send_tasks", "Can send tasks"),
            ("revoke_runs", "Can revoke runs"),
            ("terminate_runs", "Can terminate running tasks"),
            ("release_lock", "Can release a lock that is proved orphaned"),
            ("force_release_lock", "Can release any lock"),
            ("purge_queue", "Can purge queues"),
            ("quarantine_message", "Can quarantine messages"),
            ("delete_result", "Can delete results"),
            ("control_workers", "Can control workers"),
            ("view_acts", "Can view what operators did"),
        ]


class OperatorAct(models.Model):
    """One act of an operator, written as `intent` before it is done and completed after; it never holds a lock's token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    act = models.CharField(_("act"), max_length=40)  # a name of acts.registry
    target_id = models.CharField(_("target id"), max_length=64)
    target_name = models.TextField(_("target"))
    cache = models.CharField(_("cache"), max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user"))
    username = models.CharField(_("user name"), max_length=254)  # stays when the user is deleted
    reason = models.TextField(_("reason"))
    state = models.CharField(_("state"), max_length=10, choices=STATES, default="intent")
    code = models.CharField(_("answer"), max_length=40, blank=True)  # worded by acts.words
    values = models.JSONField(_("answer's values"), default=dict, blank=True)
    planned_at = models.DateTimeField(_("planned"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    nonce = models.CharField(max_length=80, unique=True, editable=False)  # what makes a second submission the same act
    before = models.JSONField(_("before"), default=dict, blank=True)
    after = models.JSONField(_("after"), default=dict, blank=True)
    token_digest = models.CharField(_("token digest"), max_length=16, blank=True)
    origin = models.CharField(_("origin"), max_length=4, choices=ORIGINS)
    undo_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="undos", verbose_name=_("undo of"))

    class Meta:  # noqa: D106  # Django's own
        verbose_name = _("act")
        verbose_name_plural = _("acts")
        default_permissions = ()  # view_acts, of Access
        ordering = ("-started_at", "-id")
        indexes: ClassVar = [
            models.Index(fields=["-started_at", "-id"], name="lockhouse_act_newest"),
            models.Index(fields=["user", "started_at"], name="lockhouse_act_user"),
            models.Index(fields=["target_id", "token_digest"], name="lockhouse_act_target"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.target_name}"

    @property
    def undone_by(self) -> "OperatorAct | None":
        """The undo that put everything back."""
        return self.undos.filter(state="done").first()

    @property
    def undo_until(self) -> datetime | None:
        """Until when this act may be undone; None: never could be."""
        if self.code == "result_deleted":
            return self.started_at + TRASHED_FOR
        return self.started_at + UNDO_WITHIN if self.code in UNDOABLE and self.values.get("undo") else None


class ApiToken(models.Model):
    """A token of a program that acts as a user; the token itself was printed once and is not kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="lockhouse_tokens", verbose_name=_("user"))
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256 in hex
    label = models.CharField(_("label"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)  # to the minute

    class Meta:  # noqa: D106  # Django's own
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        default_permissions = ("view", "delete")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.label or f"token {self.pk}"

    @staticmethod
    def digest_of(token: str) -> str:
        """What is kept of a token: it has 256 random bits, so that a plain hash is enough."""
        return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()

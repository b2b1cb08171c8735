"""Acts of operators, API tokens, and the permissions."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "permissions": [
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
                ],
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("label", models.CharField(blank=True, max_length=100, verbose_name="label")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("last_used_at", models.DateTimeField(blank=True, null=True, verbose_name="last used")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lockhouse_tokens", to=settings.AUTH_USER_MODEL, verbose_name="user"
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
                "ordering": ("-created_at",),
                "default_permissions": ("view", "delete"),
            },
        ),
        migrations.CreateModel(
            name="OperatorAct",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("act", models.CharField(max_length=40, verbose_name="act")),
                ("target_id", models.CharField(max_length=64, verbose_name="target id")),
                ("target_name", models.TextField(verbose_name="target")),
                ("cache", models.CharField(max_length=200, verbose_name="cache")),
                ("username", models.CharField(max_length=254, verbose_name="user name")),
                ("reason", models.TextField(verbose_name="reason")),
                (
                    "state",
                    models.CharField(
                        choices=[("intent", "being done"), ("done", "done"), ("refused", "refused"), ("failed", "failed"), ("unknown", "not known")],
                        default="intent",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=40, verbose_name="answer")),
                ("values", models.JSONField(blank=True, default=dict, verbose_name="answer's values")),
                ("planned_at", models.DateTimeField(verbose_name="planned")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("nonce", models.CharField(editable=False, max_length=80, unique=True)),
                ("before", models.JSONField(blank=True, default=dict, verbose_name="before")),
                ("after", models.JSONField(blank=True, default=dict, verbose_name="after")),
                ("token_digest", models.CharField(blank=True, max_length=16, verbose_name="token digest")),
                ("origin", models.CharField(choices=[("page", "page"), ("api", "API"), ("cli", "command line")], max_length=4, verbose_name="origin")),
                (
                    "undo_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undos",
                        to="lockhouse.operatoract",
                        verbose_name="undo of",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="user"
                    ),
                ),
            ],
            options={
                "verbose_name": "act",
                "verbose_name_plural": "acts",
                "ordering": ("-started_at", "-id"),
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["-started_at", "-id"], name="lockhouse_act_newest"),
                    models.Index(fields=["user", "started_at"], name="lockhouse_act_user"),
                    models.Index(fields=["target_id", "token_digest"], name="lockhouse_act_target"),
                ],
            },
        ),
    ]

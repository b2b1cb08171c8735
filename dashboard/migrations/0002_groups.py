"""The four groups that a first installation needs; a host project may change them as it likes."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

PERMISSIONS = {
    "view_locks": "Can view locks",
    "view_payloads": "Can view arguments and results, secrets hidden",
    "view_unredacted": "Can view arguments and results with secrets",
    "send_tasks": "Can send tasks",
    "revoke_runs": "Can revoke runs",
    "terminate_runs": "Can terminate running tasks",
    "release_lock": "Can release a lock that is proved orphaned",
    "force_release_lock": "Can release any lock",
    "purge_queue": "Can purge queues",
    "quarantine_message": "Can quarantine messages",
    "delete_result": "Can delete results",
    "control_workers": "Can control workers",
    "view_acts": "Can view what operators did",
}
GROUPS = {
    "Viewers": ["view_locks"],
    "Operators": ["view_locks", "view_payloads", "send_tasks", "revoke_runs", "release_lock", "view_acts"],
    "Administrators": list(PERMISSIONS),
    "Auditors": ["view_locks", "view_acts"],
}


def create_groups(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Groups with their permissions; `post_migrate` would create the permissions only after all migrations."""
    permissions = _permissions(apps, editor.connection.alias)
    groups = apps.get_model("auth", "Group").objects.using(editor.connection.alias)
    for name, codenames in GROUPS.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(*(permissions[codename] for codename in codenames))


def remove_groups(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Takes our permissions away again; a group goes only if it has nothing else."""
    permissions = _permissions(apps, editor.connection.alias)
    groups = apps.get_model("auth", "Group").objects.using(editor.connection.alias)
    for group in groups.filter(name__in=GROUPS):
        group.permissions.remove(*permissions.values())
        if not group.permissions.exists() and not group.user_set.exists():
            group.delete()


def _permissions(apps: StateApps, alias: str) -> dict[str, Any]:
    types = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    home, _ = types.get_or_create(app_label="lockhouse", model="access")
    found = apps.get_model("auth", "Permission").objects.using(alias)
    return {codename: found.get_or_create(content_type=home, codename=codename, defaults={"name": name})[0] for codename, name in PERMISSIONS.items()}


class Migration(migrations.Migration):
    dependencies = [
        ("lockhouse", "0001_schema"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_groups, remove_groups, elidable=False)]

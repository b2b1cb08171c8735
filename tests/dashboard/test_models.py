import base64
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from dashboard.history.rows import Batch, Gap
from dashboard.history.write import Writer
from dashboard.models import Access, HistoryGap, OperatorAct
from tests.dashboard.acts.scene import make_user
from tests.dashboard.history.made import BASE_US, make_row

pytestmark = pytest.mark.django_db

GROUPS = {
    "Viewers": {"view_locks"},
    "Operators": {"view_locks", "view_payloads", "send_tasks", "revoke_runs", "release_lock", "view_acts"},
    "Auditors": {"view_locks", "view_acts"},
    "Administrators": {codename for codename, _ in Access._meta.permissions},
}


@pytest.mark.parametrize("name", GROUPS)
def test_the_groups_have_exactly_their_permissions(name):
    group = Group.objects.get(name=name)

    assert {permission.codename for permission in group.permissions.all()} == GROUPS[name]


def test_permissions_exist_once_with_the_models_names():
    kept = dict(Permission.objects.filter(content_type__app_label="lockhouse", content_type__model="access").values_list("codename", "name"))

    assert kept == dict(Access._meta.permissions)


def test_creating_the_groups_again_changes_nothing_and_a_hosts_own_rights_stay():
    migration = _module()
    host = Permission.objects.get(codename="add_user")
    Group.objects.get(name="Viewers").permissions.add(host)

    with connection.schema_editor() if connection.vendor != "sqlite" else Editor() as editor:
        migration.create_groups(apps, editor)
        migration.remove_groups(apps, editor)

    assert list(Group.objects.filter(name__in=GROUPS).values_list("name", flat=True)) == ["Viewers"]
    assert list(Group.objects.get(name="Viewers").permissions.all()) == [host]


def _module():
    from importlib import import_module

    return import_module("dashboard.migrations.0002_groups")


class Editor:
    """What the migration needs of an editor; SQLite's own refuses to work in a transaction."""

    def __enter__(self):
        self.connection = connection
        return self

    def __exit__(self, *args):
        return None


def test_no_migration_is_missing():
    executor = MigrationExecutor(connection)

    assert not executor.migration_plan(executor.loader.graph.leaf_nodes())


def test_acts_are_read_only_in_the_admin():
    auditor = make_user("aldo", ["view_acts"])
    auditor.is_staff = True
    auditor.save()
    client = Client()
    client.force_login(auditor)

    assert client.get("/admin/lockhouse/operatoract/").status_code == 200
    assert client.get("/admin/lockhouse/operatoract/add/").status_code == 403
    assert client.get("/admin/lockhouse/apitoken/").status_code == 403


def test_staff_without_the_permission_do_not_see_acts():
    staff = make_user("stan")
    staff.is_staff = True
    staff.save()
    client = Client()
    client.force_login(staff)

    assert client.get("/admin/lockhouse/operatoract/").status_code == 403


@pytest.mark.parametrize("table", ["taskrun", "historygap"])
def test_the_history_is_read_only_in_the_admin_and_for_those_who_may_see_runs(table):
    row = make_row(1, outcome=7, ended_us=BASE_US)
    writer = Writer("test:1")
    writer.claim(BASE_US)
    writer.write(Batch(rows=[row], gaps=[Gap(from_us=BASE_US, to_us=BASE_US + 5, why="no-observer")]), BASE_US)
    pages = {"taskrun": row[0], "historygap": HistoryGap.objects.get().id}
    viewer, other = make_user("vera", ["view_locks"]), make_user("otto")
    for user, status in ((viewer, 200), (other, 403)):
        user.is_staff = True
        user.save()
        client = Client()
        client.force_login(user)
        assert client.get(f"/admin/lockhouse/{table}/").status_code == status
        assert client.get(f"/admin/lockhouse/{table}/{pages[table]}/change/").status_code == status
        assert client.get(f"/admin/lockhouse/{table}/add/").status_code == 403
        assert client.post(f"/admin/lockhouse/{table}/{pages[table]}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("field", ["args", "kwargs", "result", "error", "traceback"])
def test_nobody_guesses_letter_by_letter_what_the_admin_does_not_show(field):
    writer = Writer("test:1")
    writer.claim(BASE_US)
    writer.write(Batch(rows=[make_row(1, **{field: "hunter2"})]), BASE_US)
    viewer = make_user("vera", ["view_locks"])
    viewer.is_staff = True
    viewer.save()
    client = Client()
    client.force_login(viewer)

    assert client.get("/admin/lockhouse/taskrun/", {f"{field}__startswith": "hunter"}).status_code == 400
    assert client.get("/admin/lockhouse/taskrun/", {"outcome__exact": "7"}).status_code == 200


def test_the_record_of_an_act_shows_no_key_whose_name_has_a_secret():
    auditor = make_user("aldo", ["view_acts"])
    auditor.is_staff = True
    auditor.save()
    now = datetime.now(UTC)
    key = base64.b64encode(b"lock_token=hunter2").decode()
    act = OperatorAct.objects.create(
        act="lock-release", username="olga", nonce="n", target_id="1", planned_at=now, started_at=now, origin="page", before={"key": key, "verdict": "orphaned"}
    )
    client = Client()
    client.force_login(auditor)

    page = client.get(f"/admin/lockhouse/operatoract/{act.pk}/change/").content.decode()

    assert "orphaned" in page
    assert key not in page


@pytest.mark.parametrize(
    "lookup", ["before__key__regex", "before__startswith", "nonce__startswith", "token_digest__startswith", "after__has_key", "undo_of__before__key__regex"]
)
def test_nobody_guesses_letter_by_letter_what_an_act_keeps_and_does_not_show(auditing, lookup):
    assert auditing.get("/admin/lockhouse/operatoract/", {lookup: "a"}).status_code == 400


@pytest.mark.parametrize("lookup", ["act__exact", "state__exact", "origin__exact", "cache", "started_at__year"])
def test_the_filters_of_acts_work_as_they_are_shown(auditing, lookup):
    assert auditing.get("/admin/lockhouse/operatoract/", {lookup: "2026" if "year" in lookup else "done"}).status_code == 200


def test_nobody_guesses_the_hash_of_a_token():
    client = staff_client(make_user("bea", ["view_apitoken"]))

    assert client.get("/admin/lockhouse/apitoken/").status_code == 200
    assert client.get("/admin/lockhouse/apitoken/", {"digest__startswith": "a"}).status_code == 400


@pytest.fixture
def auditing():
    """The browser of one who may read what operators did."""
    return staff_client(make_user("aldo", ["view_acts"]))


def staff_client(user) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client

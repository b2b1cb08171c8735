"""The catalogue of locks: what it says is shown wherever a lock is, an object's own page in the admin included; a bad one fails at start."""

import json
import re
from html import unescape
from urllib.parse import unquote as unquote_url

import pytest
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Permission, User
from django.core import checks
from django.core.management import call_command
from django.test import Client

from dashboard.conf import policy
from dashboard.judge import assess
from tests.dashboard.api.test_queues import put
from tests.dashboard.web.pieces import pieces_of, rows_of
from tests.factories import NOW, make_lock, make_snapshot

__all__ = ["put"]
ENTRY = {"label": "mailbox of {user_id}", "owner": "mail_fetch", "blocks": "mail for {object}", "model": "auth.User"}
CATALOGUE = {"lock_mail_{user_id}": ENTRY}
CHANGE_FORM = "{% extends 'admin/change_form.html' %}{% load lockhouse_locks %}{% block content %}{% lockhouse_locks original %}{{ block.super }}{% endblock %}"


def mail_lock(number=7, **changes):
    return make_lock(**{"name": f"lock_mail_{number}", "dialect": "redis-py", **changes})


@pytest.fixture
def catalogue(settings):
    settings.LOCKHOUSE = {"NAME": "demo-shop", "READ_ONLY": False, "LOCKS": CATALOGUE}


def judged(*locks):
    return assess(make_snapshot(locks=locks), NOW, policy())


def test_lock_has_its_label_what_it_blocks_and_its_object(catalogue):
    (one,) = judged(mail_lock())

    assert (one.label, one.blocks, one.model, one.object_id) == ("mailbox of 7", "mail for user 7", "auth.User", "7")


def test_lock_that_no_entry_fits_has_none_of_them(catalogue):
    (one,) = judged(make_lock())

    assert (one.label, one.blocks, one.model, one.object_id) == ("", "", "", "")


def test_row_shows_the_label_and_links_to_the_objects_change_page(catalogue):
    (row,) = rows_of("locks", make_snapshot(locks=(mail_lock(),)), "locks-rows")

    assert "mailbox of 7" in row
    assert '<a href="/admin/auth/user/7/change/"><bdi>user 7</bdi></a>' in row
    assert "blocks mail for user 7" in row


@pytest.mark.parametrize("key", ["../group/3", "a_2Fb", "7?next=x"])
def test_link_leads_to_the_object_whose_key_it_is_and_nowhere_else(catalogue, key):
    (row,) = rows_of("locks", make_snapshot(locks=(mail_lock(key),)), "locks-rows")

    (link,) = re.findall(r'href="/admin/auth/user/([^"]*)/change/"', row)
    assert "/" not in link
    assert unquote(unquote_url(unescape(link))) == key


def test_locks_page_shows_them_as_well(catalogue):
    lock = mail_lock()

    pieces = pieces_of("lock", make_snapshot(locks=(lock,)), {"id": lock.id})

    assert "mailbox of 7" in pieces["lock-head"]
    assert '<a href="/admin/auth/user/7/change/"><bdi>user 7</bdi></a>' in pieces["lock-facts"]


def test_object_of_a_model_that_is_not_here_is_named_without_a_link(settings):
    settings.LOCKHOUSE = {"LOCKS": {"lock_report_{data_id}": {"model": "reports.Report"}}}

    (row,) = rows_of("locks", make_snapshot(), "locks-rows")

    assert "<bdi>report 12</bdi>" in row
    assert "/admin/" not in row


def test_hostile_name_stays_text_in_label_and_link(catalogue):
    (row,) = rows_of("locks", make_snapshot(locks=(mail_lock('"><script>alert(1)</script>\u202e'),)), "locks-rows")

    assert "<script>" not in row
    assert "\u202e" not in row


def test_lock_that_is_never_released_says_so_where_the_button_would_be(settings):
    settings.LOCKHOUSE = {"READ_ONLY": False, "LOCKS": {"lock_report_{data_id}": {"release": False}}}

    (row,) = rows_of("locks", make_snapshot(), "locks-rows")

    assert "The settings say that this lock is not to be released." in row
    assert "release/?digest=" not in row


def test_plain_token_under_a_name_that_nothing_lists_offers_no_release(catalogue):
    (row,) = rows_of("locks", make_snapshot(locks=(make_lock(name="cart-import:5", dialect="redis-py"),)), "locks-rows")

    assert "add cart-import:* to LOCK_PATTERNS" in row


@pytest.mark.parametrize(
    ("locks", "expected"),
    [
        (["lock_*"], ["lockhouse.E020"]),
        ({"lock_*": "reports"}, ["lockhouse.E021"]),
        ({7: {}}, ["lockhouse.E021"]),
        ({"*": {}}, ["lockhouse.E022"]),
        ({"{name}": {}}, ["lockhouse.E022"]),
        ({"": {}}, ["lockhouse.E022"]),
        ({"lock_*": {"blockz": "reports"}}, ["lockhouse.E023"]),
        ({"lock_*": {"owner": ["a", "b"], "release": "no"}}, ["lockhouse.E024", "lockhouse.E024"]),
        ({"lock_*": {"model": "auth.User"}}, ["lockhouse.E025"]),
        ({"lock_{a}_{b}": {"model": "auth.User"}}, ["lockhouse.E025"]),
        ({"lock_{a}": {"model": "User"}}, ["lockhouse.E026"]),
        ({"lock_{a}": {"model": "auth.Usr"}}, ["lockhouse.W004"]),
        ({"lock_{a}": {"blocks": "reports of {b} for {object}"}}, ["lockhouse.W005", "lockhouse.W005"]),
        ({"lock_{a}_{pk}": {"model": "auth.User"}, "lock_{a}": {"model": "reports.Report"}}, []),
        (CATALOGUE, []),
    ],
)
def test_bad_catalogue_is_told_at_start_with_a_hint(settings, locks, expected):
    settings.LOCKHOUSE = {"BROKER_URL": "redis://127.0.0.1:6379/0", "LOCKS": locks}

    told = [message for message in checks.run_checks() if str(message.id).startswith("lockhouse.")]

    assert [message.id for message in told] == expected
    assert all(message.hint for message in told)


@pytest.fixture
def seen(put, settings):
    """An observer has just seen a lock of user 7, one of user 8, and one of nobody."""
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCKS": CATALOGUE}
    put(locks=(mail_lock(), mail_lock(8), make_lock()))


def test_terminal_and_programs_get_them(seen, capsys):
    call_command("locks", "--q", "lock_mail_7")
    assert "lock_mail_7 (mailbox of 7)" in capsys.readouterr().out

    call_command("locks", "--json", "--q", "lock_mail_7")
    (row,) = json.loads(capsys.readouterr().out)["locks"]
    assert (row["label"], row["model"], row["object_id"], row["taken_by"], row["no_release"]) == ("mailbox of 7", "auth.User", "7", "run", None)


def change_page(settings, folder, *codenames, pk=7):
    """The admin's change page of a user in a project that put the tag there, as its text without scripts."""
    template = folder / "admin" / "auth" / "user" / "change_form.html"
    template.parent.mkdir(parents=True)
    template.write_text(CHANGE_FORM)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [folder, *settings.TEMPLATES[0]["DIRS"]]}]
    User.objects.create_user("of the lock", pk=pk)
    staff = User.objects.create_user("sam", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_user", *codenames)))
    client = Client()
    client.force_login(staff)
    return client.get(f"/admin/auth/user/{pk}/change/").content.decode()


@pytest.mark.django_db
def test_objects_change_page_shows_its_locks_and_no_others(seen, settings, tmp_path):
    page = change_page(settings, tmp_path, "view_locks")

    assert "lock_mail_7" in page and "mailbox of 7" in page
    assert "lock_mail_8" not in page and "lock_report_12" not in page


@pytest.mark.django_db
def test_object_without_a_lock_says_that_none_is_held(seen, settings, tmp_path):
    assert "No lock of this object is held." in change_page(settings, tmp_path, "view_locks", pk=9)


@pytest.mark.django_db
def test_objects_change_page_shows_no_lock_to_those_who_may_not_look(seen, settings, tmp_path):
    page = change_page(settings, tmp_path)

    assert "lockhouse-locks" not in page
    assert "lock_mail_7" not in page


@pytest.mark.django_db
def test_objects_change_page_says_where_nothing_is_known(watching, settings, tmp_path):
    assert "no observer tells" in change_page(settings, tmp_path, "view_locks")

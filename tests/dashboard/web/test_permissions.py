"""What a person may, as it decides over what is rendered."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User

from dashboard.web.permissions import permissions_of

pytestmark = pytest.mark.django_db


def test_a_superuser_has_all_of_ours_that_there_are_and_no_question_is_asked(django_assert_num_queries):
    root = User.objects.create_superuser("root")
    there = {f"lockhouse.{codename}" for codename in Permission.objects.filter(content_type__app_label="lockhouse").values_list("codename", flat=True)}

    with django_assert_num_queries(0):
        found = permissions_of(root)

    assert found == there and found


def test_others_have_what_they_were_given_and_an_inactive_superuser_nothing():
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(codename="view_locks"), Permission.objects.get(codename="add_user"))

    assert permissions_of(User.objects.get(pk=user.pk)) == {"lockhouse.view_locks"}
    assert permissions_of(User.objects.create_superuser("gone", is_active=False)) == set()
    assert permissions_of(AnonymousUser()) == set()

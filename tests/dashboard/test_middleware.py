import json

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch

from dashboard.exceptions import ActForbidden, SourceUnavailable
from dashboard.middleware import DashboardMiddleware

pytestmark = pytest.mark.django_db


def request_to(*namespaces: str, **headers):
    request = RequestFactory().get("/locks/", headers=headers)
    request.resolver_match = ResolverMatch(lambda: None, (), {}, namespaces=list(namespaces))
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    return request


@pytest.fixture
def middleware():
    return DashboardMiddleware(lambda request: HttpResponse("ok"))


def test_a_source_that_is_away_is_503_with_its_sentence(middleware):
    response = middleware.process_exception(request_to("lockhouse"), SourceUnavailable("cache shop", "does not answer"))

    assert response.status_code == 503
    assert "cache shop does not answer" in response.content.decode()


def test_the_text_of_an_error_is_only_text(middleware):
    response = middleware.process_exception(request_to("lockhouse"), ActForbidden("<script>alert(1)</script>"))

    assert response.status_code == 403
    assert "<script>alert" not in response.content.decode()


def test_htmx_gets_a_note_and_no_page(middleware):
    response = middleware.process_exception(request_to("lockhouse", **{"HX-Request": "true"}), ActForbidden("no"))

    assert "<html" not in response.content.decode()


def test_programs_get_json(middleware):
    response = middleware.process_exception(request_to("lockhouse", "lockhouse-api"), ActForbidden("no"))

    assert json.loads(response.content) == {"error": "no"}


def test_a_bug_goes_on_to_the_log(middleware):
    assert middleware.process_exception(request_to("lockhouse"), ValueError("x")) is None


def test_the_views_of_a_host_project_are_left_alone(middleware):
    assert middleware.process_exception(request_to("shop"), ActForbidden("no")) is None
    assert "Cache-Control" not in middleware(request_to("shop"))


def test_our_pages_are_in_no_cache(middleware):
    assert middleware(request_to("lockhouse"))["Cache-Control"] == "no-store"


async def test_it_works_without_a_thread_as_well():
    async def answer(request):
        return HttpResponse("ok")

    response = await DashboardMiddleware(answer)(request_to("lockhouse"))

    assert response["Cache-Control"] == "no-store"

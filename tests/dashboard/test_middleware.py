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


@pytest.mark.parametrize("size", [2_000_001, 10_000_000])
def test_a_body_that_is_too_large_is_a_page_with_a_sentence(client, watching, size):
    response = client.post("/send/", {"task": "a", "queue": "b", "args": "x" * size})

    assert response.status_code == 413
    assert response["Cache-Control"] == "no-store"
    assert "<h1>Too large</h1>" in response.content.decode()
    assert "The request is larger than 2 MB, so it was not read and nothing was done." in response.content.decode()


def test_a_body_that_is_too_large_is_said_inside_the_part_that_was_to_be_replaced(client, watching):
    response = client.post("/send/check/", {"args": "x" * 3_000_000}, headers={"HX-Request": "true", "HX-Target": "send-check"})

    assert response.status_code == 413
    assert response["HX-Reswap"] == "innerHTML"
    assert "larger than 2 MB" in response.content.decode()
    assert "<html" not in response.content.decode()
    assert "data-close" not in response.content.decode()


def test_a_body_that_is_too_large_is_json_for_programs(client, watching):
    response = client.post("/api/v1/send", b'{"args": ["' + b"x" * 3_000_000 + b'"]}', content_type="application/json")

    assert response.status_code == 413
    assert response.json() == {"error": "The request is larger than 2 MB, so it was not read and nothing was done.", "code": "too_large"}


def test_a_project_that_has_us_before_its_login_gets_the_sentence_alone(middleware):
    request = RequestFactory().post("/send/", {"args": "x" * 3_000_000})

    response = middleware(request)

    assert (response.status_code, response["Content-Type"]) == (413, "text/plain; charset=utf-8")


async def test_it_works_without_a_thread_as_well():
    async def answer(request):
        return HttpResponse("ok")

    response = await DashboardMiddleware(answer)(request_to("lockhouse"))

    assert response["Cache-Control"] == "no-store"

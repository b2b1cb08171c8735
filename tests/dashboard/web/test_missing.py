"""An address that is none, and a fault of our own: both are pages, in the stand-alone project."""

import pytest
from django.test import Client
from django.urls import path

from config import urls as project

pytestmark = pytest.mark.django_db


def fail(request):
    raise ZeroDivisionError("division by zero")


urlpatterns = [path("fails/", fail), *project.urlpatterns]
handler404, handler500 = project.handler404, project.handler500


@pytest.mark.parametrize("address", ["/nope/", "/overlaps/", "/locks/345d6a14c5a4e2a3/nope/", "/%3Cimg%20src=x%3E/"])
def test_address_that_is_none_is_a_page_with_the_ways_on(admin_client, watching, address):
    response = admin_client.get(address)

    page = response.content.decode()
    assert response.status_code == 404
    assert "<h1>No such page</h1>" in page
    assert 'href="/locks/"' in page
    assert "<img src=x>" not in page
    assert "no-store" in response["Cache-Control"]


def test_whoever_is_not_logged_in_is_told_no_more_than_that(client, watching):
    response = client.get("/nope/")

    page = response.content.decode()
    assert response.status_code == 404
    assert "<h1>No such page</h1>" in page
    assert 'href="/locks/"' not in page
    assert 'id="logout-form"' not in page


@pytest.mark.urls(__name__)
def test_fault_of_our_own_is_a_page_that_tells_where_to_look():
    response = Client(raise_request_exception=False).get("/fails/")

    page = response.content.decode()
    assert response.status_code == 500
    assert "its log says which" in page
    assert 'href="/static/lockhouse/alone' in page
    assert "division" not in page

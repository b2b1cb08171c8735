"""Requests and the threads that answer them, through the handler of our own ASGI application."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from config.threads import ThreadKeepingHandler

PATIENCE_S = 20


class Meeting:
    """What the views wait for."""

    two = threading.Barrier(2, timeout=PATIENCE_S)
    is_over = threading.Event()


def who(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def together(request: HttpRequest) -> HttpResponse:
    Meeting.two.wait()
    return who(request)


def stuck(request: HttpRequest) -> HttpResponse:
    Meeting.is_over.wait(PATIENCE_S)
    return who(request)


async def who_async(request: HttpRequest) -> HttpResponse:
    return who(request)


urlpatterns = [path("who", who), path("together", together), path("stuck", stuck), path("async", who_async)]


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        yield


def asked(handler: ThreadKeepingHandler, address: str) -> ApplicationCommunicator:
    scope = {"type": "http", "method": "GET", "path": f"/{address}", "query_string": b"", "headers": [(b"host", b"localhost")], "http_version": "1.1"}
    return ApplicationCommunicator(handler, scope)


async def answer(handler: ThreadKeepingHandler, address: str) -> str:
    request = asked(handler, address)
    await request.send_input({"type": "http.request", "body": b""})
    assert (await request.receive_output(PATIENCE_S))["status"] == 200
    body = (await request.receive_output(PATIENCE_S))["body"]
    await request.wait(PATIENCE_S)
    return str(body, "ascii")


def test_requests_one_after_the_other_have_one_thread() -> None:
    async def talk() -> set[str]:
        handler = ThreadKeepingHandler()
        return {await answer(handler, "who") for _ in range(5)}

    assert len(asyncio.run(talk())) == 1


def test_requests_at_the_same_time_have_a_thread_each() -> None:
    async def talk() -> list[str]:
        handler = ThreadKeepingHandler()
        return list(await asyncio.gather(answer(handler, "together"), answer(handler, "together")))

    assert len(set(asyncio.run(talk()))) == 2


def test_a_thread_that_still_works_for_a_browser_that_left_is_not_waited_for() -> None:
    async def talk() -> list[str]:
        handler = ThreadKeepingHandler()
        left = asked(handler, "stuck")
        await left.send_input({"type": "http.request", "body": b""})
        await left.send_input({"type": "http.disconnect"})
        answers = [await answer(handler, "who") for _ in range(2)]
        Meeting.is_over.set()
        return answers

    assert len(set(asyncio.run(talk()))) == 1


def test_a_view_that_is_a_coroutine_is_answered_too() -> None:
    assert asyncio.run(answer(ThreadKeepingHandler(), "async"))

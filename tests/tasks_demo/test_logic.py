"""What the tasks do, without Celery."""

import socket
import struct
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from itertools import count
from urllib.parse import urlsplit

import pytest
from django.core import mail

from tasks_demo.endpoint import Endpoint, facts
from tasks_demo.logic import archive, emails, inventory, notifications, reports, servers


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The demo's endpoint, quick for once, its questions counted from one."""
    handler = type("QuickEndpoint", (Endpoint,), {"slowness_s": 0, "questions": count(1), "log_message": lambda *args: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_every_third_refresh_is_longer_than_two_intervals():
    seconds = [reports.refresh_seconds(number) for number in range(1, 7)]

    assert [second > 2 * reports.REFRESH_INTERVAL_S for second in seconds] == [False, False, True] * 2
    assert reports.SHORT_REFRESH_S < reports.REFRESH_INTERVAL_S


def test_report_says_for_whom_it_is():
    assert reports.prepare_report(7, 0) == "prepared report 7 in 0 s"


def test_email_goes_to_the_address():
    emails.send_email("reader@shop.example", "invoice")

    assert [message.to for message in mail.outbox] == [["reader@shop.example"]]


def test_notifications_are_lines_of_the_messenger(tmp_path):
    messenger = tmp_path / "messenger.txt"

    notifications.notify_user(1, messenger)
    notifications.notify_user(2, messenger)

    assert [line.split(":")[0] for line in messenger.read_text().splitlines()] == ["To user 1", "To user 2"]


def test_archive_and_inventory_say_what_they_did():
    assert archive.compact("2026-10") == "compacted the archive of 2026-10"
    assert inventory.sync_inventory(3, 0) == "copied the inventory of shop 3"


def test_endpoint_fails_every_third_time(endpoint: str):
    assert servers.retrieve_info(endpoint, 1) == facts(1)
    assert servers.retrieve_info(endpoint, 2) == facts(2)
    with pytest.raises(servers.EndpointFailed, match="503"):
        servers.retrieve_info(endpoint, 3)
    assert servers.retrieve_info(endpoint, 3) == facts(3)


def test_caller_that_hangs_up_is_no_error_of_the_endpoint(endpoint: str, capsys):
    address = urlsplit(endpoint)
    caller = socket.create_connection((address.hostname, address.port))
    caller.sendall(b"GET /servers/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # hangs up so that writing to it is refused
    caller.close()

    assert servers.retrieve_info(endpoint, 1) == facts(1)
    assert capsys.readouterr().err == ""


def test_endpoint_that_nobody_serves_is_a_failure_to_be_tried_again():
    with pytest.raises(servers.EndpointFailed):
        servers.retrieve_info("http://127.0.0.1:9/", 1)

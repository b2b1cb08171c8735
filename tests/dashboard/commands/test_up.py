"""`manage.py up` with the real observer and web process, on a Valkey of this test process."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings

from dashboard.management.commands.up import web
from tests.system import wait_for
from tests.tasks_demo.waiting import wait_until_gone


class Up:
    """A running command and what it printed."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], output: Path) -> None:
        self.output = output
        with output.open("wb") as terminal:
            argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up", *arguments]
            self.process = subprocess.Popen(argv, env=environment, stdout=terminal, stderr=subprocess.STDOUT, cwd=output.parent)

    def said(self) -> str:
        return self.output.read_text()

    def groups(self) -> dict[str, int]:
        """The process groups of the parts by a word of their command, the watchdog's as well."""
        listing = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        ours = {int(pid): command for pid, parent, command in (row for row in rows if len(row) == 3) if int(parent) == self.process.pid}
        return {word: pid for word in ("observe", "uvicorn", "supervisor.py") for pid, command in ours.items() if word in command}


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def up(redis, server_url: str, tmp_path: Path) -> Iterator:
    """Starts `up`, and ends what a failing test leaves."""
    started: list[Up] = []
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LOCKHOUSE_", "DJANGO_"))},
        "CELERY_BROKER_URL": f"{server_url}/0",
        "CACHE_URL": f"{server_url.replace('redis://', 'rediscache://')}/1",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "DJANGO_SECRET_KEY": "only-for-this-test-but-long-enough-to-be-one-0123456789",
    }

    def start(*arguments: str) -> Up:
        started.append(Up(arguments, environment, tmp_path / "terminal"))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_url_is_printed_when_it_answers_and_sigterm_ends_both(up, free_port):
    one = up("--port", str(free_port))

    url = wait_for(lambda: re.search(r"Lockhouse is at (\S+)", one.said()), said="the URL is printed")[1]

    assert url == f"http://127.0.0.1:{free_port}/"
    assert urllib.request.urlopen(url, timeout=60).status == 200
    groups = one.groups()
    assert set(groups) == {"observe", "uvicorn", "supervisor.py"}
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(timeout=60) == 0
    assert one.said().endswith("Stopped everything on SIGTERM.\n")
    wait_until_gone(groups.values())


def test_crash_of_the_web_process_ends_the_observer_and_is_told(up, free_port):
    one = up("--port", str(free_port))
    wait_for(lambda: len(one.groups()) == 3, said="both are started")
    groups = one.groups()

    os.kill(groups["uvicorn"], signal.SIGKILL)

    assert one.process.wait(timeout=60) == 1
    assert "web was ended by SIGKILL, so everything was stopped." in one.said()
    wait_until_gone(groups.values())


def test_taken_port_is_one_sentence_before_anything_starts(up):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        one = up("--port", str(port))

        assert one.process.wait(timeout=60) == 1
    assert one.said() == f"CommandError: Port {port} of 127.0.0.1 is taken by another program: choose a free one with --port.\n"


def test_port_taken_on_every_address_is_taken_on_this_one(up):
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]

        one = up("--port", str(port))

        assert one.process.wait(timeout=60) == 1
    assert f"Port {port} of 127.0.0.1 is taken" in one.said()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_wrong_usage(up, port):
    one = up(f"--port={port}")

    assert one.process.wait(timeout=60) == 2
    assert "a port is a number from 1 to 65535" in one.said()


def test_address_of_another_machine_is_said_to_be_unusable(up):
    one = up("--host", "192.0.2.1")

    assert one.process.wait(timeout=60) == 1
    assert "Cannot listen on port 8000 of 192.0.2.1: " in one.said()


@pytest.mark.parametrize(("trusted", "option"), [(None, "--no-proxy-headers"), (("HTTP_X_FORWARDED_PROTO", "https"), "--proxy-headers")])
def test_address_of_a_request_is_taken_from_a_header_only_behind_a_proxy(settings, trusted, option):
    settings.ASGI_APPLICATION = "config.asgi.application"
    settings.SECURE_PROXY_SSL_HEADER = trusted

    assert [word for word in web("127.0.0.1", 8000).argv if "proxy" in word] == [option]

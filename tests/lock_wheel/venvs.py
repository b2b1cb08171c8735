"""Virtual environments with given versions, made once and kept under var/; interpreters that this machine has."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "var" / "venvs"
WHEELS_SOURCE = ROOT / "dashboard" / "locking"
OUT_OF_REACH = re.compile(r"NewConnectionError|Temporary failure in name resolution|Network is unreachable|Connection refused", re.IGNORECASE)


def run(*command, cwd=None, **variables):
    """What it printed; a failure shows what it printed, too."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}} | variables
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(folder):
    """The path of lockhouse-lock's wheel, built without the network."""
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, WHEELS_SOURCE, cwd=folder)
    return next(folder.glob("lockhouse_lock-*.whl"))


def interpreter(*versions):
    """The first of these versions of Python that is here, on the path or as pyenv keeps them; None: none of them."""
    for version in versions:
        own = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python{version}"))
        for path in (shutil.which(f"python{version}"), *map(str, own)):
            if path and _starts(path):
                return path
    return None


def _starts(path):
    return subprocess.run([path, "-c", "import venv"], capture_output=True, check=False).returncode == 0


def environment(python, *requirements):
    """The python of a virtual environment that has these; made where it is not there yet.  Skips the test where no index answers."""
    name = hashlib.sha256("\0".join([run(python, "--version"), *requirements]).encode()).hexdigest()[:12]
    folder = KEPT / name
    if not (folder / "is-complete").exists():
        run(python, "-m", "venv", "--clear", "--without-pip", folder)
        install(folder / "bin" / "python", *requirements)
        (folder / "is-complete").touch()
    return folder / "bin" / "python"


def install(python, *requirements):
    """Have pip install them, uncompiled: most of them is never imported."""
    how = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"]
    command = [sys.executable, "-m", "pip", "--python", python, "install", *how, *requirements]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode and OUT_OF_REACH.search(done.stderr):
        pytest.skip(f"no index of packages answers, so {' '.join(map(str, requirements))} cannot be installed")
    assert done.returncode == 0, done.stderr


def locked(name):
    """The newest version of a package in requirements.lock, as a requirement."""
    found = re.findall(rf"(?m)^{re.escape(name)}==([\w.]+)", (ROOT / "requirements.lock").read_text())
    return f"{name}=={max(found, key=lambda version: tuple(map(int, version.split('.'))))}"

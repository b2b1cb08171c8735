"""`manage.py demo`: a shop with its Valkey, workers and schedule, and Lockhouse watching it; nothing is left of it afterwards."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from tasks_demo.environment import demo_environment
from tasks_demo.logins import make_logins, shown_logins
from tasks_demo.parts import parts
from tasks_demo.settings import endpoint_url, state_dir

RUN_VARIABLE = "LOCKHOUSE_DEMO_PID"  # our own pid once the environment is the demo's: exec keeps the pid, a child has another


class Command(BaseCommand):
    """Starts itself once more with the demo's environment, for settings are read before a command runs; then runs `up`."""

    help = _("Run a demo shop on an embedded Valkey with Lockhouse watching it; Ctrl-C stops everything.")
    requires_system_checks = ()  # they would judge the settings of the first start

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help=_("the port of the pages (default: PORT, else 8000)"))

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get(RUN_VARIABLE) != str(os.getpid()):
            start_again_as_demo(options["port"], ["--no-color"] if options["no_color"] else [])
        try:
            self._run(state_dir() / "log", options)
        except KeyboardInterrupt:
            raise CommandError(_("Stopped before anything was started.")) from None
        finally:
            shutil.rmtree(state_dir(), ignore_errors=True)

    def _run(self, log_dir: Path, options: dict[str, Any]) -> None:
        log_dir.mkdir()
        passwords: dict[str, str] = {}
        also = {
            "parts": parts(state_dir(), _port_of(settings.CELERY_BROKER_URL), _port_of(endpoint_url())),
            "prepare": lambda: passwords.update(prepare_database()),
            "when_ready": lambda url: self._welcome(url, passwords, log_dir),
            "log_dir": log_dir,
        }
        call_command("up", f"--port={options['port']}", also=also, no_color=options["no_color"], stdout=self.stdout, stderr=self.stderr)

    def _welcome(self, url: str, passwords: dict[str, str], log_dir: Path) -> None:
        lines = [
            _("Lockhouse watches the demo shop at %(url)s") % {"url": url},
            *shown_logins(passwords),
            _("Everything that the parts say is in %(folder)s while they run.") % {"folder": log_dir},
            _("Ctrl-C stops everything."),
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def start_again_as_demo(port: str, options: list[str]) -> None:
    """Replace this process with the same command in the demo's environment; does not return."""
    fresh = Path(tempfile.mkdtemp(prefix="lockhouse-demo-"))
    static = fresh / "static"  # stays empty, the files come from the finders; but WhiteNoise wants the folder to be there
    static.mkdir()
    ours = {"LOCKHOUSE_STATIC_ROOT": str(static), RUN_VARIABLE: str(os.getpid())}
    ours["TMPDIR"] = str(fresh)  # a worker that is killed leaves the folder behind that its pool shares
    environment = {**os.environ, **demo_environment(fresh, settings.BASE_DIR), **ours}
    manage = str(settings.BASE_DIR / "manage.py")
    os.execve(sys.executable, [sys.executable, manage, "demo", "--port", port, *options], environment)  # noqa: S606


def prepare_database() -> dict[str, str]:
    """Make the tables and the logins; returns their passwords by name."""
    call_command("migrate", verbosity=0)
    return make_logins()


def _port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None  # the environment that we made has it
    return port

"""What tests need and pip cannot give: a browser, docker-compose, PostgreSQL, RabbitMQ. Found, else installed where one may, else said in a sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
INSTALL_TIMEOUT_S = 600.0


def find_browser() -> str | None:
    """The path of a Chromium or Chrome that starts: the system's, else the one that Playwright has downloaded."""
    for name in (*BROWSERS, _playwrights_own()):
        if (path := shutil.which(name)) and _starts(path, "--version"):
            return path
    return None


def provide_browser() -> int:
    """Find a browser or install one, in the order Debian's package, Playwright's own."""
    if not find_browser():
        _install_debian("chromium", "fonts-dejavu-core")
    if not find_browser():
        print("browser: downloading Playwright's Chromium")
        _run([sys.executable, "-m", "playwright", "install", *(["--with-deps"] if _apt() else []), "chromium"])
    if browser := find_browser():
        print(f"browser: {browser}")
        return 0
    print(
        "browser: none found and none could be installed. Install Chromium or Google Chrome (on Debian: apt-get install chromium).",
        file=sys.stderr,
    )
    return 1


def provide_compose() -> int:
    """Find docker-compose or install Debian's package; without it one test is skipped, so this is never an error."""
    if not find_compose():
        _install_debian("docker-compose")
    found = find_compose()
    print(f"compose: {' '.join(found)}" if found else "compose: not there and not installable here; the test of docker-compose.yml will be skipped")
    return 0


def find_compose() -> list[str]:
    """The command that reads a compose file, as the first words of a command line; empty if there is none."""
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]) and _starts(*command, "version"):
            return command
    return []


def provide_postgres() -> int:
    """Find a PostgreSQL server or install Debian's package; without it one test is skipped, so this is never an error."""
    if not find_postgres():
        _install_debian("postgresql")
    print(f"postgres: {find_postgres() or 'not there and not installable here; the history is then tested on SQLite alone'}")
    return 0


def find_postgres() -> Path | None:
    """The folder with the server's programs: Debian keeps them off the path."""
    on_path = shutil.which("initdb")
    folders = [*([Path(on_path).resolve().parent] if on_path else []), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return next((folder for folder in folders if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres"))), None)


def provide_rabbitmq() -> int:
    """Find a RabbitMQ server or install Debian's package; without it one test is skipped, so this is never an error."""
    if not find_rabbitmq():
        _install_debian("rabbitmq-server")
    print(f"rabbitmq: {find_rabbitmq() or 'not there and not installable here; events are then tested on Redis alone'}")
    return 0


def find_rabbitmq() -> Path | None:
    """The server's own start script: the one that Debian has on the path runs as a user of its own, in that user's folder."""
    on_path = shutil.which("rabbitmq-server")
    candidates = [Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), *([Path(on_path)] if on_path else [])]
    return next((path for path in candidates if path.exists() and shutil.which("epmd")), None)


def _playwrights_own() -> str:
    script = "from playwright.sync_api import sync_playwright as start\nwith start() as own: print(own.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or "chromium"


def _starts(*command: str) -> bool:
    """Ubuntu's `chromium-browser` may be a script that only tells to install a snap."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _apt() -> list[str]:
    """How apt-get may be run here: as root, or by a sudo that asks for no password; empty if it may not."""
    if not shutil.which("apt-get"):
        return []
    if os.geteuid() == 0:
        return ["apt-get"]
    return ["sudo", "-n", "apt-get"] if shutil.which("sudo") and _starts("sudo", "-n", "true") else []


def _install_debian(*packages: str) -> None:
    if apt := _apt():
        print(f"installing {' '.join(packages)} by apt-get")
        _run([*apt, "update", "-q"])
        _run([*apt, "install", "-q", "-y", "--no-install-recommends", *packages])


def _run(command: list[str]) -> None:
    """Run it with its output shown; whether it worked is seen by looking for what it should have brought."""
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, timeout=INSTALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{Path(command[0]).name}: {error}", file=sys.stderr)


if __name__ == "__main__":
    provided = {"browser": provide_browser, "compose": provide_compose, "postgres": provide_postgres, "rabbitmq": provide_rabbitmq}
    sys.exit(provided[sys.argv[1]]())

"""`manage.py up`: the web process and the observer, together; a program may add parts of its own by `call_command`."""

import errno
import http.client
import os
import re
import signal
import socket
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import supports_color
from django.utils.termcolors import colorize
from django.utils.translation import gettext as _

from dashboard.checks import refuse_unsafe_start
from dashboard.supervisor import Ending, Part, Supervisor

ANSWER_TIMEOUT_S = 2.0
MAX_FRAME_BYTES = 64 * 1024  # what a browser may send over the socket; it has nothing to send
GRACE_S = 3  # for open requests when the web process ends: less than the supervisor's patience
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
LOUD = re.compile(r"WARNING|ERROR|CRITICAL|Traceback|\bwarning\b|\b[A-Z]\w*(Error|Exception|Warning):")
WEBSOCKETS_WARNING = "The `websockets` implementation is deprecated"  # uvicorn's own successor has not been measured with our viewers
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # asked on the loopback


class Also(TypedDict, total=False):
    """What a program adds to `up`."""

    parts: Sequence[Mapping[str, Any]]  # the fields of a Part; started before the observer and the web process
    prepare: Callable[[], None]  # called when the port is known to be free, before anything is started
    when_ready: Callable[[str], None]  # called with the URL instead of printing it, when the web process answers
    log_dir: Path  # gets <part>.log with all of a part's output


class Command(BaseCommand):
    """Runs both until Ctrl-C, SIGTERM, or one of them ends."""

    help = _("Run the web process and the observer together; Ctrl-C stops both.")
    stealth_options = ("also",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help=_("the address to listen on (default: 127.0.0.1)"))
        parser.add_argument("--port", type=port_number, default=8000, help=_("the port to listen on (default: 8000)"))

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, also = options["host"], options["port"], Also(options.get("also") or {})  # type: ignore[misc]  # a dict from call_command
        refuse_unsafe_start()
        refuse_taken_port(host, port)
        also.get("prepare", lambda: None)()
        parts = [*(Part(**part) for part in also.get("parts", ())), observer(), web(host, port)]
        terminal = Terminal(parts, self._say, coloured=supports_color() and not options["no_color"])
        when_ready = also.get("when_ready", lambda url: self._say(_("Lockhouse is at %(url)s") % {"url": url}))
        try:
            ending = Supervisor(parts, terminal.show, also.get("log_dir")).run(lambda: when_ready(shown_url(host, port)))
        except OSError as error:
            raise CommandError(_("A part could not be started, and the others were stopped: %(why)s.") % {"why": error}) from error
        self._tell(ending)

    def _tell(self, ending: Ending) -> None:
        if ending.by_signal is None:
            raise CommandError(in_words(ending))
        self._say(_("Stopped everything on %(signal)s.") % {"signal": ending.by_signal.name})

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


class Terminal:
    """Shows the parts' lines after the name of their part; of a quiet part its warnings and errors with what is indented below."""

    def __init__(self, parts: Sequence[Part], say: Callable[[str], None], coloured: bool) -> None:
        width = max(len(part.name) for part in parts)
        self._say = say
        self._prefixes = {part.name: f"{part.name:<{width}} |" for part in parts}
        self._loud: dict[str, bool] = {}
        if coloured:
            self._prefixes = {name: colorize(prefix, fg=COLOURS[number % len(COLOURS)]) for number, (name, prefix) in enumerate(self._prefixes.items())}

    def show(self, part: Part, line: str) -> None:
        goes_on = line.startswith((" ", "\t")) or not line
        self._loud[part.name] = LOUD.search(line) is not None or (goes_on and self._loud.get(part.name, False))
        if self._loud[part.name] or not part.quiet:
            self._say(f"{self._prefixes[part.name]} {line}")


def observer() -> Part:
    """The observer as a part."""
    return Part(name="observer", argv=[sys.executable, "-m", "django", "observe"], env=environment())


def web(host: str, port: int) -> Part:
    """The web process as a part, ready when it answers; without deflate, which makes many viewers slow, and with small frames only."""
    if not settings.ASGI_APPLICATION:
        raise CommandError(_("ASGI_APPLICATION is not set: the live pages need an ASGI application."))
    module, _dot, attribute = settings.ASGI_APPLICATION.rpartition(".")
    sockets = ["--ws", "websockets", "--ws-per-message-deflate", "false", "--ws-max-size", str(MAX_FRAME_BYTES)]
    quiet = ["--no-access-log", "--log-level", "warning", "--no-server-header"]
    ending = ["--timeout-graceful-shutdown", str(GRACE_S)]
    argv = [sys.executable, "-m", "uvicorn", f"{module}:{attribute}", "--host", host, "--port", str(port), *sockets, *quiet, *ending, proxy_headers()]
    return Part(name="web", argv=argv, env={**environment(), **without_warning(WEBSOCKETS_WARNING)}, ready=lambda: answers(host, port))


def proxy_headers() -> str:
    """Only a proxy that Django trusts names the address: else everybody on this machine would choose the one that failed logins are counted for."""
    return "--proxy-headers" if settings.SECURE_PROXY_SSL_HEADER else "--no-proxy-headers"


def environment() -> dict[str, str]:
    """What the parts need to find the project: manage.py's folder is on this process's path only, and may not be the current one."""
    paths = [sys.path[0], *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}


def without_warning(message: str) -> dict[str, str]:
    """What keeps Python from printing a warning that begins like this, beside what the user silenced."""
    return {"PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), f"ignore:{message}"]))}


def answers(host: str, port: int) -> bool:
    """Whether the web process answers a request, whatever it answers."""
    connection = http.client.HTTPConnection(ANY_ADDRESS.get(host, host), port, timeout=ANSWER_TIMEOUT_S)
    allowed = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")  # else it would log an error
    try:
        connection.request("GET", "/", headers={"Host": allowed})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def refuse_taken_port(host: str, port: int) -> None:
    """Raise CommandError unless this process could listen there."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does: a port just left counts as free
            listener.bind(address)
        if somebody_listens(host, port):  # BSD and macOS let one address be bound beside a listener on all of them
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    except OSError as error:
        raise CommandError(_unusable(host, port, error)) from error


def somebody_listens(host: str, port: int) -> bool:
    """Whether a connection to that port is taken."""
    try:
        socket.create_connection((ANY_ADDRESS.get(host, host), port), timeout=ANSWER_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _unusable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _("Port %(port)s of %(host)s is taken by another program: choose a free one with --port.") % {"port": port, "host": host}
    return _("Cannot listen on port %(port)s of %(host)s: %(why)s.") % {"port": port, "host": host, "why": error.strerror or error}


def port_number(text: str) -> int:
    """A port from the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ArgumentTypeError(_("a port is a number from 1 to 65535, not %(text)r") % {"text": text})
    return int(text)


def shown_url(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    name = ANY_ADDRESS.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def in_words(ending: Ending) -> str:
    """Which part ended and how, in a sentence, and what it said last."""
    if ending.status < 0:
        how = _("was ended by %(signal)s") % {"signal": signal_name(-ending.status)}
    else:
        how = _("ended with exit status %(status)s") % {"status": ending.status}
    sentence = _("%(part)s %(how)s, so everything was stopped.") % {"part": ending.part, "how": how}
    if not ending.last_lines:
        return sentence
    return "\n  ".join([_("%(sentence)s Its last lines:") % {"sentence": sentence}, *ending.last_lines])


def signal_name(number: int) -> str:
    """SIGKILL for 9; the number where it has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return _("signal %(number)s") % {"number": number}

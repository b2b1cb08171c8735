"""Parts live and die together: small real processes, each with a child of its own as a prefork worker has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.system import wait_for
from tests.tasks_demo.waiting import wait_until_gone

CALM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", os.getpid(), flush=True)
time.sleep(600)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", os.getpid(), flush=True)
time.sleep(600)
"""
CRASHING = """
import sys, time
time.sleep(3)
print("the last thing it said\\nwithout an end\\x1b[2J", end="")
sys.exit(3)
"""
SUPERVISE = """
import json, os, sys
from pathlib import Path
from dashboard import supervisor
from dashboard.supervisor import Part, Supervisor

scripts, log_dir = json.loads(sys.argv[1]), Path(sys.argv[2])
supervisor.PATIENCE_S = float(sys.argv[3])
begun = set()

def show(part, line):
    print(part.name, line, flush=True)
    if line.startswith("up "):
        begun.add(part.name)

parts = [
    Part(name=name, argv=[sys.executable, "-c", script], env={"NAME": name}, ready=lambda name=name: name in begun)
    for name, script in scripts.items()
]
ending = Supervisor(parts, show, log_dir).run(lambda: print("READY", flush=True))
print("ENDED", ending.part, ending.status, ending.by_signal and ending.by_signal.name, json.dumps(ending.last_lines), flush=True)
"""


def processes(columns: str) -> str:
    """Every process of this machine, as ps tells."""
    return subprocess.run(["ps", "-A", "-ww", "-o", columns], capture_output=True, text=True, check=True).stdout


class Supervised:
    """A supervisor in a process of its own, and what it printed."""

    def __init__(self, log_dir: Path, patience_s: float, **scripts: str) -> None:
        self.log_dir = log_dir
        self.output = log_dir / "terminal"
        with self.output.open("wb") as output:
            argv = [sys.executable, "-c", SUPERVISE, json.dumps(scripts), str(log_dir), str(patience_s)]
            self.process = subprocess.Popen(argv, stdout=output, stderr=subprocess.STDOUT, cwd=settings.BASE_DIR, start_new_session=True)

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> None:
        wait_for(lambda: words in self.said(), said=f"{words} in {self.said()}")

    def groups(self) -> list[int]:
        """The process groups of its parts and of its watchdog."""
        rows = [line.split() for line in processes("pid=,ppid=").splitlines()]
        return [int(pid) for pid, parent in rows if int(parent) == self.process.pid]

    def ending(self) -> str:
        self.process.wait(timeout=60)
        return next(line for line in self.said().splitlines() if line.startswith("ENDED"))


@pytest.fixture
def supervised(tmp_path) -> Iterator:
    """Starts supervisors, and ends what a failing test leaves."""
    started = []

    def start(*, patience_s: float = 5, **scripts: str) -> Supervised:
        started.append(Supervised(tmp_path, patience_s, **scripts))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_every_process_and_is_named(supervised, number):
    one = supervised(first=CALM, second=CALM)
    one.wait_for("READY")
    groups = one.groups()

    one.process.send_signal(number)

    assert one.ending() == f"ENDED None 0 {number.name} []"
    assert len(groups) == 3
    wait_until_gone(groups)


def test_kill_of_the_command_ends_every_process_even_one_that_ignores_sigterm(supervised):
    one = supervised(calm=CALM, stubborn=STUBBORN)
    one.wait_for("READY")
    groups = one.groups()

    os.killpg(one.process.pid, signal.SIGKILL)

    wait_until_gone(groups)


def test_kill_of_the_command_while_it_starts_leaves_nothing(supervised, tmp_path):
    marked = f"{CALM}# {tmp_path} \n"
    one = supervised(**{f"part{number}": marked for number in range(12)})
    wait_for(lambda: len(one.groups()) > 3, said="some parts are started")

    one.process.kill()

    wait_for(lambda: f"# {tmp_path} " not in processes("args="), said="no part is left")


def test_second_ctrl_c_does_not_wait_for_a_part_that_ignores_the_first(supervised):
    one = supervised(patience_s=600, stubborn=STUBBORN)
    one.wait_for("READY")
    groups = one.groups()

    one.process.send_signal(signal.SIGINT)
    one.process.send_signal(signal.SIGTERM)
    one.ending()

    wait_until_gone(groups)


def test_part_that_crashes_ends_the_others_and_is_named_with_its_last_lines(supervised):
    one = supervised(calm=CALM, crashing=CRASHING)

    ending = one.ending()

    assert ending == 'ENDED crashing 3 None ["the last thing it said", "without an end\\ufffd[2J"]'
    assert "READY" not in one.said()
    wait_until_gone([int(line.split()[2]) for line in one.said().splitlines() if line.startswith("calm up")])


def test_part_that_is_killed_is_named_with_the_signal_and_its_children_do_not_stay(supervised):
    one = supervised(first=CALM, second=CALM)
    one.wait_for("READY")
    groups = one.groups()
    victim = next(int(line.split()[2]) for line in one.said().splitlines() if line.startswith("second up"))

    os.kill(victim, signal.SIGKILL)

    assert one.ending().startswith("ENDED second -9 None")
    wait_until_gone(groups)


def test_death_of_the_watchdog_is_noticed(supervised):
    one = supervised(calm=CALM)
    one.wait_for("READY")
    groups = one.groups()
    part = next(int(line.split()[2]) for line in one.said().splitlines() if line.startswith("calm up"))
    (watchdog,) = set(groups) - {part}

    os.kill(watchdog, signal.SIGKILL)

    assert one.ending().startswith("ENDED watchdog -9 None")
    wait_until_gone(groups)


def test_log_keeps_what_a_part_said_byte_for_byte(supervised):
    one = supervised(crashing=CRASHING)

    one.ending()

    assert (one.log_dir / "crashing.log").read_bytes() == b"the last thing it said\nwithout an end\x1b[2J"

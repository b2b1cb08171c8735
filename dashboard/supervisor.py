"""Runs named parts as processes that live and die together: when one ends, or this process does, however it does, none is left.

Standard library only and one thread only: a second process runs this file as the watchdog, and parts are forked from the loop.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

PATIENCE_S = 5.0  # between SIGTERM and SIGKILL
REAPING_S = 2.0  # after SIGKILL, until the kernel has taken the processes away
TICK_S = 0.1
MAX_LINE_BYTES = 64 * 1024  # a line without an end is cut here, or it would fill the memory
LAST_LINES = 25  # of a part's output, shown when it ended
WATCHDOG = "watchdog"
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process to run; what it starts itself stays in its process group, unless it asks for another."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)  # added to this process's own
    quiet: bool = False  # only its warnings and errors are for the terminal
    ready: Callable[[], bool] | None = None  # asked every TICK_S until it is true


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why everything ended: a part that ended by itself, or a signal that this process got."""

    part: str | None = None
    status: int = 0  # as subprocess has it: -9 is SIGKILL
    by_signal: signal.Signals | None = None
    last_lines: Sequence[str] = ()


class Process:
    """A started part with its output, line by line."""

    def __init__(self, part: Part, watchdog_pipe: int, log: BinaryIO | None) -> None:
        self.part = part
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._log = log
        self._unfinished = b""
        self.popen = subprocess.Popen(
            part.argv,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **part.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # The child itself tells the watchdog of its group, before it becomes the part: there is no moment in which it runs
            # unknown, for until exec it holds the pipe open. Safe, because this process has no other thread.
            preexec_fn=lambda: _tell(watchdog_pipe),  # noqa: PLW1509
        )
        assert self.popen.stdout is not None
        self.output = self.popen.stdout.fileno()

    def read_lines(self) -> list[str] | None:
        """The lines that are there by now, None after the last one; an unfinished line waits for its end, or for the output's."""
        chunk = os.read(self.output, MAX_LINE_BYTES)
        if self._log:
            self._log.write(chunk)
        if not chunk and not self._unfinished:
            return None
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        if not chunk or len(self._unfinished) > MAX_LINE_BYTES:
            lines, self._unfinished = [*lines, self._unfinished], b""
        shown = [_harmless(line) for line in lines]
        self.last_lines.extend(line for line in shown if line)
        return shown


class Supervisor:
    """Starts the parts in their order, shows their lines, and ends them together."""

    def __init__(self, parts: Sequence[Part], show: Callable[[Part, str], None], log_dir: Path | None = None) -> None:
        self._parts = parts
        self._show = show  # gets each line of each part
        self._log_dir = log_dir  # keeps <name>.log with everything
        self._processes: list[Process] = []
        self._got_signals: list[signal.Signals] = []
        self._selector = selectors.DefaultSelector()

    def run(self, when_ready: Callable[[], None]) -> Ending:
        """Run until the first part ends or a signal comes, end all, and say why; `when_ready` is called once all parts are ready.

        Raises: OSError for a part that cannot be started.
        """
        with self._signals_kept(), started_watchdog() as (watchdog, pipe):
            try:
                for part in self._parts:
                    self._start(part, pipe)
                return self._follow(watchdog, when_ready)
            finally:
                self._end_all()

    def _start(self, part: Part, pipe: int) -> None:
        log = (self._log_dir / f"{part.name}.log").open("ab", buffering=0) if self._log_dir else None
        process = Process(part, pipe, log)
        self._processes.append(process)
        self._selector.register(process.output, selectors.EVENT_READ, process)

    def _follow(self, watchdog: subprocess.Popen[bytes], when_ready: Callable[[], None]) -> Ending:
        unready = [part.ready for part in self._parts if part.ready]
        told = False
        while True:
            self._pass_on_output()
            if ending := self._ending(watchdog):
                return ending
            unready = [ready for ready in unready if not ready()]
            if not unready and not told:
                told = True
                when_ready()

    def _ending(self, watchdog: subprocess.Popen[bytes]) -> Ending | None:
        if self._got_signals:
            return Ending(by_signal=self._got_signals[0])
        for process in self._processes:
            if (status := process.popen.poll()) is not None:
                self._pass_on_the_rest()
                return Ending(part=process.part.name, status=status, last_lines=tuple(process.last_lines))
        status = watchdog.poll()
        return None if status is None else Ending(part=WATCHDOG, status=status)

    def _pass_on_output(self, wait_s: float = TICK_S, shown: bool = True) -> bool:
        """Read once from every part that has something to read; false if none had."""
        readable = self._selector.select(wait_s)
        for key, _ in readable:
            process: Process = key.data
            lines = process.read_lines()
            if lines is None:
                self._selector.unregister(key.fd)
            for line in lines or () if shown else ():
                self._show(process.part, line)
        return bool(readable)

    def _pass_on_the_rest(self) -> None:
        """What the parts wrote until now; bounded, for a living part may write without end."""
        deadline = time.monotonic() + TICK_S
        while self._pass_on_output(wait_s=0) and time.monotonic() < deadline:
            pass

    def _end_all(self) -> None:
        expected = min(len(self._got_signals), 1)  # the one that ended everything, if it was a signal

        def drain_and_reap() -> bool:
            """So that no part waits for a reader or stays a zombie; false when one more Ctrl-C asks for haste."""
            self._pass_on_output(wait_s=0, shown=False)
            for process in self._processes:
                process.popen.poll()
            return len(self._got_signals) <= expected

        end_groups([process.popen.pid for process in self._processes], drain_and_reap)
        self._selector.close()

    @contextmanager
    def _signals_kept(self) -> Iterator[None]:
        """Note the signals that end a command instead of dying of them; one that is ignored (nohup) stays so."""

        def keep(number: int, _: FrameType | None) -> None:
            self._got_signals.append(signal.Signals(number))

        before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
        for number in (number for number, handler in before.items() if handler != signal.SIG_IGN):
            signal.signal(number, keep)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def started_watchdog() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that ends the groups when this one is gone, and the pipe on which it is told of them.

    Only this process holds the pipe's write end (descriptors are not inherited through exec), so its death, by SIGKILL too, is
    the end of the watchdog's input. The watchdog has a session of its own: neither Ctrl-C nor a kill of our group reaches it.
    """
    read_end, write_end = os.pipe()
    argv = [sys.executable, "-I", "-S", __file__]
    watchdog = subprocess.Popen(argv, stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    os.close(read_end)
    try:
        yield watchdog, write_end
    finally:
        os.close(write_end)
        watchdog.wait()


def end_groups(groups: Sequence[int], go_on: Callable[[], bool] = lambda: True) -> None:
    """End every process of these groups: SIGTERM, and SIGKILL after PATIENCE_S, or as soon as `go_on` is false."""
    for number, patience in ((signal.SIGTERM, PATIENCE_S), (signal.SIGKILL, REAPING_S)):
        living = [group for group in groups if _send(group, number)]
        deadline = time.monotonic() + patience
        while living and time.monotonic() < deadline and (go_on() or number == signal.SIGKILL):
            time.sleep(TICK_S / 2)
            living = [group for group in living if _send(group, 0)]


def _send(group: int, number: int) -> bool:
    """Whether the group has a process that got the signal; 0 only asks. macOS answers EPERM for one of zombies alone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tell(watchdog_pipe: int) -> None:
    os.write(watchdog_pipe, b"%d\n" % os.getpid())


def _harmless(line: bytes) -> str:
    """The line as text that cannot steer the terminal: whatever a task logged is in it."""
    text = line.decode(errors="replace").rstrip().expandtabs()
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


if __name__ == "__main__":
    end_groups([int(group) for group in sys.stdin.buffer.read().split()])

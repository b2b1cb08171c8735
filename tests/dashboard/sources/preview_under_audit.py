"""Previews hostile and mutated pickles under an audit hook, and prints what happened; a process of its own, for a hook cannot be taken off again.

python -m tests.dashboard.sources.preview_under_audit [SEED] [COUNT]
"""

import json
import random
import sys
import time
import tracemalloc
import warnings
from typing import Any

from dashboard.sources.preview import preview_of
from tests.dashboard.sources.hostile import hostile, mutated

FORBIDDEN = (
    "import", "exec", "compile", "open", "socket.", "pickle.find_class", "os.", "subprocess.", "shutil.", "ctypes.", "code.", "urllib.", "marshal.",
    "object.__setattr__", "builtins.input", "sqlite3.", "tempfile.", "signal.", "mmap.", "webbrowser.",
)  # fmt: skip


def main(seed: int, count: int) -> dict[str, Any]:
    warnings.simplefilter("always")  # a warning would open a source file to show its line
    for raw in (b"", b"\x80\x04N.", b"{}", b"\x81\xa1a\x01", b"x", b"\xff"):  # what is loaded once is loaded now
        preview_of(raw)
    events: list[str] = []
    watching = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event.startswith(FORBIDDEN):
            events.append(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)
    slowest, most = 0.0, 0
    formats: dict[str, int] = {}
    for kind in (hostile, mutated):
        rng = random.Random(seed)
        for number in range(count):
            raw = kind(rng)
            is_measured = number % 25 == 0  # tracing memory makes it many times slower
            if is_measured:
                tracemalloc.start()
            began = time.process_time()
            watching = True
            found = preview_of(raw)
            watching = False
            if is_measured:
                most = max(most, tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
            else:
                slowest = max(slowest, time.process_time() - began)
            formats[found.format] = formats.get(found.format, 0) + 1
    return {"events": events[:20], "slowest_ms": slowest * 1000, "most_bytes": most, "formats": formats}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if sys.argv[1:] else 1, int(sys.argv[2]) if sys.argv[2:] else 5000)))

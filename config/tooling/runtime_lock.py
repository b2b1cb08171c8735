"""Print requirements.lock without what only development needs, for the image: uv writes under each package what it came with."""

import re
import sys
from pathlib import Path

OURS = "lockhouse (pyproject.toml)"  # the development group's are "lockhouse (pyproject.toml:dev)"


def runtime_lock(lock: str) -> str:
    """The blocks of the packages that ours needs, directly or through another one; hashes and markers as they are."""
    blocks = [block for block in re.split(r"(?m)^(?=[A-Za-z0-9])", lock) if block.strip()]
    kept = {OURS}
    while more := {_name(block) for block in blocks if kept & _wanted_by(block)} - kept:
        kept |= more
    return "".join(block for block in blocks if _name(block) in kept)  # one package may have two blocks, for older and newer Pythons


def _name(block: str) -> str:
    return block.partition("==")[0]


def _wanted_by(block: str) -> set[str]:
    return set(re.findall(r"(?m)^ +#(?: via|  ) (\S.*)$", block))


if __name__ == "__main__":
    sys.stdout.write(runtime_lock(Path("requirements.lock").read_text()))

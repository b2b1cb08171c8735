"""What the benchmarks compare with, installed by itself into an environment of its own: nothing of it is in the project's."""

import subprocess
import sys
from pathlib import Path

from tests.system import ROOT

FOLDER = ROOT / "var" / "bench"
FLOWER = ("flower==2.2.0", "celery[redis]>=5.7,<5.8")


def flower_python() -> Path:
    """The interpreter that has Flower; the first time it takes half a minute.  Raises: CalledProcessError where it cannot be installed."""
    python = FOLDER / "flower" / "bin" / "python"
    stamp = FOLDER / "flower" / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(FLOWER):
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER / "flower")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *FLOWER], check=True, stderr=subprocess.DEVNULL)
        stamp.write_text(" ".join(FLOWER))
    return python

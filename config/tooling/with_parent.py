"""Become manage.py, and get SIGTERM when make dies: its own end by SIGKILL would otherwise leave the program running. Linux only; elsewhere just become it.

python -m config.tooling.with_parent <pid of make> <arguments of manage.py>
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; kept across exec


def end_with(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent ends; it may have ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execv(sys.executable, [sys.executable, "manage.py", *sys.argv[2:]])  # noqa: S606  # no shell is wanted

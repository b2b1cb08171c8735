"""Waiting for what other processes do: asked again and again until a deadline, never slept for."""

import os
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(holds: Callable[[], Found | None], what: str, within_s: float = 15) -> Found:
    """What `holds` gave when it was true; fails with `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s: {what}")


def group_lives(group: int) -> bool:
    """Whether any process is left in a process group; a zombie that waits for its parent counts."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_until_gone(groups: Iterable[int], within_s: float = 10) -> None:
    """Every process of these groups is gone."""
    groups = list(groups)
    assert groups
    wait_until(lambda: not any(map(group_lives, groups)), f"no process left in the groups {groups}", within_s)

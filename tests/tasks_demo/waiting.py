"""Waiting for the end of what other processes are."""

import os
from collections.abc import Iterable

from tests.system import wait_for


def group_lives(group: int) -> bool:
    """Whether any process is left in a process group; a zombie that waits for its parent counts."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_until_gone(groups: Iterable[int]) -> None:
    """Every process of these groups is gone."""
    groups = list(groups)
    assert groups
    wait_for(lambda: not any(map(group_lives, groups)), said=f"no process left in the groups {groups}")

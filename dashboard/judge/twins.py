"""One lock name under two keys, as two versions or prefixes of a cache make them: two locks that keep nobody apart. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from re import compile as compile_

from dashboard.records import Concern, Evidence, JudgedLock

MADE_KEY = compile_(r".*?:\d+:(?P<name>.+)")  # Django's own way to make a key: prefix, version, name


def with_twins(judged: Sequence[JudgedLock]) -> Iterator[JudgedLock]:
    """The locks, those whose name is held under another key as well with that fact."""
    others = {_token(one): [other for other in together if other is not one] for together in _together(judged) for one in together}
    for one in judged:
        found = others.get(_token(one)) if one.lock.lapsed_at is None else None
        yield replace(one, evidence=[*one.evidence, *map(_fact, found)]) if found else one


def no_exclusion(judged: Sequence[JudgedLock]) -> Iterator[Concern]:
    """A row for each name whose locks may be meant to keep the same runs apart: those of two different tasks are not."""
    for together in _together(judged):
        tasks = {one.holder.task_name for one in together}
        if None in tasks or len(tasks) < len(together):
            evidence = [_fact(one) for one in together]
            yield Concern(kind="no-exclusion", subject=_name(together[0]), evidence=evidence, locks=together)


def _fact(one: JudgedLock) -> Evidence:
    values = {"key": one.lock.key, "cache": one.lock.cache, "task_id": one.holder.task_id, "worker": one.holder.worker}
    return Evidence(code="held_as_well" if one.holder.task_id else "held_as_well_by_somebody", values=values)


def _together(judged: Sequence[JudgedLock]) -> list[list[JudgedLock]]:
    """The locks of runs that are held under one name and several keys; one that two caches list is one."""
    by_name: dict[str, dict[str, JudgedLock]] = defaultdict(dict)
    for one in judged:
        if one.lock.lapsed_at is None and one.lock.taken_by == "run" and one.lock.is_lock:
            by_name[_name(one)].setdefault(one.lock.token_digest, one)
    return [list(locks.values()) for locks in by_name.values() if _are_twins(list(locks.values()))]


def _are_twins(locks: Sequence[JudgedLock]) -> bool:
    """Whether there are several keys, and the name of one is sure: `order:7:lock` and `order:8:lock` only look as if a cache had made them."""
    return len({one.lock.key for one in locks}) > 1 and any(_name(one) == one.lock.name for one in locks)


def _token(one: JudgedLock) -> tuple[str, str]:
    """The same for a lock that two caches of one database list."""
    return one.lock.key, one.lock.token_digest


def _name(one: JudgedLock) -> str:
    """The name that its code gave it, or may have given it; the watched cache's own beginning is gone from it already."""
    made = MADE_KEY.fullmatch(one.lock.name) if one.lock.name == one.lock.key else None
    return made["name"] if made else one.lock.name

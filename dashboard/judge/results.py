"""What is to be said of results: there, never expiring, being retrieved, expired; and which task writes them. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dashboard.judge.query import within, words_of
from dashboard.records import CachedResult, Policy, ResultEntry, Run, Snapshot

STATES = ("never-expires", "retrieving", "there", "expired", "deleted", "awaited")
_FIRST_ARGUMENT = re.compile(r"""[(\[]\s*(?:'([^'\\]{1,200})'|"([^"\\]{1,200})"|(-?\d{1,40}))\s*[,)\]]""")
_PART = re.compile(r"\{\w*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedResult:
    """A result with what we make of it."""

    result: CachedResult
    state: str  # one of STATES; "awaited": a run was to write it, and did not
    task: str | None = None  # that writes it: by the settings; of a stored result by its run, where that is remembered
    runs: tuple[Run, ...] = ()  # active ones that write it, as far as their arguments tell

    @property
    def is_there(self) -> bool:
        return self.result.gone_at is None


def judge_results(snapshot: Snapshot, policy: Policy) -> list[JudgedResult]:
    """Every result with its state: what needs attention first, then what is being retrieved, then by name."""
    active = [run for run in snapshot.runs if run.ended_at is None and run.started_at is not None]
    names = {run.task_id: run.name for run in snapshot.runs}
    judged = [_judged(result, active, names, policy) for result in snapshot.results]
    return sorted(judged, key=lambda one: (STATES.index(one.state), one.result.is_stored, one.result.name, one.result.id))


def _judged(result: CachedResult, active: Sequence[Run], names: Mapping[str, str | None], policy: Policy) -> JudgedResult:
    writing = tuple(run for run in active if result.task and run.name == result.task and expected_name(run, policy.results) in {result.name, None})
    task = names.get(result.name.rpartition("celery-task-meta-")[2]) if result.is_stored else result.task
    return JudgedResult(result=result, state=_state(result, is_written=bool(writing)), task=task, runs=writing)


def _state(result: CachedResult, *, is_written: bool) -> str:
    if result.gone_at is not None:
        return "retrieving" if is_written else result.end or "awaited"
    return "never-expires" if result.expires_at is None else "there"


def expected_names(runs: Iterable[Run], entries: Sequence[ResultEntry]) -> tuple[str, ...]:
    """The names that active runs are going to write, where the catalogue and their arguments tell."""
    if not entries:
        return ()
    names = (expected_name(run, entries) for run in runs if run.ended_at is None and run.started_at is not None)
    return tuple(sorted({name for name in names if name is not None}))


def expected_name(run: Run, entries: Sequence[ResultEntry]) -> str | None:
    """`server_7` for a run of `servers_retrieve_info` with the arguments `(7,)`; None where that cannot be told."""
    for entry in entries:
        if entry.task and entry.task == run.name and (argument := first_argument(run.args or "")) is not None:
            parts = _PART.findall(entry.pattern)
            return entry.pattern.replace(parts[0], argument) if len(parts) == 1 else None
    return None


@lru_cache(maxsize=1024)
def first_argument(said: str) -> str | None:
    """The first positional argument in the repr of a task's arguments, where it is a number or a short text."""
    found = _FIRST_ARGUMENT.match(said)
    return next((part for part in found.groups() if part is not None), None) if found else None


def matches_result(one: JudgedResult, query: str) -> bool:
    """Whether it has every part of the query: free words, and `field:value` for state, task, cache, pattern."""
    return all(_has(one, field, value) for field, value in words_of(query, FIELDS))


FIELDS = frozenset({"state", "task", "cache", "pattern"})


def _has(one: JudgedResult, field: str, value: str) -> bool:
    result = one.result
    if field == "state":
        return value in {one.state, (result.state or "").casefold()}
    if field == "cache":
        return value == result.cache.casefold()
    texts: dict[str, tuple[str | None, ...]] = {"task": (one.task,), "pattern": (result.pattern,)}
    return within(value, texts.get(field, (result.name, result.key, one.task, result.state)))

"""The address of the page of everything that has a name: a link stands wherever the name stands."""

from functools import lru_cache
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse

from dashboard.records.identity import identity

VIEW_ACTS = "lockhouse.view_acts"


def task_url(name: str) -> str:
    """The task of that name."""
    return _url("task", identity(name))


def run_url(task_id: str) -> str:
    """The run of that task id."""
    return _url("run", identity(task_id))


def worker_url(name: str) -> str:
    """The worker of that name."""
    return _url("worker", identity(name))


def lock_url(lock_id: str | None) -> str:
    """The lock with that id; "" where it has none."""
    return _url("lock", lock_id) if lock_id else ""


def plan_url(act: str, lock_id: str, token_digest: str) -> str:
    """The plan of an act (`release`, `revoke`, `extend`, `timeout`, `protect`) on exactly this token of a lock."""
    path = _url(f"lock-{act}", lock_id) if act in {"release", "revoke"} else _url("lock-change", lock_id, act)
    return f"{path}?{urlencode({'digest': token_digest})}"


def schedule_url(schedule_id: str) -> str:
    """The schedules, with this one in sight."""
    url = _url("schedules")
    return f"{url}#schedule-{schedule_id[:12]}" if url else ""


def send_url(**given: str) -> str:
    """The page that sends, filled in: `task`, `queue`, `args` and `kwargs` as JSON, or `schedule`, the id of an entry to send as it is written."""
    url = _url("send")
    return f"{url}?{urlencode(given)}" if url and given else url


def object_url(model: str, key: str) -> str:
    """The admin's change page of an object; empty where that model is not of this project, or not in its admin. The key is quoted as the admin has it."""
    app, _, name = model.lower().rpartition(".")
    try:
        return reverse(f"admin:{app}_{name}_change", args=[quote(key)])
    except NoReverseMatch:
        return ""


def list_url(page: str, q: str = "") -> str:
    """The list of that name, filtered."""
    url = _url(page)
    return f"{url}?{urlencode({'q': q})}" if url and q else url


def acts_url(lock_id: str, may: frozenset[str]) -> str:
    """What operators did to that lock; empty for those who may not see it."""
    return list_url("acts", lock_id) if VIEW_ACTS in may else ""


def page_url(name: str) -> str:
    """The page of that name, without a filter."""
    return _url(name)


def _url(name: str, *arguments: str) -> str:
    return _reversed(name, arguments, get_script_prefix(), get_urlconf() or settings.ROOT_URLCONF)


@lru_cache(maxsize=4096)
def _reversed(name: str, arguments: tuple[str, ...], _prefix: str, _urlconf: str) -> str:
    """Django finds the same address in 30 us each time, and a push needs it for every link of the navigation."""
    try:
        return reverse(f"lockhouse:{name}", args=arguments)
    except NoReverseMatch:
        return ""

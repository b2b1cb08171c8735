"""Which acts on a lock are offered to whom: nothing that would be refused."""

from collections.abc import Iterator
from re import compile as compile_
from re import sub

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from dashboard.conf import conf
from dashboard.records import JudgedLock
from dashboard.web.links import plan_url
from dashboard.words import visible

NUMBER = compile_(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|\d+")  # a uuid, a long hexadecimal number, a number
REVOKE = "lockhouse.revoke_runs"
RELEASE = "lockhouse.release_lock"
FORCE_RELEASE = "lockhouse.force_release_lock"
NEVER_RELEASED = {
    "internal": N_("The broker library's own lock: it is never released by hand."),
    "not-listed": N_(
        "No setting says that this name is a lock's, and its value alone proves nothing. If it is one, add %(pattern)s to LOCK_PATTERNS"
        " (LOCKHOUSE_LOCK_PATTERNS, beside the patterns that are there) or to LOCKS, and start observer and web anew."
    ),
    "forbidden": N_("The settings say that this lock is not to be released."),
}


def pattern_of(name: str) -> str:
    """A glob for names like this one, whatever number or id is in them: `import-12` gives `import-*`."""
    pieces = NUMBER.split(name.removesuffix("…"))
    glob = "*".join(sub(r"[*?\[]", lambda found: f"[{found[0]}]", piece) for piece in pieces)
    return visible(f"{glob}*" if name.endswith("…") and not glob.endswith("*") else glob)


def release_url(one: JudgedLock) -> str:
    """Where the plan of a release of exactly this token is."""
    return _url(one, "release")


def no_release(one: JudgedLock, may: frozenset[str]) -> str:
    """Why this lock cannot be released from here; empty where it can."""
    if one.lock.lapsed_at is not None:
        return _("It is gone: there is nothing to release.") if one.lock.went or one.lock.released_by else _("It has expired: there is nothing to release.")
    if not one.lock.is_lock:
        return _("This key is no lock. It is not released from here: whoever put it there must delete it.")
    if one.no_release:
        return _(NEVER_RELEASED[one.no_release]) % {"pattern": pattern_of(one.lock.name)}
    if conf().READ_ONLY:
        return _("Lockhouse is read-only here: acts are switched off.")
    if RELEASE not in may:
        return _("You have no permission to release locks.")
    if one.verdict != "orphaned" and FORCE_RELEASE not in may:
        return _("You may release only locks that are proved orphaned.")
    return ""


def protect_url(one: JudgedLock, may: frozenset[str]) -> str:
    """Where the plan is of putting the token back of a run that outlived this lock; empty where there is no such run, or it is not for this person."""
    is_outlived = "overrun" in one.flags
    return _url(one, "protect") if is_outlived and _may_change(one, may) else ""


def changes(one: JudgedLock, may: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is offered on the lock's own page: word and address."""
    if url := protect_url(one, may):
        yield _("Protect…"), url
    if url := revoke_url(one, may):
        yield _("Revoke its run…"), url
    if one.lock.lapsed_at is not None or not one.lock.is_lock or not _may_change(one, may):
        return
    if one.lock.expires_at is not None:
        yield _("Extend…"), _url(one, "extend")
    elif "orphaned" in one.flags or FORCE_RELEASE in may:
        yield _("Set a timeout…"), _url(one, "timeout")


def revoke_url(one: JudgedLock, may: frozenset[str]) -> str:
    """Where the plan is of revoking the run that holds it; only of a run that is known exactly and has not ended."""
    is_run = one.holder.certainty == "exact" and one.holder.task_id and one.holder.worker and one.verdict != "orphaned" and one.lock.lapsed_at is None
    return _url(one, "revoke") if is_run and REVOKE in may and _may_change(one, may) else ""


def _may_change(one: JudgedLock, may: frozenset[str]) -> bool:
    return not conf().READ_ONLY and RELEASE in may and not one.no_release


def _url(one: JudgedLock, change: str) -> str:
    return plan_url(change, one.lock.id, one.lock.token_digest)

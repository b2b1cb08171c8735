"""What needs attention, a row for each cause."""

from datetime import datetime
from hashlib import sha256
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.records import Concern, JudgedLock
from dashboard.web.evidence import linked
from dashboard.web.instants import maybe
from dashboard.web.links import task_url
from dashboard.web.look import Look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.lock_acts import no_release, release_url
from dashboard.web.panels.lock_row import row_id, runs_known, steady
from dashboard.web.panels.queue_row import url_of
from dashboard.words import source_name, verdict, visible

MAX_ROWS = 7
MAX_FACTS = 2
SAID_BY_HEADLINE = {"holder_token", "holder_likely", "holder_owner_likely", "lapsed", "no_reader", "source_unavailable", "stale", "task_unknown", "beat_silent"}
OF_SOURCES = {"source", "locks-gone", "evicts", "shared-db"}
TIMELESS = {"unknown-task", "locks-gone"}  # what is said of it has its time
SAID_OF_WORKER = SAID_BY_HEADLINE | {"worker_silent"}


def concern_row(concern: Concern, seen: Look, may: frozenset[str]) -> Piece:
    """One cause with what it explains and, where one lock is meant, what can be done."""
    only = concern.locks[0] if len(concern.locks) == 1 else None
    lock = only.lock if only else None
    shown = [fact for fact in concern.evidence if fact.code not in _said(concern)]
    return piece(
        concern_id(concern),
        "panels/concern.html",
        "attention-rows",
        kind=concern.kind,
        word=verdict(concern.kind),
        subject=_subject(concern),
        url=concern_url(concern),
        says=_headline(concern),
        says_after=_headline_end(concern),
        until=maybe(lock.expires_at, seen.now) if lock and concern.kind == "orphaned" else None,
        never=bool(lock and lock.never_expires),
        since=maybe(_since(concern), seen.now),
        since_is_minimum=any(queue.unread_is_minimum for queue in concern.queues),
        reason=visible(_reason(concern)),
        facts=linked(steady(shown[:MAX_FACTS]), seen.now, runs_known(only, seen) if only else seen.knows_run),
        refused=only.refused_last_hour if only else None,
        release_url=release_url(only) if only and concern.kind == "orphaned" and not no_release(only, may) else "",
    )


def _said(concern: Concern) -> set[str]:
    """What its headline says already."""
    if concern.kind == "overlapping":
        return SAID_BY_HEADLINE - {"lapsed"}
    return SAID_OF_WORKER if concern.kind == "worker-gone" else SAID_BY_HEADLINE


def _subject(concern: Concern) -> str:
    return source_name(concern.subject) if concern.kind in OF_SOURCES else visible(concern.subject)


def _since(concern: Concern) -> datetime | None:
    """When it began, where the headline does not say how long it still lasts."""
    if concern.queues:
        return concern.queues[0].unread_since
    if len(concern.locks) == 1:
        return concern.locks[0].lock.lapsed_at
    if concern.kind in TIMELESS:
        return None
    times = [fact.values.get(name) for fact in concern.evidence for name in ("since", "last_heard_at", "at")]
    return next((at for at in times if isinstance(at, datetime)), None) if not concern.locks else None


def _reason(concern: Concern) -> str:
    reasons = [fact.values.get("reason") for fact in concern.evidence if fact.code == "source_unavailable"]
    return next((reason.removeprefix("does not answer: ") for reason in reasons if isinstance(reason, str)), "")


def concern_id(concern: Concern) -> str:
    """Stable while the cause is the same."""
    target = row_id(concern.locks[0]) if len(concern.locks) == 1 else concern.subject
    return f"concern-{sha256(f'{concern.kind} {target}'.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def concern_url(concern: Concern) -> str:
    """Where it is shown; empty for what has no page."""
    if len(concern.locks) == 1:
        return reverse("lockhouse:lock", args=[concern.locks[0].lock.id])
    if concern.queues:
        return url_of(concern.queues[0])
    if concern.kind == "unknown-task":
        return task_url(concern.subject)
    if concern.kind == "beat-silent":
        return f"{reverse('lockhouse:schedules')}?show=overdue"
    if concern.kind == "no-exclusion":
        return f"{reverse('lockhouse:locks')}?{urlencode({'q': concern.subject})}"
    return f"{reverse('lockhouse:locks')}?verdict={concern.kind}" if concern.locks else ""


def concern_says(concern: Concern) -> str:
    """Its headline as text: the subject and what is the matter with it."""
    subject = _subject(concern)
    return f"{subject} {_headline(concern)}{_headline_end(concern)}".strip()


def _headline(concern: Concern) -> str:
    """What follows the subject's name."""
    if concern.kind in {"locks-gone", "no-exclusion", "evicts", "shared-db"}:
        return _of_servers(concern)
    if len(concern.locks) > 1:
        return ngettext("left %(n)d lock behind", "left %(n)d locks behind", len(concern.locks)) % {"n": len(concern.locks)}
    if concern.locks:
        return _headline_of_one(concern.kind, concern.locks[0])
    if concern.queues:
        values = {"n": concern.queues[0].ready}
        return ngettext("holds %(n)d message, and no worker has read it", "holds %(n)d messages, and no worker has read it", values["n"]) % values
    if concern.subject == "observer":
        return _("has written nothing")
    if concern.kind == "source" and concern.subject == "workers":
        return _("have not answered")
    return {
        "source": _("has not answered"),
        "unknown-task": _("was sent, and no worker knows a task of this name"),
        "worker-gone": _("has not been heard of"),
        "beat-silent": _("has sent nothing"),
    }.get(concern.kind, "")


def _headline_end(concern: Concern) -> str:
    """What follows the time, with the space or comma before it."""
    if concern.kind == "beat-silent":
        count = concern.evidence[0].values["count"]
        assert isinstance(count, int), "the judge counts them"
        return ngettext("; %(n)d schedule is overdue", "; %(n)d schedules are overdue", count) % {"n": count}
    if concern.kind != "overrun" or len(concern.locks) != 1:
        return ""
    return " " + _("while %(task)s still runs") % {"task": visible(concern.locks[0].holder.task_name or _("its holder"))}


def _of_servers(concern: Concern) -> str:
    fact = concern.evidence[0]
    if concern.kind == "locks-gone":
        count = fact.values["count"]
        assert isinstance(count, int), "the judge counts them"
        return ngettext("lost %(n)d lock before its time", "lost %(n)d locks before their time", count) % {"n": count}
    if concern.kind == "no-exclusion":
        return _("is held under %(n)d keys at once, which keep nobody apart") % {"n": len(concern.locks)}
    if concern.kind == "shared-db":
        return _("is in the broker's own database")
    return _("may delete locks and queues by itself") if fact.code == "server_evicts_any" else _("may delete locks by itself")


def _headline_of_one(kind: str, one: JudgedLock) -> str:
    if kind == "orphaned":
        return _("blocks %(what)s") % {"what": visible(one.blocks) if one.blocks else _("every run that needs it")}
    if kind == "overrun":
        return _("has been gone") if one.lock.went or one.lock.released_by else _("has been expired")
    return _("has two runs at once, and only one holds it") if one.lock.lapsed_at is None else _("has two runs that go on, and neither holds it")

"""One held lock as the pages show it: flat strings, so that a row whose record did not change is not rendered again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dashboard.conf import conf
from dashboard.judge.verdicts import is_overdue
from dashboard.records import Evidence, HeldLock, JudgedLock
from dashboard.web.evidence import linked
from dashboard.web.instants import Instant, instant_of, maybe
from dashboard.web.links import object_url, task_url, worker_url
from dashboard.web.look import Look
from dashboard.web.panels.holder_words import certainty_why, holder_words, meaning_of
from dashboard.web.panels.listing import Value
from dashboard.web.panels.lock_acts import no_release, protect_url, release_url
from dashboard.words import CERTAINTY_WORDS, duration, short_id, verdict, visible

MAX_KEPT = 8192  # rendered rows, about 3 KB each
SHARE_STEP = 25  # percent: the server draws the bar in quarters, the script exactly; finer steps would push a row twenty times in its life for nothing
OPEN_VERDICTS = {"orphaned", "overrun", "overlapping"}  # their evidence is read before anything is done


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """What one row says; every string is ready to be escaped and shown."""

    row_id: str
    picked: str  # id and digest, as a ticked row is sent
    name: str
    cache: str
    key: str
    url: str
    verdict: str
    word: str
    meaning: str
    also: tuple[str, ...]
    task: str
    task_url: str
    task_id: str
    holder: str
    worker_url: str
    certainty: str
    certainty_word: str
    certainty_why: str
    expires: Instant | None
    is_overdue: bool  # its deadline passed, and what became of it was not read
    lapsed: Instant | None
    lapsed_word: str
    timeout_ms: int | None
    timeout: str
    share: int | None
    since: Instant | None  # None: nobody holds it
    since_is_minimum: bool
    held: str  # for how long, of one that is held no more
    refused: int | None
    waiting: int | None
    evidence: tuple[str, ...]
    is_open: bool
    blocks: str
    label: str
    about: str
    about_url: str
    release_url: str
    no_release: str
    protect_url: str


def lock_row(one: JudgedLock, look: Look, may: frozenset[str], *, exact: bool = False) -> LockRow:
    """The row of one judged lock, for people with these permissions; `exact` with the times that move with every answer of a worker."""
    lock, holder = one.lock, one.holder
    task, place = holder_words(one)
    return LockRow(
        row_id=row_id(one),
        picked=f"{lock.id}:{lock.token_digest}",
        name=visible(lock.name),
        cache=visible(lock.cache),
        key=visible(lock.key),
        url=reverse("lockhouse:lock", args=[lock.id]),
        verdict=one.verdict,
        word=verdict(one.verdict),
        meaning=meaning_of(one),
        also=tuple(verdict(flag) for flag in one.flags if flag not in {one.verdict, "held", "unknown"}),
        task=task,
        task_url=task_url(holder.task_name) if holder.task_name else "",
        task_id=short_id(holder.task_id) if holder.task_id else "",
        holder=place,
        worker_url=worker_url(holder.worker) if holder.worker else "",
        certainty=holder.certainty,
        certainty_word=str(CERTAINTY_WORDS[holder.certainty]),
        certainty_why=certainty_why(one),
        expires=maybe(lock.expires_at, look.now),
        is_overdue=is_overdue(lock, look.now),
        lapsed=maybe(lock.lapsed_at, look.now),
        lapsed_word=lapsed_word(lock) if lock.lapsed_at else "",
        timeout_ms=lock.timeout // timedelta(milliseconds=1) if lock.timeout else None,
        timeout=duration(lock.timeout) if lock.timeout else "",
        share=_share(one, look.now),
        since=instant_of(lock.acquired_at or lock.first_seen_at, look.now) if lock.is_lock else None,
        since_is_minimum=lock.acquired_at is None and lock.is_lock,
        held=duration(lock.lapsed_at - (lock.acquired_at or lock.first_seen_at)) if lock.lapsed_at else "",
        refused=one.refused_last_hour,
        waiting=one.waiting,
        evidence=tuple(linked(one.evidence if exact else steady(one.evidence), look.now, runs_known(one, look))),
        is_open=one.verdict in OPEN_VERDICTS,
        blocks=visible(one.blocks),
        label=visible(one.label),
        about=visible(f"{one.model.rpartition('.')[2].lower()} {one.object_id}") if one.model else "",
        about_url=object_url(one.model, one.object_id) if one.model else "",
        release_url=release_url(one),
        no_release=no_release(one, may),
        protect_url=protect_url(one, may),
    )


def runs_known(one: JudgedLock, look: Look) -> Callable[[str], bool]:
    """Says of a run that its evidence names whether it is known; one whose worker is known may be in the history alone."""
    holder = one.holder.task_id if one.holder.worker else None
    return lambda task_id: task_id == holder or look.knows_run(task_id)


def steady(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence without the time at which a living run was last seen: it moves every second, and every row with it."""
    return [replace(fact, code="run_active_still") if fact.code == "run_active" else fact for fact in evidence]


def lapsed_word(lock: HeldLock) -> str:
    """How a lock left a run that goes on."""
    return _("gone") if lock.went or lock.released_by else _("expired")


def row_id(one: JudgedLock) -> str:
    """Stable while the lock is; an expired lock whose run goes on keeps its own row beside the one that took the name anew."""
    lapsed = f"-{one.lock.token_digest[:8]}" if one.lock.lapsed_at else ""
    return f"lock-{one.lock.id[:12]}{lapsed}"


def _share(one: JudgedLock, now: datetime) -> int | None:
    """How much of its time to live is left, in percent; None where its whole life is not known."""
    lock = one.lock
    if lock.never_expires:
        return 100
    if lock.expires_at is None or lock.timeout is None or not lock.timeout:
        return None
    left = max(min((lock.expires_at - now) / lock.timeout, 1.0), 0.0)
    return round(left * 100 / SHARE_STEP) * SHARE_STEP


_rows: dict[tuple[object, ...], str] = {}  # threads may both render one row: the result is the same


def row_html(one: JudgedLock, look: Look, may: frozenset[str]) -> str:
    """The row's HTML, made once for as long as nothing that it shows changes: building it anew costs a hundred times the look-up."""
    key = _shown(one, look, may)
    html = _rows.get(key)
    if html is None:
        if len(_rows) >= MAX_KEPT:
            _rows.clear()
        html = _rows[key] = render_row(lock_row(one, look, may))
    return html


def _shown(one: JudgedLock, look: Look, may: frozenset[str]) -> tuple[object, ...]:
    """Everything that a row depends on; without the times that move while nothing happens."""
    lock = one.lock
    evidence = tuple((fact.code, look.knows_run(str(fact.values.get("task_id"))), *map(str, fact.values.values())) for fact in steady(one.evidence))
    held_since = lock.acquired_at or lock.first_seen_at
    seen = (lock.id, lock.token_digest, lock.name, lock.expires_at, held_since, lock.timeout, lock.lapsed_at, lock.dialect, lock.taken_by)
    concluded = (one.holder, one.verdict, tuple(one.flags), evidence, one.refused_last_hour, one.waiting, _share(one, look.now))
    listed = (one.blocks, one.label, one.model, one.object_id, one.no_release)
    return (*seen, *concluded, *listed, may, conf().READ_ONLY, look.now.date(), get_language())


def render_row(row: LockRow) -> str:
    """The row's HTML."""
    return render_to_string("lockhouse/panels/lock_row.html", {"row": row, "say": _fixed_words(get_language())}).strip()


@lru_cache(maxsize=64)
def _fixed_words(_language: str | None) -> Mapping[str, str]:
    """What every row says alike, looked up once: a thousand rows with fifteen translations each take longer than all the rest."""
    return {
        "tick": _("Tick"),
        "holder": _("Holder"),
        "ttl": _("Time to live"),
        "at": _("at"),
        "until": _("until"),
        "never": _("never expires"),
        "overdue": _("deadline passed at"),
        "held": _("Held for"),
        "since": _("since"),
        "at_least": _("It was held already when it was first seen"),
        "held_by_none": _("Nobody holds it: it is no lock."),
        "refused": _("Refused / h"),
        "refused_unknown": _("Not known: nobody reports the refused attempts of this lock"),
        "waiting": _("waiting"),
        "release": _("Release…"),
        "protect": _("Protect…"),
        "why": _("why"),
        "blocks": _("blocks"),
        "blocked": _("no longer blocks"),
        "beside": _("since then another run could start"),
        "also": _("also"),
    }


def sort_value(one: JudgedLock, column: str, _now: datetime) -> Value:
    """What a column sorts by."""
    lock = one.lock
    held = lock.acquired_at or lock.first_seen_at
    values: Mapping[str, Value] = {
        "lock": lock.name,
        "holder": one.holder.task_name,
        "ttl": lock.expires_at.timestamp() if lock.expires_at else None,
        "held": -held.timestamp() if lock.is_lock else None,
        "refused": one.refused_last_hour,
    }
    return values[column]

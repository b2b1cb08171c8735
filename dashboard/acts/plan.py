"""The plan of a release: what it would mean, read and judged now. It changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dashboard import snapshot
from dashboard.acts.ledger import released_by
from dashboard.acts.registry import RELEASE, permit
from dashboard.acts.signed import VALID_FOR, sign
from dashboard.acts.target import locate, read_and_judge
from dashboard.acts.values import Actor, Answer, Target
from dashboard.inert import visible
from dashboard.records import Evidence, JudgedLock
from dashboard.sources.dialects import signal_of
from dashboard.sources.locks import shown_key

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NEVER_RELEASED = {"internal": "internal_lock", "not-listed": "not_listed", "forbidden": "not_to_be_released"}
MAX_TYPED = 80  # a longer name is not typed by anybody: its id is asked for instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What releasing would mean now; `signed` is empty where it cannot be carried out, and `obstacle` says why."""

    target_id: str
    name: str
    judged: JudgedLock | None
    effects: Sequence[Evidence] = ()
    forced: bool = False
    to_type: str = ""  # what has to be typed, for a forced release
    signed: str = ""
    expires_at: datetime
    obstacle: Answer | None = None


def plan_release(user: "User", session_key: str | None, lock_id: str, token_digest: str, *, now: datetime | None = None) -> Plan:
    """What releasing the lock would mean, read from its own source.  Raises: Refused, SourceUnavailable.

    An empty `token_digest` means the token that is there now.
    """
    permit(Actor(user=user, origin="page"), RELEASE)
    now = now or datetime.now(UTC)
    known = snapshot.newest()
    target = locate(lock_id, known)
    judged = read_and_judge(target, known, now)
    plan = Plan(target_id=target.id, name=target.name, judged=judged, expires_at=now + VALID_FOR)
    if obstacle := obstacle_to(judged, target, token_digest):
        return _blocked(plan, obstacle)
    assert judged is not None, "a lock that is gone is an obstacle"
    forced = judged.verdict != "orphaned"
    if forced and not user.has_perm(RELEASE.force_permission or ""):
        return _blocked(plan, Answer(state="refused", code="needs_force", values={"verdict": judged.verdict}))
    return Plan(
        target_id=target.id,
        name=target.name,
        judged=judged,
        effects=[*effects(judged), *_woken(judged, target)],
        forced=forced,
        to_type=to_type(target.id, target.name) if forced else "",
        signed=sign(user, session_key, target, judged.lock.token_digest, now, forced=forced),
        expires_at=now + VALID_FOR,
    )


def _blocked(plan: Plan, obstacle: Answer) -> Plan:
    effects_now = list(effects(plan.judged)) if plan.judged else []
    return Plan(target_id=plan.target_id, name=plan.name, judged=plan.judged, effects=effects_now, expires_at=plan.expires_at, obstacle=obstacle)


def obstacle_to(judged: JudgedLock | None, target: Target, token_digest: str) -> Answer | None:
    """Why the token that was seen cannot be released: gone, no lock, another token; None where it is there."""
    if judged is None:
        return Answer(state="refused", code="already_gone", values=released_by(target.id, token_digest))
    if not judged.lock.is_lock:
        return Answer(state="refused", code="not_a_lock", values={"kind": judged.lock.note.removeprefix("wrong-type:")})
    if judged.no_release:
        return Answer(state="refused", code=NEVER_RELEASED[judged.no_release])
    if token_digest and judged.lock.token_digest != token_digest:
        since = judged.lock.acquired_at
        return Answer(state="refused", code="changed_hands", values={"since": since.isoformat()} if since else {})
    return None


def effects(judged: JudgedLock) -> Iterator[Evidence]:
    """What releasing means, by all that is true of the lock."""
    flags, codes = set(judged.flags), {fact.code for fact in judged.evidence}
    if judged.blocks:
        yield Evidence(code="blocks", values={"blocks": judged.blocks})
    if "never-expires" in flags:
        yield Evidence(code="never_expires")
    elif judged.lock.expires_at is not None:
        yield Evidence(code="blocks_until", values={"until": judged.lock.expires_at, "left": judged.lock.expires_at - judged.lock.seen_at})
    if "stale" not in codes:
        yield from _attempts(judged)
    for flag, code in (("overlapping", "overlapping"), ("orphaned", "orphaned"), ("overrun", "overrun"), ("held", "holder_lives"), ("unknown", "unknown")):
        if flag in flags and not (flag == "held" and ("overlapping" in flags or judged.lock.taken_by != "run")):
            yield Evidence(code=code)
    if judged.lock.taken_by != "run" and "orphaned" not in flags:  # the first has ended
        yield Evidence(code=f"taken_by_{judged.lock.taken_by}")
    if "message_unacked" in codes:
        yield Evidence(code="run_again_later")
    if "run_lost" in codes:
        yield Evidence(code="run_lost")
    yield Evidence(code="no_holder_check")


def _attempts(judged: JudgedLock) -> Iterator[Evidence]:
    """Who waits for it and who was refused, as far as anybody tells of it."""
    if judged.waiting:
        yield Evidence(code="waiting", values={"waiting": judged.waiting})
    if judged.refused_last_hour:
        yield Evidence(code="refused", values={"refused": judged.refused_last_hour})
    if judged.waiting == 0 and judged.refused_last_hour == 0:
        yield Evidence(code="nobody_tried")


def _woken(judged: JudgedLock, target: Target) -> Iterator[Evidence]:
    """The other key that a release writes, where the lock's library has one."""
    if signal := signal_of(judged.lock.dialect, target.raw_key):
        yield Evidence(code="signal_written", values={"key": shown_key(signal)})


def to_type(target_id: str, name: str) -> str:
    """What a forced release asks to be typed: the name, or the id where a page does not show the name as it is typed."""
    return name if len(name) <= MAX_TYPED and _is_typed_as_shown(name) else target_id


def _is_typed_as_shown(name: str) -> bool:
    """Letters, digits and what ASCII prints: a hidden secret is none of these. A page shows several spaces in a row as one."""
    are_plain = all(character.isascii() or character.isalnum() for character in name)
    return are_plain and name.isprintable() and visible(name) == name and " ".join(name.split()) == name

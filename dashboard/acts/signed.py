"""A plan on its way through the browser: signed, so that only what was planned, by that person in that session, is carried out."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE, Act
from dashboard.acts.values import Target
from dashboard.redaction import hides_in

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SALT = "lockhouse.acts.plan"
VALID_FOR = timedelta(seconds=60)
MAX_KEY_CARRIED = 8192  # as in a snapshot; a longer key is found again by its id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPlan:
    """What was planned, as it came back; its age is for the caller to judge, for a replay may be older."""

    target_id: str
    cache: str
    name: str
    raw_key: bytes  # empty: not to be carried
    token_digest: str
    forced: bool
    nonce: str
    planned_at: datetime
    span_ms: int = 0  # of an act that is about a time
    deadline: tuple[int, int]  # as of deadline.SeenDeadline

    def is_expired(self, now: datetime) -> bool:
        return now - self.planned_at > VALID_FOR


def sign(
    user: "User",
    session_key: str | None,
    target: Target,
    token_digest: str,
    now: datetime,
    *,
    forced: bool,
    act: Act = RELEASE,
    span_ms: int = 0,
    deadline: tuple[int, int] = (0, -1),
) -> str:
    """The plan as text that may stand in a page: no token, no session key."""
    content = {
        "target": target.id,
        "cache": target.place.alias,
        "name": target.name,
        "key": carried(target.raw_key),
        "digest": token_digest,
        "forced": forced,
        "span": span_ms,
        "deadline": deadline,
    }
    return _seal(user, session_key, content, now, act)


def sign_many(user: "User", session_key: str | None, locks: Sequence[tuple[str, str]], now: datetime, act: Act) -> str:
    """A plan for several, each by its id and the digest of what was seen: with their names it could be too large for a form."""
    return _seal(user, session_key, {"picked": locks}, now, act)


def carried(raw_key: bytes) -> str:
    """The key as it stands in a plan or a record, which others can read: none that is long, or has a secret in it."""
    return "" if len(raw_key) > MAX_KEY_CARRIED or hides_in(raw_key) else base64.b64encode(raw_key).decode()


def _seal(user: "User", session_key: str | None, content: Mapping[str, Any], now: datetime, act: Act) -> str:
    who = {"act": act.name, "user": str(user.pk), "session": _session_mark(session_key)}
    return signing.dumps({**who, **content, "nonce": secrets.token_urlsafe(24), "planned": now.timestamp()}, salt=SALT, compress=True)


def read(user: "User", session_key: str | None, signed: str, act: Act = RELEASE) -> SignedPlan:
    """The plan that came back.  Raises: Refused where it is forged, or made for another person or session."""
    content = _open(user, session_key, signed, act)
    return SignedPlan(
        target_id=content["target"],
        cache=content["cache"],
        name=content["name"],
        raw_key=base64.b64decode(content["key"]),
        token_digest=content["digest"],
        forced=content["forced"],
        nonce=content["nonce"],
        planned_at=datetime.fromtimestamp(content["planned"], UTC),
        span_ms=content["span"],
        deadline=(content["deadline"][0], content["deadline"][1]),
    )


def read_many(user: "User", session_key: str | None, signed: str, act: Act) -> tuple[list[tuple[str, str]], str, datetime]:
    """The (id, token digest) of each in a plan for several, its nonce, and when it was made.  Raises: as `read`."""
    content = _open(user, session_key, signed, act)
    picked = [(target_id, digest) for target_id, digest in content["picked"]]
    return picked, content["nonce"], datetime.fromtimestamp(content["planned"], UTC)


def _open(user: "User", session_key: str | None, signed: str, act: Act) -> dict[str, Any]:
    try:
        content: dict[str, Any] = signing.loads(signed, salt=SALT)
    except signing.BadSignature:
        raise Refused("plan_forged") from None
    mine = constant_time_compare(content["session"], _session_mark(session_key))
    if content["act"] != act.name or content["user"] != str(user.pk) or not mine:
        raise Refused("plan_of_another")
    return content


def _session_mark(session_key: str | None) -> str:
    """Stands for the session: its key itself is a secret that must not stand in a page."""
    return salted_hmac(SALT, session_key or "").hexdigest()[:32]

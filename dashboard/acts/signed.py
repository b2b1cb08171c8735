"""A plan on its way through the browser: signed, so that only what was planned, by that person in that session, is carried out."""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

from dashboard.acts.refusals import Refused
from dashboard.acts.registry import RELEASE, Act
from dashboard.acts.values import Target

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
    raw_key: bytes  # empty: too long to be carried
    token_digest: str
    forced: bool
    nonce: str
    planned_at: datetime

    def is_expired(self, now: datetime) -> bool:
        return now - self.planned_at > VALID_FOR


def sign(user: "User", session_key: str | None, target: Target, token_digest: str, now: datetime, *, forced: bool, act: Act = RELEASE) -> str:
    """The plan as text that may stand in a page: no token, no session key."""
    content = {
        "act": act.name,
        "user": str(user.pk),
        "session": _session_mark(session_key),
        "target": target.id,
        "cache": target.place.alias,
        "name": target.name,
        "key": base64.b64encode(target.raw_key).decode() if len(target.raw_key) <= MAX_KEY_CARRIED else "",
        "digest": token_digest,
        "forced": forced,
        "nonce": secrets.token_urlsafe(24),
        "planned": now.timestamp(),
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read(user: "User", session_key: str | None, signed: str, act: Act = RELEASE) -> SignedPlan:
    """The plan that came back.  Raises: Refused where it is forged, or made for another person or session."""
    try:
        content = signing.loads(signed, salt=SALT)
    except signing.BadSignature:
        raise Refused("plan_forged") from None
    mine = constant_time_compare(content["session"], _session_mark(session_key))
    if content["act"] != act.name or content["user"] != str(user.pk) or not mine:
        raise Refused("plan_of_another")
    return SignedPlan(
        target_id=content["target"],
        cache=content["cache"],
        name=content["name"],
        raw_key=base64.b64decode(content["key"]),
        token_digest=content["digest"],
        forced=content["forced"],
        nonce=content["nonce"],
        planned_at=datetime.fromtimestamp(content["planned"], UTC),
    )


def _session_mark(session_key: str | None) -> str:
    """Stands for the session: its key itself is a secret that must not stand in a page."""
    return salted_hmac(SALT, session_key or "").hexdigest()[:32]

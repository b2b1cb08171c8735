"""The values that acts are made of: who acts, on what, and what came of it. No I/O."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dashboard.connections import Watched

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Origin = Literal["page", "api", "cli"]
State = Literal["done", "refused", "failed", "unknown"]
HALF_DONE = {"revoked_not_ended", "revoked_not_released"}  # codes of what is `done` and yet not all that was wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts; without a user it is somebody at the command line, who could do all of it with redis-cli as well."""

    user: "User | None"
    origin: Origin
    shell_name: str = ""

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user else self.shell_name

    def may(self, permission: str) -> bool:
        if self.user is None:
            return self.origin == "cli"
        return self.user.has_perm(permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A lock's key, where it lies and how it is shown."""

    id: str
    place: Watched
    raw_key: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An act that passed every check which needs no look at its target; it is the same act as another with its `nonce`."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    act: str
    actor: Actor
    target_id: str
    target_name: str
    cache: str
    token_digest: str
    reason: str
    nonce: str
    planned_at: datetime
    force: bool = False
    raw_key: bytes = b""  # empty: to be found by the target's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an act: a code that `words` can say, with JSON values (instants as RFC 3339, durations as `_ms`)."""

    state: State
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def unreachable(source: str, reason: str) -> Answer:
    """Nothing is done, for `source` ("cache shop") does not answer; `reason` as its error has it."""
    return Answer(state="failed", code="unreachable", values={"source": source, "reason": reason.removeprefix("does not answer: ")[:200]})

"""Undoes a change of a lock's lifetime: the deadline that it had, unless somebody has moved it since; and says what became of a change without an answer."""

from typing import Any

from dashboard.acts import lifetime_scripts, scripts
from dashboard.acts.lifetime import DONE, instant
from dashboard.acts.registry import LIMIT, PROTECT
from dashboard.acts.target import Token
from dashboard.acts.values import Answer, Target
from dashboard.models import OperatorAct

NEVER, FREE = -1, 0  # a deadline before: there was none, or the lock was not held
SAME_MS = 5
BACK = {NEVER: "never_again", FREE: "unprotected"}


def put_deadline_back(target: Target, token: bytes, changed: OperatorAct, valid_until_ms: int) -> Answer:
    """Compare, and put back what was before.  Cost: one script."""
    was_ms, set_ms = changed.after["was_ms"], changed.after["deadline_ms"]
    try:
        word, *rest = scripts.run(target, lifetime_scripts.PUT_BACK, token, valid_until_ms, was_ms, set_ms)
    except scripts.ScriptError as error:
        return scripts.answer_to(error, target)
    return _answer(word, rest, was_ms)


def _answer(word: str, rest: list[Any], was_ms: int) -> Answer:
    if word == "put back":
        return Answer(state="done", code=BACK.get(was_ms, "deadline_back"))
    if word == "freed":
        return Answer(state="done", code="unprotected" if was_ms == FREE else "freed")
    if word == "type":
        return Answer(state="refused", code="not_a_lock", values={"kind": rest[0].decode()})
    return Answer(state="refused", code={"late": "came_late", "gone": "already_gone", "changed": "changed_hands", "moved": "moved"}[word])


def settled_change(act: OperatorAct, token: Token | None) -> Answer:
    """What came of a change (or its undo) whose answer was lost; `token`: the act's own, if it is there now."""
    changed = act.undo_of or act
    if token is None:  # released, expired or taken since: what was done to it can no longer be seen
        never_was = changed.act == PROTECT.name and act.undo_of is None
        return Answer(state="failed", code="gone_before_look" if never_was else "not_seen")
    deadline_ms = None if token.ttl_ms is None else token.server_ms + token.ttl_ms
    if act.undo_of is not None:
        was_ms = changed.after.get("was_ms", 0)
        is_back = deadline_ms is None if was_ms == NEVER else _same(deadline_ms, was_ms)
        return Answer(state="done", code=BACK.get(was_ms, "deadline_back")) if is_back else Answer(state="failed", code="not_done")
    before_ms = act.before.get("deadline_ms")
    is_as_before = deadline_ms is None if before_ms is None else _same(deadline_ms, before_ms)
    if is_as_before or deadline_ms is None:
        return Answer(state="failed", code="not_done")
    was_ms = NEVER if changed.act == LIMIT.name else FREE if changed.act == PROTECT.name else before_ms
    values = {"until": instant(deadline_ms), **({"was": instant(before_ms)} if before_ms else {}), "undo": False}
    return Answer(state="done", code=DONE[act.act], values=values, after={"was_ms": was_ms, "deadline_ms": deadline_ms})


def _same(deadline_ms: int | None, other_ms: int | None) -> bool:
    return deadline_ms is not None and other_ms is not None and abs(deadline_ms - other_ms) <= SAME_MS

"""JSON that a person or a program wrote: read strictly, and what is wrong with it is said with its place. No I/O."""

import json
import re
from math import isfinite
from typing import Any

from dashboard.acts.refusals import Refused

MAX_CHARACTERS = 1_000_000  # of all arguments together: a message of that size is a mistake
MAX_DEPTH = 100  # of brackets; arguments nest a handful of levels
AROUND = 24  # characters on each side of the place that is wrong
# A string that has no end reaches to the end of the text: else each quote in it would be tried anew, for hours at 1 MB.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class Malformed(Refused):
    """Text that is no JSON as we want it; `place` shows where, and is for the one who wrote it alone: it may hold a secret."""

    def __init__(self, code: str, place: str = "", **values: Any) -> None:
        super().__init__(code, **values)
        self.place = place


def parse(text: str, what: str, *, limit: int = MAX_CHARACTERS) -> Any:
    """The value; `what` names the text in the sentence.  Raises: Malformed, Refused."""
    if len(text) > limit:
        raise Refused("send_too_large", limit="1 MB")
    if _depth(text) > MAX_DEPTH:
        raise Malformed("send_too_deep", what=what, limit=MAX_DEPTH)
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Malformed("send_not_json", _place(text, error.pos), what=what, line=error.lineno, column=error.colno, message=_plain(error.msg)) from None
    except _Wrong as error:
        raise Malformed(error.code, what=what, given=error.given) from None
    except ValueError:  # an integer of thousands of digits
        raise Malformed("send_number", what=what, given="…") from None
    return _without_surrogates(value, what)


class _Wrong(ValueError):
    def __init__(self, code: str, given: str) -> None:
        super().__init__(code)
        self.code, self.given = code, given[:40]


def _no_number(constant: str) -> Any:
    raise _Wrong("send_number", constant)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise _Wrong("send_number", text)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once: which of two was meant, nobody can say."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Wrong("send_twice", name)
        found[name] = value
    return found


def _without_surrogates(value: Any, what: str) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Malformed("send_surrogate", what=what) from None
    return value


def _depth(text: str) -> int:
    """How deep the brackets go, strings left out; counted before anything is parsed, without recursion."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _place(text: str, position: int) -> str:
    """The text around that position, with a mark before what is wrong."""
    before, after = text[max(0, position - AROUND) : position], text[position : position + AROUND]
    return f"{'…' if position > AROUND else ''}{before}▸{after}{'…' if len(text) > position + AROUND else ''}"


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]

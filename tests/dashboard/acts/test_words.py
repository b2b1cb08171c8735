"""What acts answer, where the names in it are hostile."""

import pytest

from dashboard.acts import words

HOSTILE = "w\x1b[2J\x1b]0;pwned\x07\u202eX\n"


@pytest.mark.parametrize(
    "said",
    [
        words.answer("revoke_unheard", {"worker": HOSTILE}),
        words.answer("unreachable", {"source": "cache shop", "reason": HOSTILE}),
        words.answer("already_gone", {"by": HOSTILE, "at": "2026-11-23T14:07:41+00:00"}),
        words.refusal("name_differs", {"wanted": HOSTILE}),
        words.effect("blocks", {"blocks": HOSTILE}),
    ],
)
def test_no_name_reaches_a_terminal_as_an_escape(said):
    assert "\\u001b[2J" in said
    assert not {"\x1b", "\x07", "\u202e", "\n"} & set(said)


def test_times_and_numbers_are_said_as_before():
    assert words.refusal("too_late", {"seconds": 30}).startswith("An act can be undone for 30 seconds")
    assert "14:07:41 UTC" in words.answer("changed_hands", {"since": "2026-11-23T14:07:41+00:00"})

"""Names that were probably meant to be another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.judge.look_alike import _distance, like_one_of, likest

NAMES = st.text(alphabet="abc_", min_size=0, max_size=9)


def counted(one: str, other: str) -> int:
    """The same distance by the book: the whole table."""
    table = [[max(i, j) if 0 in (i, j) else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (one[i - 1] != other[j - 1]))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(NAMES, NAMES, st.integers(1, 3))
def test_mistakes_are_counted_as_the_whole_table_counts_them(one, other, most):
    found = counted(one, other)

    assert _distance(one, other, most) == (found if found <= most else None)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("emials", "emails"),
        ("email", "emails"),
        ("main_send_emial", "main_send_email"),
        ("main.send.email", "main_send_email"),
        ("emails-2", None),
        ("archive", None),
        ("xy", None),
    ],
)
def test_name_is_like_the_one_it_was_meant_to_be(name, meant):
    assert like_one_of(name, ("emails", "emails-1", "main_send_email", "xz")) == meant


def test_name_without_its_prefix_comes_after_every_misspelling():
    assert likest("send_email", ("main_send_email", "send_emails")) == ("send_emails", "main_send_email")

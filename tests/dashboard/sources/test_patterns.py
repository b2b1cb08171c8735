"""Which names are locks, and what the server can track of them."""

import pytest

from dashboard.conf import DEFAULT_LOCK_PATTERNS
from dashboard.sources.patterns import compile_patterns, fixed_beginnings, without_overlap


@pytest.mark.parametrize(
    ("name", "is_lock"),
    [("lock_a", True), ("lock:a", True), ("report_lock", True), ("a:lock", True), ("locker", False), ("cart-import", False), ("lock_a\nb", True)],
)
def test_default_patterns_match_the_usual_names(name, is_lock):
    assert (compile_patterns(DEFAULT_LOCK_PATTERNS).match(name) is not None) == is_lock


def test_no_pattern_matches_nothing():
    assert compile_patterns([]).match("lock_a") is None


def test_fixed_beginnings_are_what_stands_before_the_first_glob_sign():
    assert fixed_beginnings(["lock_*", "*_lock", "import-[0-9]*", "nightly", "lock_*"]) == ["lock_", "import-", "nightly"]


def test_prefix_that_another_covers_is_left_out_since_the_server_refuses_it():
    assert without_overlap([b":1:lock_", b":1:lock", b"a", b":1:lock_report", b"a"]) == [b":1:lock", b"a"]

from dataclasses import replace

import pytest

from dashboard.judge import assess
from dashboard.judge.filtering import matches
from dashboard.records import Policy
from tests.factories import NOW, make_claim, make_lock, make_snapshot

[JUDGED] = assess(make_snapshot(locks=(make_lock(name="lock:report 12", claim=make_claim()),)), NOW, Policy())


@pytest.mark.parametrize(
    "query",
    [
        "", "  ", "report", "REPORT 12", "lock:report", '"report 12"', "task:reports_", "task:massive worker:web-2", "verdict:held", "cache:default",
        "holder:exact", "holder:worker-b", "task:d9c26803", "reports_prepare",
    ],
)  # fmt: skip
def test_what_matches(query):
    assert matches(JUDGED, query)


@pytest.mark.parametrize(
    "query",
    ["other", "report 13", "verdict:orphaned", "cache:defaul", "task:telegram", "worker:web-3", "holder:likely", '"report  12"', "report verdict:unknown"],
)
def test_what_does_not_match(query):
    assert not matches(JUDGED, query)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("orphaned", True),
        ("Orphaned lock_a", True),
        ("never expires", True),
        ("orphaned lock_b", False),
        ("overrun", False),
        ("orphan", False),
        ("held", False),
    ],
)
def test_word_of_a_badge_finds_the_locks_that_have_it_as_a_verdict_or_as_a_flag(query, found):
    orphan = replace(JUDGED, lock=make_lock(name="lock_a"), verdict="orphaned", flags=("orphaned", "never-expires"))
    assert matches(orphan, query) is found


def test_word_of_a_badge_still_finds_a_name():
    assert matches(replace(JUDGED, lock=make_lock(name="lock_orphaned_files")), "orphaned")


@pytest.mark.parametrize("query", ['"', ":", "task:", "::::", '"task:x', "*", "(", "\x00", "x" * 10_000])
def test_no_text_is_an_error(query):
    assert matches(JUDGED, query) in {True, False}

"""Sentences: every fact has words, values are exact, and nothing that a screen hides stays hidden."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.records import Evidence, Search
from dashboard.words import COUNTED, SENTENCES, at_least, duration, instant, sentence, short_id, still_searched, visible
from dashboard.words.preflight import verdict_word
from tests.factories import NOW, ago

TASK = "d9c26803-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(milliseconds=340), "340 ms"),
        (timedelta(0), "0 ms"),
        (timedelta(milliseconds=999.7), "1 s"),
        (timedelta(seconds=7.99), "8 s"),
        (timedelta(seconds=8.4), "8 s"),
        (timedelta(seconds=59.9), "1 m"),
        (timedelta(seconds=1120), "18 m 40 s"),
        (timedelta(minutes=59, seconds=59.6), "1 h"),
        (timedelta(hours=2, minutes=4, seconds=29), "2 h 4 m"),
        (timedelta(hours=2, minutes=4, seconds=31), "2 h 5 m"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
    ],
)
def test_duration_has_at_most_two_units_and_is_rounded_to_the_nearest(span, words):
    assert duration(span) == words


@pytest.mark.parametrize(
    ("span", "words"), [(timedelta(seconds=7.99), "7 s"), (timedelta(seconds=59.9), "59 s"), (timedelta(hours=2, minutes=4, seconds=59), "2 h 4 m")]
)
def test_what_is_left_or_has_passed_at_least_is_never_rounded_up(span, words):
    assert at_least(span) == words


def test_instant_is_in_utc_with_milliseconds_and_with_the_date_of_another_day():
    at = datetime(2026, 11, 22, 14, 6, 21, 265_400, tzinfo=UTC)

    assert instant(at) == "14:06:21.265 UTC"
    assert instant(at, NOW) == "2026-11-22 14:06:21.265 UTC"


@pytest.mark.parametrize(
    ("hidden", "shown"), [("\u202e", "\\u202e"), ("\u200b", "\\u200b"), ("\x07", "\\u0007"), ("\x85", "\\u0085"), ("\U000e0041", "\\U000e0041")]
)
def test_what_a_screen_would_hide_or_turn_around_is_spelled_out(hidden, shown):
    assert visible(f"a{hidden}b") == f"a{shown}b"


def test_names_in_any_script_stay_as_they_are():
    assert visible("отчёт_7 日本 é") == "отчёт_7 日本 é"


def test_sentence_carries_its_values():
    fact = Evidence(code="holder_token", values={"task_id": TASK, "task_name": "sync", "worker": "w@a", "pid": 811, "at": ago(seconds=80)})

    assert sentence(fact) == "taken at 14:06:21 UTC by run d9c26803 of sync on w@a, pid 811: the token says so"


def test_value_that_is_not_known_is_said_to_be_so():
    fact = Evidence(code="worker_no_answer", values={"worker": None, "asked_at": None})

    assert sentence(fact) == "a worker not known was asked at a time not known and did not answer"


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        ("wrong_type", {"type": "odd-token"}, "its value is too long for a token: it is no lock"),
        ("wrong_type", {"type": "hash"}, "the key has a lock's name and holds a hash: it is no lock"),
        ("source_unavailable", {"source": "workers", "since": NOW}, f"workers have not answered since {instant(NOW)}"),
        ("source_unavailable", {"source": "cache broker", "since": NOW}, f"the broker's database has not answered since {instant(NOW)}"),
        ("only_likely", {"task_name": "sync"}, "only likely to be the holder: the settings do not name sync as the owner of this lock"),
        ("worker_unknown", {"worker": "w@a", "namesakes": 1}, "w@a has never been heard of by this observer"),
    ],
)
def test_sentence_fits_its_values(code, values, said):
    assert sentence(Evidence(code=code, values=values)) == said


@pytest.mark.parametrize(
    ("count", "shares_lock", "said"),
    [(1, False, "This may not run"), (3, False, "These may not run"), (3, True, "One of these will run; the others are refused while it holds the lock")],
)
def test_several_with_one_lock_are_not_said_to_fail_all(count, shares_lock, said):
    assert verdict_word("may-not-run", count=count, shares_lock=shares_lock) == said


def test_unknown_code_shows_itself_with_its_values():
    assert sentence(Evidence(code="brand_new", values={"n": 3, "who": "x\u202e"})) == "brand_new: n 3, who x\\u202e"


def test_known_code_without_its_values_does_not_fail():
    assert "holder_token" in sentence(Evidence(code="holder_token", values={"pid": 1}))


def test_hostile_values_stay_text():
    fact = Evidence(code="reason", values={"text": "<script>%(evil)s\u202e"})

    assert sentence(fact) == "<script>%(evil)s\\u202e"


def test_every_code_of_the_judge_has_a_sentence():
    judge = Path(__file__).parents[2] / "dashboard" / "judge"
    source = "".join(path.read_text() for path in judge.glob("*.py"))
    codes = set(re.findall(r'code="([a-z_]+)"|_say\(\s*"\w+",\s*"([a-z_]+)"', source))
    said = {code for pair in codes for code in pair if code}

    assert said <= set(SENTENCES) | set(COUNTED)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (Search(looked_at=3_000, of=1_000_000), "cache shop is being looked through (3,000 of 1,000,000 names)"),
        (Search(looked_at=3_000, of=None), "cache shop is being looked through (3,000 names)"),
    ],
)
def test_how_far_a_search_is_is_told_with_what_is_known_of_it(search, said):
    assert still_searched("cache shop", search) == said


def test_id_that_is_no_uuid_is_shown_whole():
    assert short_id("nightly-import-2026-11-23") == "nightly-import-2026-11-23"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"outcome": "SUCCESS", "runtime": timedelta(seconds=1)}, "succeeded after 1 s"),
        ({"outcome": "SUCCESS", "runtime": timedelta(seconds=1), "refused": True}, "ended after 1 s, having done nothing"),
        ({"outcome": "FAILURE"}, "failed"),
        ({"outcome": "REVOKED"}, "ended as REVOKED"),
    ],
)
def test_end_of_a_run_is_told_in_words_and_a_refused_one_is_no_success(told, said):
    assert sentence(Evidence(code="trace_ended", values=told)) == said

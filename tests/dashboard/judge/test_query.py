"""The grammar of the filters: one for every list."""

import pytest

from dashboard.judge.filtering import matches
from dashboard.judge.query import MAX_QUERY, MAX_WORDS, has_every_word, is_cut, strange_fields, within, words_of
from dashboard.judge.queue_filter import matches_queue
from dashboard.judge.queue_why import judge_queues
from dashboard.records import Holder, JudgedLock, Policy
from tests.factories import NOW, make_lock, make_snapshot

FIELDS = frozenset({"task", "worker"})


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("", []),
        ("Report  mail", [("", "report"), ("", "mail")]),
        ("task:Report", [("task", "report")]),
        ('task:"two words" x', [("task", "two words"), ("", "x")]),
        ('"task:x y"', [("", "task:x y")]),
        ("lock:report", [("", "lock:report")]),
        ("task:", [("", "task:")]),
        ('"', [("", "")]),
        ("http://a:b", [("", "http://a:b")]),
    ],
)
def test_query_is_free_words_and_fields_of_the_list(query, parts):
    assert list(words_of(query, FIELDS)) == parts


def test_what_is_beyond_what_a_person_types_is_cut():
    assert list(words_of(" " * MAX_QUERY + "a", FIELDS)) == []


def test_word_that_is_said_again_is_one_and_no_more_than_ten_are_looked_for():
    assert list(words_of("e state:x " * 40, FIELDS)) == list(words_of("e state:x", FIELDS))
    assert len(words_of(" ".join(map(str, range(100))), FIELDS)) == MAX_WORDS


@pytest.mark.parametrize(
    ("query", "cut"), [("", False), ("a b c", False), ("a " * 40, False), (" ".join("abcdefghij"), False), (" ".join("abcdefghijk"), True), ("a" * 501, True)]
)
def test_that_not_all_of_a_query_is_looked_for_is_known(query, cut):
    assert is_cut(query) is cut


@pytest.mark.parametrize(
    ("query", "strange"),
    [
        ("state:x task:y", ["state"]),
        ("-worker:x", ["-worker"]),
        ("task:y", []),
        ("http://a:b", []),
        ("a b", []),
        ("x:1", []),
        ("lock:a key:b", ["lock", "key"]),
    ],
)
def test_fields_that_are_none_of_the_list_are_named(query, strange):
    assert strange_fields(query, FIELDS) == strange


def test_row_must_have_every_part():
    fields = {"even": lambda row, value: row % 2 == 0 and value == "yes"}
    assert has_every_word(12, "even:yes 1", fields, lambda row, value: value in str(row))
    assert not has_every_word(12, "even:yes 3", fields, lambda row, value: value in str(row))


def test_texts_that_are_not_known_have_nothing_in_them():
    assert within("strasse", (None, "STRAßE"))
    assert not within("none", (None, ""))


def test_lists_of_locks_and_of_queues_read_the_same_grammar():
    lock = JudgedLock(lock=make_lock(), holder=Holder(certainty="unknown"), verdict="held", flags=(), evidence=(), refused_last_hour=0)
    [queue] = judge_queues(make_snapshot(), NOW, Policy())
    for has, name in ((lambda q: matches(lock, q), "lock_report_12"), (lambda q: matches_queue(queue, q), "reports")):
        assert has(name.upper())
        assert has(f'"{name}" worker:') is False
        assert not has(f"{name} zzz:zzz")
    assert matches(lock, "verdict:held cache:default")
    assert matches_queue(queue, "queue:rep worker:web-2")

"""What strangers send is made fit to be kept."""

import json
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.json import dumps

from dashboard.sources.foreign import clean_event, clean_text, clean_tree

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=50)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=5)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4), max_leaves=20)


@given(TREES)
def test_any_answer_can_be_written_once_it_is_cleaned(answer):
    msgspec.msgpack.encode(clean_tree(answer))


@given(st.dictionaries(ANY_TEXT, TREES, max_size=6))
def test_any_event_can_be_written_once_it_is_cleaned(event):
    cleaned = clean_event(event)
    msgspec.msgpack.encode(cleaned)
    assert all(not isinstance(value, (list, dict)) for value in cleaned.values())


@pytest.mark.parametrize(("text", "kept"), [("lock_\ud800", "lock_\\ud800"), ("ö" * 600, "ö" * 512), ("plain", "plain")])
def test_text_is_capped_and_its_lone_surrogates_escaped(text, kept):
    assert clean_text(text) == kept


def test_numbers_that_nothing_can_hold_are_left_out():
    assert clean_event({"a": 10**30, "b": float("nan"), "c": float("inf"), "d": 7}) == {"a": None, "b": None, "c": None, "d": 7}


def test_deep_and_long_answers_are_bounded():
    deep: list = []
    for _ in range(1000):
        deep = [deep]
    assert len(str(clean_tree(deep))) < 50
    assert len(clean_tree(list(range(10_000)))) == 2000


def test_of_a_traceback_the_end_is_kept():
    assert clean_event({"traceback": "x" * 10_000 + "WorkerLostError"})["traceback"].endswith("WorkerLostError")


@pytest.mark.parametrize("task_id", [UUID(int=7), json.loads(dumps(UUID(int=7)))], ids=["as an answer has it", "as an event has it"])
def test_id_that_is_a_uuid_is_its_text(task_id):
    assert clean_event({"uuid": task_id}) == {"uuid": str(UUID(int=7))}
    assert clean_event({"uuid": {"__type__": "uuid", "__value__": "no hex"}}) == {"uuid": None}

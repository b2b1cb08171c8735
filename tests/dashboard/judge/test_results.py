"""What is said of results, from values alone."""

import pytest

from dashboard.judge.results import expected_names, judge_results, matches_result
from dashboard.records import Policy, ResultEntry
from tests.factories import NOW, ago, make_result, make_run, make_snapshot

POLICY = Policy(results=(ResultEntry(pattern="server_{id}", task="servers_retrieve_info"),))


def writing(**changes):
    return make_run(**({"name": "servers_retrieve_info", "args": "(7,)"} | changes))


def judged(result, *runs):
    (one,) = judge_results(make_snapshot(results=(result,), runs=runs), POLICY)
    return one


def gone(**changes):
    return make_result(**({"gone_at": NOW, "end": "expired"} | changes))


def test_result_that_is_there():
    assert judged(make_result()).state == "there"
    assert judged(make_result(expires_at=None)).state == "never-expires"


def test_gone_result_is_being_retrieved_while_a_run_for_it_is_active():
    assert judged(gone(), writing()).state == "retrieving"
    assert judged(gone(first_seen_at=None, end=""), writing()).state == "retrieving"


@pytest.mark.parametrize("run", [{"args": "(8,)"}, {"name": "other"}, {"ended_at": ago(seconds=1), "outcome": "SUCCESS"}, {"started_at": None}])
def test_other_runs_do_not_retrieve_it(run):
    assert judged(gone(), writing(**run)).state == "expired"


def test_run_whose_arguments_cannot_be_read_may_retrieve_it():
    assert judged(gone(), writing(args=None)).state == "retrieving"


def test_result_that_is_there_names_the_run_that_writes_it_anew():
    one = judged(make_result(), writing())

    assert (one.state, [run.name for run in one.runs]) == ("there", ["servers_retrieve_info"])


@pytest.mark.parametrize(
    ("args", "names"),
    [("(7,)", ("server_7",)), ("('a-b',)", ("server_a-b",)), ("[7, 8]", ("server_7",)), ("()", ()), ("({'a': 1},)", ()), ("(" * 200, ()),
     ("('<b>', 1)", ("server_<b>",)),
     (None, ()), ("garbage", ())],
)  # fmt: skip
def test_name_that_a_run_will_write(args, names):
    assert expected_names([writing(args=args)], POLICY.results) == names


def test_what_needs_attention_comes_first():
    results = (make_result(name="server_1"), make_result(name="server_2", expires_at=None), gone(name="server_3"))

    order = [one.result.name for one in judge_results(make_snapshot(results=results, runs=()), POLICY)]

    assert order == ["server_2", "server_1", "server_3"]


@pytest.mark.parametrize(
    ("query", "found"),
    [("", True), ("SERVER", True), ("state:there", True), ("state:expired", False), ("task:retrieve", True), ("cache:shop", True), ("cache:sho", False),
     ("pattern:server", True), ("nothing", False), ("server:7", False), ('"server_7"', True)],
)  # fmt: skip
def test_filter(query, found):
    assert matches_result(judged(make_result()), query) is found

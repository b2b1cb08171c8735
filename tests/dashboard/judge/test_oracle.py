"""Histories in which the truth is known, against the real reducer and judge: never `orphaned` while the holder runs, and no trivial doubt.

`LOCKHOUSE_HISTORIES` says how many are played: 1,000 take half a minute of one core. Where it is not set they are the same ones each time, so that no
change is stopped by what another left behind; with it they are others each time, and what they find goes into `test_histories.py`.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings

from tests.dashboard.judge.oracle.history import History, Moment
from tests.dashboard.judge.oracle.story import DEADLY, Story, stories

HISTORIES = int(os.environ.get("LOCKHOUSE_HISTORIES", "1000"))
PROOFS = {"run_ended", "worker_lost", "worker_silent", "process_gone", "run_not_active", "pid_given_again", "proved_before"}
TABLE: Counter[tuple[str, str]] = Counter()


def truth(moment: Moment, digest: str) -> str:
    run = moment.runs.get(digest)
    if run is None:
        return "held outside workers"
    if not run.goes_on:
        return "dead"
    return "frozen" if run.process.frozen else "leaving" if run.process.leaving else "running"


def check(moment: Moment) -> None:
    """What holds at every look: no false `orphaned`, and every proof carries what it rests on and when that was so."""
    for one in moment.judged:
        real = truth(moment, one.lock.token_digest)
        TABLE[real, one.verdict] += 1
        if "orphaned" not in one.flags:
            continue
        assert real == "dead", f"{moment.at}: orphaned, but {real}: {[(fact.code, dict(fact.values)) for fact in one.evidence]}"
        proof = next(fact for fact in one.evidence if fact.code in PROOFS)
        assert any(isinstance(value, datetime) for value in proof.values.values())


def check_at_last(story: Story, moment: Moment) -> None:
    """What is plain to see is said in the end, and what cannot be known is not."""
    held = moment.held
    for one in moment.judged:
        if held is None or held.run is None or one.lock.token_digest != held.digest or one.lock.lapsed_at is not None or held.run.goes_on:
            continue
        if story.is_plain_to_see and story.exact and story.fate in DEADLY - {"leaves and is killed"}:
            assert "orphaned" in one.flags, f"dead and plain to see, but {one.flags}: {[(fact.code, dict(fact.values)) for fact in one.evidence]}"
        if replace(story, task_events=True).is_plain_to_see and story.exact and story.fate == "killed":
            assert "orphaned" in one.flags, f"heartbeats alone prove it, but {one.flags}: {[(fact.code, dict(fact.values)) for fact in one.evidence]}"
        is_named = story.exact or not story.rivals  # else another run may fit a plain token better, and that one lives
        is_silent = story.comes_back == "no" and story.other != "twin"  # else another beats under its name and pid
        if story.connections == "refused" and story.fate == "killed" and is_silent and is_named:
            assert "unknown" in one.flags


def look_through(story: Story) -> None:
    moment = None
    for moment in History(story).play():
        check(moment)
    if moment is not None:
        check_at_last(story, moment)


@settings(max_examples=HISTORIES, deadline=None, derandomize="LOCKHOUSE_HISTORIES" not in os.environ, database=None, suppress_health_check=list(HealthCheck))
@given(story=stories())
def play_all(story: Story):
    look_through(story)


@pytest.mark.timeout(1200)  # 5,000 take three minutes of one core, and half an hour where others need it as well
def test_no_lock_is_called_orphaned_while_its_holder_runs_and_what_is_plain_to_see_is():
    play_all()
    print(table())


def table() -> str:
    """How often each verdict was given in each truth."""
    verdicts = sorted({verdict for _, verdict in TABLE})
    rows = [f"{'truth':22}" + "".join(f"{verdict:>15}" for verdict in verdicts)]
    rows += [f"{real:22}" + "".join(f"{TABLE[real, verdict]:15}" for verdict in verdicts) for real in sorted({real for real, _ in TABLE})]
    return "\n".join(rows)

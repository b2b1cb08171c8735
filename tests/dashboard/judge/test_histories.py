"""Histories that the oracle found to be judged wrongly, made small: each is played again as it was."""

import pytest

from tests.dashboard.judge.oracle.story import Rival, Story
from tests.dashboard.judge.test_oracle import look_through

REPLACED = Story(exact=False, owned=True, rivals=(Rival(at=-0.4, lasts=2.0, same_task=True),), fate="leaves", comes_back="same pid", pushes=False)


@pytest.mark.parametrize("story", [REPLACED], ids=["its worker leaves and another process comes under its name and pid, while a run like it has ended"])
def test_holder_that_goes_on_is_not_called_dead_for_the_end_of_another_run(story):
    look_through(story)

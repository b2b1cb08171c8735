"""Whether a connection may be the one that carried a worker's last event."""

import pytest

from dashboard.sources.heartbeats import may_be_open
from tests.factories import NOW, ago


@pytest.mark.parametrize(("idle", "is_open"), [(20, True), (19, True), (24, True), (17, False), (27, False), (2, False)], ids=lambda value: str(value))
def test_event_is_received_when_it_is_sent_or_some_seconds_later_and_never_before(idle, is_open):
    assert may_be_open([idle], ago(seconds=20), NOW, NOW) is is_open


def test_no_connection_is_no_open_one():
    assert not may_be_open([], ago(seconds=20), NOW, NOW)


@pytest.mark.parametrize(("idle", "is_open"), [(16, True), (20, True), (25, True), (14, False), (28, False)])
def test_answer_that_took_long_was_counted_at_any_moment_meanwhile(idle, is_open):
    """Before, idles were compared with the moment after two more questions: a slow server made an open connection look closed."""
    assert may_be_open([idle], ago(seconds=20), ago(seconds=4), NOW) is is_open

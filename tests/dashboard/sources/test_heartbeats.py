"""Whether a connection may be the one that carried a worker's last event."""

import pytest

from dashboard.sources.heartbeats import may_be_open
from tests.factories import NOW, ago


@pytest.mark.parametrize(("idle", "is_open"), [(20, True), (19, True), (24, True), (17, False), (27, False), (2, False)], ids=lambda value: str(value))
def test_event_is_received_when_it_is_sent_or_some_seconds_later_and_never_before(idle, is_open):
    assert may_be_open([idle], ago(seconds=20), NOW) is is_open


def test_no_connection_is_no_open_one():
    assert not may_be_open([], ago(seconds=20), NOW)

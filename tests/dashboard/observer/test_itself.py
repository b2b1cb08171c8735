"""What an observer says of the times in which none ran."""

from dashboard.observer.itself import absences_until
from dashboard.records import Absence, Observer, Snapshot
from tests.factories import NOW, ago


def test_time_since_the_last_observer_wrote_is_an_absence():
    assert absences_until(NOW, Snapshot(at=ago(seconds=40))) == (Absence(from_at=ago(seconds=40), to_at=NOW),)


def test_observer_that_takes_over_at_once_leaves_no_absence():
    assert absences_until(NOW, Snapshot(at=ago(seconds=1))) == ()


def test_nothing_is_known_of_the_time_before_the_first_observer():
    (absence,) = absences_until(NOW, Snapshot())
    assert (absence.is_first, absence.to_at, absence.from_at < ago(days=365)) == (True, NOW, True)


def test_absence_before_the_last_observer_is_told_while_it_is_recent():
    before = Absence(from_at=ago(seconds=90), to_at=ago(seconds=80))
    old = Absence(from_at=ago(minutes=90), to_at=ago(minutes=80))
    last = Snapshot(at=ago(seconds=40), observer=Observer(leader="web-1:7", since=ago(seconds=80), absences=(old, before)))

    assert absences_until(NOW, last) == (before, Absence(from_at=ago(seconds=40), to_at=NOW))

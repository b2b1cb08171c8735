"""Spark lines: a sample that is not known is a gap, never zero."""

from dashboard.web.sparks import lines


def test_line_goes_from_left_to_right_on_a_base_of_zero():
    assert lines([0, 5, 10]) == ["0.0,22.0 50.0,12.0 100.0,2.0"]


def test_unknown_samples_break_the_line():
    assert lines([1, 1, None, 2, 2]) == ["0.0,12.0 25.0,12.0", "75.0,2.0 100.0,2.0"]


def test_nothing_known_is_no_line():
    assert lines([None, None]) == lines([]) == lines([3]) == []

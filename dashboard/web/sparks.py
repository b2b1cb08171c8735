"""Spark lines: samples as the points of SVG polylines; a sample that is not known leaves a gap. Pure."""

from collections.abc import Sequence
from itertools import groupby

WIDTH, HEIGHT = 100, 24
MARGIN = 2  # so that a line at the top or bottom is not cut in half


def lines(samples: Sequence[int | None], top: int = 0) -> list[str]:
    """The `points` of one polyline for each unbroken stretch, oldest first, on a base of zero; `top`: of several lines beside each other, else their own."""
    if len(samples) <= 1:
        return []
    top = top or max((value for value in samples if value is not None), default=0) or 1
    placed = [(index, value) for index, value in enumerate(samples)]
    stretches = (list(stretch) for known, stretch in groupby(placed, key=lambda pair: pair[1] is not None) if known)
    return [" ".join(_point(index, value or 0, top, len(samples)) for index, value in stretch) for stretch in stretches if len(stretch) > 1]


def _point(index: int, value: int, top: int, count: int) -> str:
    x = index * WIDTH / (count - 1)
    y = HEIGHT - MARGIN - value * (HEIGHT - 2 * MARGIN) / top
    return f"{x:.1f},{y:.1f}"

"""Quantiles of many durations in little room: how many fell into each of buckets that grow by the same factor, so that each is right within one percent.

Two sketches together are the sketch of both. A library of that kind (ddsketch) does the same in fifty times the code, and is no longer worked on.
"""

from array import array
from collections.abc import Mapping
from math import exp, log

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_PER_LOG = 1 / log(_GAMMA)
_MIDDLE = 2 / (1 + _GAMMA)
Sketch = dict[int, int]  # bucket -> how many


def bucket(us: int) -> int:
    """The bucket of a duration in microseconds."""
    return int(log(us) * _PER_LOG) + 1 if us > 0 else 0


def merge(into: Sketch, other: Mapping[int, int]) -> None:
    """Take in another one."""
    for one, count in other.items():
        into[one] = into.get(one, 0) + count


def quantile(sketch: Mapping[int, int], share: float) -> int | None:
    """The shortest duration, in microseconds, that this share of them does not exceed; None where there are none."""
    left = share * sum(sketch.values())
    for one in sorted(sketch):
        left -= sketch[one]
        if left <= 1e-9:
            return round(exp(one / _PER_LOG) * _MIDDLE) if one else 0
    return None


def packed(sketch: Mapping[int, int]) -> bytes:
    """It as bytes."""
    flat = array("i", [number for one in sketch.items() for number in one if one[1] > 0])
    return flat.tobytes()


def unpacked(said: bytes) -> Sketch:
    """What `packed` made bytes of."""
    flat = array("i", bytes(said))
    return dict(zip(flat[::2], flat[1::2], strict=True))

"""Finds the name that another one was probably meant to be. Pure."""

import re
from functools import lru_cache

SHORT = 6  # characters; a shorter name may differ in one place only
LEAST = 3
MAX_LENGTH = 100
SEPARATORS = frozenset("_.:-")
FURTHER = 3  # a prefix more or less comes after every misspelling


@lru_cache(maxsize=1024)
def like_one_of(name: str, others: tuple[str, ...]) -> str | None:
    """The one that differs least, by two mistakes at most; None where none is near, or only a number differs (`emails-1`, `emails-2`)."""
    near = [(distance, other) for other in others if other != name and (distance := _mistakes(name, other)) is not None]
    return min(near)[1] if near else None


@lru_cache(maxsize=1024)
def likest(name: str, others: tuple[str, ...], most: int = 3) -> tuple[str, ...]:
    """The names that this one was probably meant to be: the same but for a prefix, or two mistakes away at most; the nearest first."""
    near = [(distance, other) for other in others if other != name and (distance := _likeness(name, other)) is not None]
    return tuple(other for _, other in sorted(near)[:most])


def _likeness(one: str, other: str) -> int | None:
    mistakes = _mistakes(one, other)
    if mistakes is not None:
        return mistakes
    short, long = sorted((one.casefold(), other.casefold()), key=len)
    return FURTHER if len(short) >= SHORT and long.endswith(short) and long[-len(short) - 1] in SEPARATORS else None


def _mistakes(one: str, other: str) -> int | None:
    if _plain(one) == _plain(other) and one != other:
        return 1
    if min(len(one), len(other)) < LEAST or max(len(one), len(other)) > MAX_LENGTH:
        return None
    most = 1 if min(len(one), len(other)) < SHORT else 2
    if abs(len(one) - len(other)) > most or _without_numbers(one) == _without_numbers(other):
        return None
    return _distance(one.casefold(), other.casefold(), most) or None


@lru_cache(maxsize=8192)
def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name.casefold())


@lru_cache(maxsize=8192)
def _without_numbers(name: str) -> str:
    return re.sub(r"[-_. ]*\d+", "", name)


def _distance(one: str, other: str, most: int) -> int | None:
    """Letters added, left out, changed or swapped with their neighbour; None beyond `most`.

    Cost: only cells within `most` of the diagonal are looked at, and names that differ in their first letters end there: it is asked for every pair.
    """
    beyond = most + 1
    before, last = [beyond] * (len(other) + 1), [j if j <= most else beyond for j in range(len(other) + 1)]
    for i, letter in enumerate(one, 1):
        now = [beyond] * (len(other) + 1)
        now[0] = min(i, beyond)
        for j in range(max(1, i - most), min(len(other), i + most) + 1):
            cost = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (letter != other[j - 1]))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == other[j - 1]:
                cost = min(cost, before[j - 2] + 1)
            now[j] = cost
        if min(now) > most and min(last) >= most:  # a swap may still come from the row before
            return None
        before, last = last, now
    return last[-1] if last[-1] <= most else None

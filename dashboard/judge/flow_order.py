"""In which order a column stands, so that few lines cross and nothing jumps. Pure: the same structure gives the same order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

Ids = tuple[str, ...]
Order = tuple[Ids, ...]  # one for each column
Pairs = frozenset[tuple[str, str]]
SWEEPS = 4
PATIENCE = 1.25, 2  # an order that was shown stays as long as it crosses no more often than this times, and so many more


@lru_cache(maxsize=64)
def ordered(columns: Order, pairs: Pairs, before: Order = ()) -> Order:
    """The columns with their nodes in order; `columns` is how they stand by name, `before` how they were last shown.

    How much moves does not matter, only who is connected to whom: rates change all the time.
    """
    best = _with_few_crossings(columns, pairs)
    kept = _as_before(columns, best, before)
    factor, more = PATIENCE
    return kept if crossings(kept, pairs) <= crossings(best, pairs) * factor + more else best


def _with_few_crossings(columns: Order, pairs: Pairs) -> Order:
    """By barycentres: each node goes to the middle of those it is connected to, column by column, there and back."""
    near = _neighbours(pairs)
    best, fewest = columns, crossings(columns, pairs)
    order = list(columns)
    for sweep in range(SWEEPS):
        there = range(1, len(order)) if sweep % 2 == 0 else range(len(order) - 2, -1, -1)
        for index in there:
            fixed = _places(order[index - 1 if sweep % 2 == 0 else index + 1])
            own = _places(order[index])
            order[index] = tuple(sorted(order[index], key=lambda node, fixed=fixed, own=own: (_middle(node, near, fixed, own), own[node])))  # type: ignore[misc]  # defaults bind the loop's values
        count = crossings(tuple(order), pairs)
        if count < fewest:
            best, fewest = tuple(order), count
    return best


def _middle(node: str, near: Mapping[str, Sequence[str]], fixed: Mapping[str, float], own: Mapping[str, float]) -> float:
    places = [fixed[other] for other in near.get(node, ()) if other in fixed]
    return sum(places) / len(places) if places else own[node]


def _places(ids: Sequence[str]) -> dict[str, float]:
    return {node: (index + 0.5) / len(ids) for index, node in enumerate(ids)}


def _neighbours(pairs: Pairs) -> Mapping[str, list[str]]:
    near: dict[str, list[str]] = defaultdict(list)
    for source, target in sorted(pairs):
        near[source].append(target)
        near[target].append(source)
    return near


def crossings(order: Order, pairs: Pairs) -> int:
    """How often two lines between neighbouring columns cross."""
    total = 0
    for left, right in pairwise(order):
        sources, targets = {node: index for index, node in enumerate(left)}, {node: index for index, node in enumerate(right)}
        ends = sorted((sources[source], targets[target]) for source, target in pairs if source in sources and target in targets)
        total += sum(1 for index, (first, there) in enumerate(ends) for second, other in ends[index + 1 :] if first < second and there > other)
    return total


def _as_before(columns: Order, best: Order, before: Order) -> Order:
    """What was shown stays in its order; what is new comes in beside its neighbour in the best order."""
    if len(before) != len(columns):
        return best
    return tuple(_column_as_before(now, shown) for now, shown in zip(best, before, strict=True))


def _column_as_before(now: Ids, shown: Ids) -> Ids:
    kept = [node for node in shown if node in now]
    for index, node in enumerate(now):
        if node not in kept:
            kept.insert(kept.index(now[index - 1]) + 1 if index else 0, node)
    return tuple(kept)

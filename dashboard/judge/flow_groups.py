"""Many places drawn as a few: the troubled and the busiest stand alone, the others are counted together. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from dashboard.judge.flow_nodes import node_id
from dashboard.records import Evidence, FlowLine, FlowNode, LineState

PREFIXED = 10  # only a picture with room for so many gives some of it to groups by name
MAX_PREFIXES = 3
FEWEST = 5  # that a group by name is of
STAYS = 1.5  # how much busier than one that is shown another must be to take its place
BEGINNING = re.compile(r"^[^_.:/\-]+[_.:/\-]")


def grouped(nodes: Sequence[FlowNode], most: int, shown: Collection[str]) -> tuple[list[FlowNode], dict[str, str]]:
    """At most so many nodes, and for each that is drawn as part of another the id of that one; `shown` stood alone before."""
    if len(nodes) <= most:
        return list(nodes), {}
    ranked = sorted(nodes, key=lambda node: (not node.needs, *_rank(node, shown), node.name, node.id))
    singles = ranked[: most - 1 - (MAX_PREFIXES if most >= PREFIXED else 0)]
    rest = ranked[len(singles) :]
    groups = _by_beginning(rest) if most >= PREFIXED else []
    in_group = {node.id for _name, members in groups for node in members}
    if others := [node for node in rest if node.id not in in_group]:
        groups.append(("", others))
    drawn = [_group(name, members) for name, members in groups]
    return [*singles, *drawn], {node.id: one.id for one, (_name, members) in zip(drawn, groups, strict=True) for node in members}


def _rank(node: FlowNode, shown: Collection[str]) -> tuple[float, float]:
    """The busiest first, then those with the most in them."""
    factor = STAYS if node.id in shown else 1.0
    return -(node.weight + 1) * factor, -(node.amount or 0) * factor


def _by_beginning(nodes: Sequence[FlowNode]) -> list[tuple[str, list[FlowNode]]]:
    """The largest groups whose names begin alike."""
    found: dict[str, list[FlowNode]] = defaultdict(list)
    for node in nodes:
        if begins := BEGINNING.match(node.name):
            found[begins[0]].append(node)
    large = sorted(((name, members) for name, members in found.items() if len(members) >= FEWEST), key=lambda one: (-len(one[1]), one[0]))
    return large[:MAX_PREFIXES]


def _group(name: str, members: Sequence[FlowNode]) -> FlowNode:
    first, troubled = members[0], sum(1 for node in members if node.problem is not None)
    amounts, sizes = [node.amount for node in members], [node.of for node in members]
    return FlowNode(
        id=node_id(first.column, "group", name),
        column=first.column,
        name=name,
        kind="group",
        members=len(members),
        weight=sum(node.weight for node in members),
        amount=None if None in amounts else sum(amount or 0 for amount in amounts),
        of=None if None in sizes else sum(size or 0 for size in sizes),
        refused=sum(node.refused for node in members),
        problem=Evidence(code="flow_some_broken", values={"count": troubled}) if troubled else None,
        needs=troubled > 0,
    )


def merged(lines: Iterable[FlowLine]) -> list[FlowLine]:
    """Lines with one id as one: their counts added up, broken only where all of them are."""
    together: dict[str, list[FlowLine]] = defaultdict(list)
    for line in lines:
        together[line.id].append(line)
    return [found[0] if len(found) == 1 else _merged(found) for found in together.values()]


def _merged(lines: Sequence[FlowLine]) -> FlowLine:
    counts = [line.count for line in lines if line.count is not None]
    state = _state_of({line.state for line in lines})
    return replace(
        lines[0],
        state=state,
        count=sum(counts) if counts else None,
        is_minimum=any(line.is_minimum for line in lines) or (bool(counts) and len(counts) < len(lines)),
        last_at=max((line.last_at for line in lines if line.last_at is not None), default=None),
        reason=next((line.reason for line in lines if line.state == state and line.reason), None),
    )


def _state_of(states: Collection[LineState]) -> LineState:
    order: tuple[LineState, ...] = ("flowing", "refused", "idle", "unknown", "broken")
    return next(state for state in order if state in states)

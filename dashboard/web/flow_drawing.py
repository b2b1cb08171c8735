"""The geometry of the flow's picture: where nodes stand in their columns, where lines begin and end, and how wide they are.

Pure. Three fields of lines lie between four columns of nodes; a field is 100 wide and 1000 high whatever its size on the screen, so that
the picture fits any width without a script. A column spreads its nodes evenly, as the style sheet does.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboard.records import FlowLine, FlowNode, FlowPicture

WIDE, HIGH = 100, 1000  # of a field, in its own units
ROW_PX = 52  # of the column with the most nodes
NODE_PX = 40
PORT_PX = 6  # between two lines at one node, less where there are many
MOST_BLOCKS, BLOCK_PX = 8, 7  # processes of a worker that are drawn one by one, and what each takes
WIDTHS = (1, 10, 60, 600)  # movements a minute from which a line is a step wider: one, one each 6 s, one a second, ten a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line as it is drawn; `field` is the number of the gap between two columns."""

    line: FlowLine
    field: int
    path: str
    width: int  # 0 to 4, a class of the style sheet


def height_px(picture: FlowPicture) -> int:
    """Of the whole picture."""
    return max((len(nodes) for nodes in picture.columns.values()), default=0) * ROW_PX


def width_of(count: int | None) -> int:
    """How many steps a line is wider than the thinnest."""
    return sum(1 for least in WIDTHS if (count or 0) >= least)


def draw(picture: FlowPicture) -> list[Curve]:
    """Every line with its curve, those of one field from top to bottom."""
    middles = {node.id: (index + 0.5) * HIGH / len(nodes) for nodes in picture.columns.values() for index, node in enumerate(nodes)}
    fields = {node.id: index for index, nodes in enumerate(picture.columns.values()) for node in nodes}
    starts, ends = _ports(picture.lines, middles, height_px(picture))
    curves = [Curve(line=line, field=fields[line.source], path=_curve(starts[line.id], ends[line.id]), width=width_of(line.count)) for line in picture.lines]
    return sorted(curves, key=lambda curve: (curve.field, middles[curve.line.source], middles[curve.line.target], curve.line.id))


def _ports(lines: Iterable[FlowLine], middles: Mapping[str, float], height: int) -> tuple[dict[str, float], dict[str, float]]:
    """Where each line leaves its source and arrives at its target: side by side, in the order of their other ends."""
    out, into = defaultdict[str, list[FlowLine]](list), defaultdict[str, list[FlowLine]](list)
    for line in lines:
        out[line.source].append(line)
        into[line.target].append(line)
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    for node, mine in out.items():
        starts |= _spread(middles[node], sorted(mine, key=lambda line: (middles[line.target], line.id)), height)
    for node, mine in into.items():
        ends |= _spread(middles[node], sorted(mine, key=lambda line: (middles[line.source], line.id)), height)
    return starts, ends


def _spread(middle: float, lines: Sequence[FlowLine], height: int) -> dict[str, float]:
    step = min(PORT_PX, (NODE_PX - 8) / max(len(lines) - 1, 1)) * HIGH / max(height, 1)
    return {line.id: round(middle + (index - (len(lines) - 1) / 2) * step, 1) for index, line in enumerate(lines)}


def _curve(start: float, end: float) -> str:
    half = WIDE // 2
    return f"M0 {start}C{half} {start} {half} {end} {WIDE} {end}"


def segments(parts: Iterable[tuple[str, int]]) -> list[tuple[str, float, float]]:
    """A queue's priorities as parts of a bar: name, where it begins and how wide it is, in percent."""
    counted = list(parts)
    total, at, found = sum(count for _name, count in counted), 0.0, []
    for name, count in counted:
        share = count * 100 / total
        found.append((name, round(at, 1), round(share, 1)))
        at += share
    return found


def blocks(node: FlowNode, most: int = MOST_BLOCKS) -> list[tuple[int, bool]]:
    """A worker's processes as where each is drawn and whether it is busy; none where they are too many or not known."""
    if node.of is None or node.amount is None or not 0 < node.of <= most:
        return []
    return [(index * BLOCK_PX, index < node.amount) for index in range(node.of)]

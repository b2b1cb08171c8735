"""Flows by values, and the pictures that are drawn of them."""

from dashboard.judge import assess
from dashboard.judge.flow import COLUMNS, picture
from dashboard.records import FlowEdge, FlowReading
from tests.dashboard.judge.judged import POLICY
from tests.factories import NOW, ago, make_snapshot

WORKER = "worker-b@web-2"


def edge(way, source, target, count=1, **changes):
    return FlowEdge(**({"way": way, "source": source, "target": target, "count": count, "last_at": ago(seconds=2)} | changes))


def flow(*edges, **changes):
    return FlowReading(**({"since": ago(minutes=5), "edges": edges, "telling": (WORKER,)} | changes))


def drawn(most=12, before=(), **sections):
    snapshot = make_snapshot(**({"locks": (), "flow": flow()} | sections))
    return picture(snapshot, assess(snapshot, NOW, POLICY), NOW, POLICY, most=most, before=before)


def names(found, column):
    return [node.name for node in found.columns[column]]


def lines(found):
    by_id = {node.id: node for nodes in found.columns.values() for node in nodes}
    return {(by_id[line.source].name, by_id[line.target].name): line for line in found.lines}


def ids(found):
    return tuple(tuple(node.id for node in found.columns[column]) for column in COLUMNS)

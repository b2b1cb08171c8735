"""What `words` says of the flow: why nothing gets through, why a rate is not known, and what the places are called."""

from collections.abc import Callable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext
from django.utils.translation import gettext_noop as N_

from dashboard.records import FlowLine, FlowNode, Word
from dashboard.words.results import number

SENTENCES: Mapping[str, str] = {
    "flow_unknown_task": N_("its readers do not know %(task_name)s, which is next"),
    "flow_silent": N_("silent"),
    "flow_gone": N_("gone"),
    "flow_orphaned": N_("its holder on %(worker)s is gone"),
    "flow_unseen": N_("its sending was not seen: before we looked, or task_send_sent_event is off"),
    "flow_waits": N_("what is next there was sent from here; not within what we counted"),
    "flow_rate_unknown": N_("reads; its rate is not known, for it sent no event of a task yet"),
    "flow_unplaced": N_("and others of which the queue is not known"),
    "flow_not_counted": N_("not known while not everything is told"),
}
LINE_STATES: Mapping[str, str | Promise] = {
    "flowing": gettext_lazy("flowing"),
    "idle": gettext_lazy("nothing moves"),
    "unknown": gettext_lazy("not known"),
    "refused": gettext_lazy("refused"),
    "broken": gettext_lazy("broken"),
}
SENDERS: Mapping[str, str | Promise] = {
    "beat": gettext_lazy("beat"),
    "lockhouse": gettext_lazy("Lockhouse"),
    "unseen": gettext_lazy("not seen"),
}


def _no_reader(given: Mapping[str, Word], _shown: Mapping[str, str]) -> str:
    ready = _count(given, "ready")
    return ngettext("no reader: %(n)s message", "no reader: %(n)s messages", ready) % {"n": number(ready)}


def _refused(given: Mapping[str, Word], _shown: Mapping[str, str]) -> str:
    count = _count(given, "count")
    return ngettext("%(n)s run refused within the last minute", "%(n)s runs refused within the last minute", count) % {"n": number(count)}


def _some_broken(given: Mapping[str, Word], _shown: Mapping[str, str]) -> str:
    count = _count(given, "count")
    return ngettext("%(n)s in trouble", "%(n)s in trouble", count) % {"n": number(count)}


def _count(given: Mapping[str, Word], name: str) -> int:
    count = given.get(name)
    return count if isinstance(count, int) else 0


COUNTED: Mapping[str, Callable[[Mapping[str, Word], Mapping[str, str]], str]] = {
    "flow_no_reader": _no_reader,
    "flow_refused": _refused,
    "flow_some_broken": _some_broken,
}


def group_name(node: FlowNode) -> str:
    """What several that are drawn as one are called; `node.name` is how their names begin."""
    if node.name:
        return f"{number(node.members)} × {node.name}…"
    return {
        "sender": ngettext("%(n)s other sender", "%(n)s other senders", node.members),
        "queue": ngettext("%(n)s other queue", "%(n)s other queues", node.members),
        "worker": ngettext("%(n)s other worker", "%(n)s other workers", node.members),
        "lock": ngettext("%(n)s other lock", "%(n)s other locks", node.members),
    }[node.column] % {"n": number(node.members)}


def per_minute(line: FlowLine) -> str:
    """`12`, `≥ 12`; `?` where it is not known."""
    return "?" if line.count is None else f"≥ {number(line.count)}" if line.is_minimum else number(line.count)

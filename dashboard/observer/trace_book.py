"""What the observer knows of messages that were sent from here: where they wait, and which were ever seen. No I/O, no clock."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID, uuid5

from dashboard.observer.observations import TracesRead
from dashboard.records import Traced


class TraceBook:
    """What was sent lately, by act; a message that was seen once stays seen, whatever becomes of its run."""

    def __init__(self) -> None:
        self.traces: tuple[Traced, ...] = ()

    def restore(self, traces: Iterable[Traced]) -> None:
        """As they stood in the last snapshot."""
        self.traces = tuple(traces)

    def read(self, seen: TracesRead, is_told: Callable[[str], bool]) -> bool:
        """Take in a look; `is_told` says whether a worker or a sender has told of that task id.  Returns whether anything changed."""
        before, last = self.traces, {one.act_id: one.seen for one in self.traces}
        self.traces = tuple(_with_seen(one, set(last.get(one.act_id, ())), is_told) for one in seen.traces)
        return before != self.traces


def _with_seen(traced: Traced, seen: set[int], is_told: Callable[[str], bool]) -> Traced:
    if len(seen) < traced.count:
        ids = enumerate(message_ids(traced.act_id, traced.count))
        seen |= {number for number, task_id in ids if number not in seen and (task_id in traced.places or is_told(task_id))}
    return replace(traced, seen=tuple(sorted(seen)))


def message_ids(act_id: str, count: int) -> list[str]:
    """The ids of an act's messages: they follow from it."""
    return [str(uuid5(UUID(act_id), str(number))) for number in range(count)]

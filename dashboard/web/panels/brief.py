"""Queues and workers in brief, a row each."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import islice

from dashboard.judge.facts import gather
from dashboard.judge.standing import Standings, busy
from dashboard.records import QueueReading, Worker
from dashboard.web.instants import Instant, instant_of
from dashboard.web.links import worker_url
from dashboard.web.look import Look
from dashboard.web.panel import Piece
from dashboard.web.panels.frame import piece
from dashboard.web.panels.queue_row import url_of
from dashboard.words import visible
from dashboard.words.workers import worker_state_word

MAX_NAMES = 3


def queue_row(queue: QueueReading, seen: Look) -> Piece:
    """One queue; what nobody could be asked about is a question mark."""
    return piece(
        f"queue-{_hash(queue.name)}",
        "panels/queue_row.html",
        "queue-rows",
        name=visible(queue.name),
        url=url_of(queue),
        ready=queue.ready,
        unacked=queue.unacked,
        readers=_some((visible(name), worker_url(name)) for name in queue.consumers or ()),
        more=_more(queue.consumers),
        are_known=queue.consumers is not None,
        has_no_reader=bool(queue.ready) and queue.consumers == (),
    )


def standings(seen: Look) -> list[tuple[Worker, str]]:
    """Every worker process with the state it is in, by name, the processes of a name as they came."""
    facts = gather(seen.snapshot, seen.now, seen.policy)
    states = Standings(facts)
    return [(worker, states.of(worker, processes)[0]) for _, processes in sorted(facts.workers.items()) for worker in reversed(processes)]


def worker_row(worker: Worker, state: str, seen: Look, urls: Mapping[str, str]) -> Piece:
    """One worker process and whether it lives, as far as can be said; `urls` are the queues' pages."""
    return piece(
        f"worker-{_hash(f'{worker.name} {worker.pid}')}",
        "panels/worker_row.html",
        "worker-rows",
        name=visible(worker.name),
        url=worker_url(worker.name),
        pid=worker.pid,
        state=state,
        word=worker_state_word(state),
        since=since(worker, state, seen),
        busy=busy(worker, state, seen.now, seen.policy),
        processes=worker.concurrency,
        queues=_some((visible(name), urls.get(name, "")) for name in worker.queues or ()),
        more=_more(worker.queues),
    )


def since(worker: Worker, state: str, seen: Look) -> Instant | None:
    """When it said goodbye or was last heard of; None for one that is heard."""
    return None if state == "online" else instant_of(worker.said_offline_at or worker.last_heard_at, seen.now)


def _some(names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(islice(names, MAX_NAMES))


def _more(names: Sequence[str] | None) -> int:
    return max(len(names or ()) - MAX_NAMES, 0)


def _hash(name: str) -> str:
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]

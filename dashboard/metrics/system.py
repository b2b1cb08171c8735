"""Metrics of the watched system as it is now: queues, workers, locks, results. A source that is away takes its metrics with it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from dashboard.judge.standing import busy
from dashboard.metrics.family import Bounds, Family, Row, gauge, labels
from dashboard.records import QueueReading, Worker
from dashboard.web.look import Look

GONE_SHOWN = timedelta(minutes=10)  # a worker that is down is told for so long, and then no longer
VERDICTS = ("overlapping", "orphaned", "overrun", "expiring", "never-expires", "unknown", "held")


def system(seen: Look, bounds: Bounds) -> Iterator[Family]:
    """Every family whose sources answer."""
    processes = newest_processes(seen.snapshot.workers)
    if not seen.away("broker"):
        queues = [queue for queue in seen.snapshot.queues if queue.wrong_type is None]
        yield from _queues(bounds.first("queues", sorted(queues, key=lambda queue: queue.name)), seen, processes)
    if not (seen.away("workers") and seen.away("events")):
        shown = [worker for worker in processes.values() if seen.now - worker.last_heard_at < GONE_SHOWN]
        yield from _workers(bounds.first("workers", sorted(shown, key=lambda worker: worker.name)), seen)
    if seen.are_locks_known:
        counts = Counter(one.verdict for one in seen.judged if one.lock.is_lock)
        yield gauge("lockhouse_locks", "Locks by verdict.", [(labels(verdict=verdict), counts[verdict]) for verdict in VERDICTS])
    if not seen.away("cache", "result backend"):
        totals = [(labels(cache=count.cache), count.total) for count in seen.snapshot.result_counts]
        yield gauge("lockhouse_results", "Results in each cache and in the result backend, by the last whole pass over its names.", totals)


def newest_processes(workers: Iterable[Worker]) -> dict[str, Worker]:
    """By name the process that was heard of last: one that came back is not the one before."""
    found: dict[str, Worker] = {}
    for worker in sorted(workers, key=lambda worker: worker.last_heard_at):
        found[worker.name] = worker
    return found


def _queues(queues: Sequence[QueueReading], seen: Look, processes: Mapping[str, Worker]) -> Iterator[Family]:
    series = [(labels(queue_name=queue.name), queue) for queue in queues]

    def each(value: Callable[[QueueReading], float | None]) -> list[Row]:
        return [(of, value(queue)) for of, queue in series]

    def age(queue: QueueReading) -> float | None:
        return max((seen.now - queue.oldest_at).total_seconds(), 0.0) if queue.ready and queue.oldest_at else None

    def readers(queue: QueueReading) -> float | None:
        return None if queue.consumers is None else len(queue.consumers)

    yield gauge("celery_queue_length", "Messages that wait, of all priorities.", each(lambda queue: queue.ready))
    yield gauge("celery_active_consumer_count", "Consumers of the queue.", each(readers))
    yield gauge("celery_active_worker_count", "Workers that read the queue.", each(readers))
    yield gauge("celery_active_process_count", "Processes of the workers that read the queue.", each(lambda queue: _process_count(queue, processes)))
    yield gauge("lockhouse_queue_unacked", "Messages that workers have fetched and not acknowledged.", each(lambda queue: queue.unacked))
    yield gauge("lockhouse_queue_eta", "Of these, those with a time in the future.", each(lambda queue: queue.eta))
    yield gauge("lockhouse_queue_oldest_age_seconds", "How long the oldest message waits.", each(age))
    is_minimum = each(lambda queue: float(queue.oldest_is_minimum) if age(queue) is not None else None)
    yield gauge("lockhouse_queue_oldest_age_is_minimum", "1 where the oldest message may wait longer than is told.", is_minimum)


def _process_count(queue: QueueReading, processes: Mapping[str, Worker]) -> int | None:
    """None where one of its readers did not tell."""
    if queue.consumers is None:
        return None
    counts = [processes[name].concurrency if name in processes else None for name in queue.consumers]
    return None if None in counts else sum(count or 0 for count in counts)


def _workers(workers: Sequence[Worker], seen: Look) -> Iterator[Family]:
    up = {worker.name: _is_up(worker, seen) for worker in workers}
    hosts: dict[str, list[Worker]] = defaultdict(list)
    for worker in workers:
        hosts[worker.name.rpartition("@")[2]].append(worker)
    all_up = [(labels(hostname=host), float(all(up[worker.name] for worker in of_host))) for host, of_host in hosts.items()]
    active = [(labels(hostname=host), _active([worker for worker in of_host if up[worker.name]], seen)) for host, of_host in hosts.items()]
    yield gauge("lockhouse_worker_up", "Whether a worker was heard of within the grace, and did not say that it leaves.", _by_name(up))
    yield gauge("celery_worker_up", "The same by host: 0 where one of the host's workers is down.", all_up)
    yield gauge("celery_worker_tasks_active", "Runs that the host's workers are busy with.", active)


def _by_name(up: Mapping[str, bool]) -> list[Row]:
    return [(labels(worker=name), float(is_up)) for name, is_up in up.items()]


def _is_up(worker: Worker, seen: Look) -> bool:
    return worker.said_offline_at is None and seen.now - worker.last_heard_at <= seen.policy.grace


def _active(workers: Sequence[Worker], seen: Look) -> int | None:
    """None where one of them has not told lately, for it may be busy."""
    counts = [busy(worker, "online", seen.now, seen.policy) for worker in workers]
    return None if None in counts else sum(count or 0 for count in counts)

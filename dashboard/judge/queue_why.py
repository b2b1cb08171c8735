"""Why messages wait in a queue, in one fact, and what is wrong with the queue. Pure: codes with values, which `words` words."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.judge.attention import SETTLING
from dashboard.judge.facts import Facts, gather
from dashboard.judge.look_alike import like_one_of
from dashboard.judge.standing import Standings, busy
from dashboard.records import Evidence, JudgedQueue, Policy, QueueReading, Snapshot, Word, Worker

CLEARLY = 1.05  # in against out: less is noise
MOMENT = timedelta(seconds=10)  # a message that waits no longer than this waits only for its turn
NOT_LOOKED_AT = "not-looked-at"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """One moment, indexed for queues."""

    facts: Facts
    reserved: Mapping[str, Counter[str]]  # queue -> how many messages each worker has fetched and not started
    read: tuple[str, ...]  # names of the queues that are meant: read by somebody, or named in the settings

    standings: Standings

    def readers(self, queue: QueueReading) -> list[Worker]:
        """The newest process of each reader."""
        return [self.facts.workers[name][0] for name in queue.consumers or () if name in self.facts.workers]

    def is_deserted(self, queue: QueueReading) -> bool:
        """It has readers, and each is silent or gone, and that not because nothing is heard here."""
        states = {self.standings.of(worker, self.facts.workers[worker.name])[0] for worker in self.readers(queue)}
        return bool(states) and states <= {"silent", "gone", "leaving", "stopped"}

    def busy(self, worker: Worker) -> int | None:
        """How many runs it has; None: not known now."""
        return busy(worker, self.standings.of(worker, self.facts.workers[worker.name])[0], self.facts.now, self.facts.policy)


def judge_queues(snapshot: Snapshot, now: datetime, policy: Policy) -> list[JudgedQueue]:
    """Every queue with why it waits and what is wrong: those with a warning first, then by name.  Cost: one pass, no I/O."""
    facts = gather(snapshot, now, policy)
    meant = tuple(queue.name for queue in snapshot.queues if queue.consumers or queue.is_named)
    scene = _Scene(facts=facts, reserved=_reserved(facts), read=meant, standings=Standings(facts))
    judged = [
        JudgedQueue(queue=queue, why=_why(queue, scene), warnings=list(_warnings(queue, scene)), drains_in=_drains_in(queue)) for queue in snapshot.queues
    ]
    return sorted(judged, key=lambda one: (not one.warnings, one.queue.name))


def _reserved(facts: Facts) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for task_id, message in facts.unacked.items():
        is_later = message.eta_at is not None and message.eta_at > facts.now
        for run in facts.runs.get(task_id, ())[:1]:
            if message.queue and run.worker and run.started_at is None and run.ended_at is None and not is_later:
                found[message.queue][run.worker] += 1
    return found


def _why(queue: QueueReading, scene: _Scene) -> Evidence:
    if queue.wrong_type is not None:
        return Evidence(code="queue_wrong_type", values={"type": queue.wrong_type})
    hoarder = _hoarder(queue, scene)
    if not queue.ready:
        return hoarder or Evidence(code="queue_empty")
    if queue.consumers is None:
        return Evidence(code="queue_readers_unknown")
    if not queue.consumers:
        return _unread(queue, scene)
    return _absent(queue, scene) or _all_busy(queue, scene) or hoarder or _by_rates(queue, scene.facts.now)


def _unread(queue: QueueReading, scene: _Scene) -> Evidence:
    """Nobody reads it: since when, and who did last."""
    last = last_reader(queue.name, scene.facts)
    if last is not None and scene.standings.of(last, scene.facts.workers[last.name])[0] == "leaving":
        return Evidence(code="queue_last_leaving", values={"worker": last.name, "at": last.said_offline_at})
    values: dict[str, Word] = {"since": queue.unread_since, "is_minimum": queue.unread_is_minimum}
    if last is not None:
        values |= {"reader": last.name, "until": last.said_offline_at or last.last_heard_at}
    return Evidence(code="queue_nobody_reads", values=values)


def last_reader(queue: str, facts: Facts) -> Worker | None:
    """The worker that read the queue last of all that are remembered, whether it still does or not."""
    read = [processes[0] for processes in facts.workers.values() if queue in (processes[0].queues or ())]
    return max(read, key=lambda worker: worker.said_offline_at or worker.last_heard_at, default=None)


def _absent(queue: QueueReading, scene: _Scene) -> Evidence | None:
    """All its readers are silent or leaving."""
    readers = scene.readers(queue)
    if not readers or not all(worker.said_offline_at or scene.facts.silent(worker) for worker in readers):
        return None
    last = max(readers, key=lambda worker: worker.last_heard_at)
    code = "queue_readers_leaving" if last.said_offline_at else "queue_readers_silent"
    return Evidence(code=code, values={"worker": last.name, "at": last.said_offline_at or last.last_heard_at, "readers": len(readers)})


def _all_busy(queue: QueueReading, scene: _Scene) -> Evidence | None:
    readers = scene.readers(queue)
    if not readers or not all(_is_busy(worker, scene) for worker in readers):
        return None
    names = Counter(scene.facts.runs[task_id][0].name for worker in readers for task_id in worker.active or () if scene.facts.runs.get(task_id))
    ((task, runs),) = names.most_common(1) or [(None, 0)]
    processes = sum(worker.concurrency or 0 for worker in readers)
    return Evidence(code="queue_all_busy", values={"processes": processes, "readers": len(readers), "task_name": task, "runs": runs})


def _is_busy(worker: Worker, scene: _Scene) -> bool:
    active = scene.busy(worker)
    return active is not None and worker.concurrency is not None and active >= worker.concurrency


def _is_idle(worker: Worker, scene: _Scene) -> bool:
    active = scene.busy(worker)
    return active is not None and worker.concurrency is not None and active < worker.concurrency


def _hoarder(queue: QueueReading, scene: _Scene) -> Evidence | None:
    """One reader has fetched messages that it has no process for, while others have processes free."""
    idle = [worker.name for worker in scene.readers(queue) if _is_idle(worker, scene)]
    held = [(count, name) for name, count in scene.reserved.get(queue.name, Counter()).items() if name not in idle]
    if not idle or not held:
        return None
    count, worker = max(held)
    return Evidence(code="queue_prefetched", values={"worker": worker, "count": count, "idle": len(idle)})


def _by_rates(queue: QueueReading, now: datetime) -> Evidence:
    into, out, grown = queue.in_per_s, queue.out_per_s, queue.grown
    waits_long = queue.oldest_at is not None and now - queue.oldest_at > MOMENT
    if into is not None and out is not None:
        values = {"in_per_s": into, "out_per_s": out}
        if into > out * CLEARLY and grown is not None and grown > 0:
            return Evidence(code="queue_more_in", values=values)
        if waits_long and out == 0:
            return Evidence(code="queue_stalled", values={"readers": len(queue.consumers or ())})
        if waits_long and out > into * CLEARLY:
            return Evidence(code="queue_drains", values=values)
    elif grown is not None and grown > 0 and waits_long:
        return Evidence(code="queue_grows", values={"grown": grown})
    return Evidence(code="queue_waits", values={"since": queue.oldest_at}) if waits_long else Evidence(code="queue_moment")


def _drains_in(queue: QueueReading) -> timedelta | None:
    into, out = queue.in_per_s, queue.out_per_s
    return timedelta(seconds=queue.ready / (out - into)) if queue.ready and into is not None and out is not None and out > into else None


def _warnings(queue: QueueReading, scene: _Scene) -> Iterator[Evidence]:
    if queue.wrong_type is not None:
        yield Evidence(code="queue_wrong_type", values={"type": queue.wrong_type})
    since = queue.unread_since
    if queue.ready and queue.consumers == () and since is not None and scene.facts.now - since >= SETTLING:
        yield Evidence(code="no_reader", values={"queue": queue.name, "ready": queue.ready, "since": since, "is_minimum": queue.unread_is_minimum})
    if queue.ready and scene.is_deserted(queue) and (absent := _absent(queue, scene)):
        yield absent
    if queue.ready and not queue.consumers and not queue.is_named and (other := like_one_of(queue.name, scene.read)):
        origin = next((head.origin for head in queue.heads if head.origin), None)
        yield Evidence(code="queue_typo", values={"queue": queue.name, "other": other, "origin": origin})
    yield from _of_its_heads(queue, scene)
    if queue.bound_with:
        yield Evidence(code="queue_bound_twice", values={"queue": queue.name, "others": list(queue.bound_with)})


def _of_its_heads(queue: QueueReading, scene: _Scene) -> Iterator[Evidence]:
    told = [worker for worker in scene.readers(queue) if worker.tasks is not None]
    for name in dict.fromkeys(head.task_name for head in queue.heads if head.task_name):
        strangers = [worker.name for worker in told if name not in (worker.tasks or ())]
        if strangers:
            yield Evidence(code="queue_unknown_task", values={"task_name": name, "workers": list(strangers), "readers": len(queue.consumers or ())})
    for head in queue.heads:
        if head.problem and head.problem != NOT_LOOKED_AT:
            yield Evidence(code="queue_odd_head", values={"priority": head.priority, "problem": head.problem})

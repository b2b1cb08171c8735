"""The Overview's figures; one that is not known is a question mark, never zero."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.utils.translation import gettext as _

from dashboard.judge.standing import busy
from dashboard.web import sparks
from dashboard.web.look import Look
from dashboard.web.navigation import held_locks
from dashboard.web.panels.brief import standings
from dashboard.words import clock

HOUR = timedelta(hours=1)


def figures(seen: Look) -> Iterator[dict[str, object]]:
    """Each with its name, value, label, and the spark line of its last five minutes."""
    snapshot, drawn = seen.snapshot, seen.snapshot.figures
    locks, are_known = len(held_locks(seen)), seen.are_locks_known
    has_broker = seen.has_observer and not seen.away("broker")
    ready = [queue.ready for queue in snapshot.queues]
    unacked = [queue.unacked for queue in snapshot.queues]
    yield _figure("locks", _("locks held"), locks if are_known else None, drawn.locks, note=_("%(n)d known") % {"n": locks} if locks and not are_known else "")
    yield _figure("refused", _("refused, last hour"), drawn.refused_last_hour, drawn.refused, tone="expiring", note=complete_since(seen))
    yield _figure("ready", _("messages ready"), sum(ready) if has_broker else None, drawn.ready)
    yield _figure("unacked", _("unacknowledged"), _sum(unacked) if has_broker else None, drawn.unacked)
    yield _busy(seen)
    yield _figure("failed", _("failed, last hour"), drawn.failed_last_hour, drawn.failed, tone="orphaned", note=complete_since(seen))


def complete_since(seen: Look) -> str:
    """Since when everything was counted, where that is not an hour yet."""
    since = seen.snapshot.figures.whole_since
    return _("complete only since %(at)s") % {"at": clock(since, seen.now)} if since is not None and seen.now - since < HOUR else ""


def _figure(
    name: str, label: str, value: int | None, samples: Sequence[int | None], *, tone: str = "", of: int | None = None, note: str = ""
) -> dict[str, object]:
    is_notable = bool(tone) and bool(value)
    return {"name": name, "label": label, "value": value, "of": of, "note": note, "lines": sparks.lines(samples), "tone": tone if is_notable else ""}


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _busy(seen: Look) -> dict[str, object]:
    """How many processes run something, of how many; those of workers that do not say are named, not guessed."""
    there = [(worker, busy(worker, state, seen.now, seen.policy)) for worker, state in standings(seen) if state not in {"gone", "stopped"}]
    counts = [count for _worker, count in there if count is not None]
    known = seen.has_observer and not seen.away("workers") and (bool(counts) or not there)
    processes = _sum([worker.concurrency for worker, _count in there]) if known else None
    silent = sum(worker.concurrency or 0 for worker, count in there if count is None)
    note = _("%(n)d unknown") % {"n": silent} if silent and known else ""
    return _figure("busy", _("processes busy"), sum(counts) if known else None, seen.snapshot.figures.busy, of=processes, note=note)

"""One line about a lock, a queue, a result or what was sent for the incident channel; the browser adds the address. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from dashboard.judge.trace import STATES, RunTrace
from dashboard.words import sentence, visible
from dashboard.words.traces import STATES as STATE_WORDS

if TYPE_CHECKING:  # the rows call what is here
    from dashboard.web.panels.lock_row import LockRow
    from dashboard.web.panels.queue_row import QueueRow
    from dashboard.web.panels.result_row import ResultRow

MAX_TOLD = 3  # of many messages the steps that occur most


def of_lock(row: "LockRow", evidence: Sequence[str]) -> str:
    """Its verdict, who holds it, and this evidence."""
    until = _("until %(at)s") % {"at": row.expires.text} if row.expires else ""
    holder = " · ".join(part for part in (row.task, row.task_id, row.holder) if part)
    return _line(row.name, row.word, [_("holder %(certainty)s: %(holder)s") % {"certainty": row.certainty_word, "holder": holder}, until, *evidence])


def of_queue(row: "QueueRow") -> str:
    """What waits, who reads it, why it waits, what is wrong."""
    ready = "?" if row.ready is None else str(row.ready)
    unacked = "?" if row.unacked is None else str(row.unacked)
    readers = ", ".join(name for name, _url in row.readers) or (_("nobody") if row.readers_are_known else "?")
    said = [_("%(n)s unacked") % {"n": unacked}, _("read by %(names)s") % {"names": readers}, row.why, *row.warnings]
    return _line(row.name, _("%(n)s ready") % {"n": ready}, said)


def of_result(row: "ResultRow") -> str:
    """Whether it is there, until when, and who writes it."""
    until = _("until %(at)s") % {"at": row.expires.text} if row.expires else ""
    gone = _("gone since %(at)s") % {"at": row.gone.text} if row.gone else ""
    task = _("written by %(task)s") % {"task": row.task} if row.task else ""
    return _line(f"{row.name} ({row.cache})", row.word, [row.size, until, gone, task])


def of_trace(task: str, queue: str, runs: Sequence[RunTrace], now: datetime) -> str:
    """What was sent, and how far it is: of one message all its steps, of several how many are how far and why."""
    counts = Counter(run.state for run in runs)
    states = ", ".join(f"{counts[state]} {STATE_WORDS[state]}" for state in STATES if counts[state])
    said = [sentence(step.evidence, now) for step in runs[0].steps] if len(runs) == 1 else _telling_steps(runs, now)
    return _line(f"{visible(task)} → {visible(queue)}", states, said)


def _telling_steps(runs: Sequence[RunTrace], now: datetime) -> list[str]:
    """Of each the step that went wrong, else its last."""
    steps = [next((step for step in run.steps if step.state == "bad"), run.steps[-1]) for run in runs if run.steps]
    return [f"{count} × {said}" for said, count in Counter(sentence(step.evidence, now) for step in steps).most_common(MAX_TOLD)]


def _line(name: str, word: str, said: Sequence[str]) -> str:
    return f"{name}: {'; '.join(part for part in (word, *said) if part)}."

"""The life of a run as its events tell it, at seconds after NOW, and the state after them."""

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import strategies as st

from dashboard.observer.observations import EventsSeen, WorkersAnswered
from dashboard.observer.state import State
from dashboard.records import Policy
from dashboard.sources.event import event_of
from tests.factories import NOW, make_claim, make_lock

RUN = "d9c26803-1111-4222-8333-444455556666"
SENDER, WORKER = "gen4711@web-3", "worker-b@web-2"


def told(kind, seconds, **fields):
    """An event with its sender's own time."""
    base = {"type": kind, "uuid": RUN, "hostname": SENDER if kind == "task-sent" else WORKER, "pid": 790, "timestamp": NOW.timestamp() + seconds}
    return event_of(base | fields)


def life(retries=0, end="task-succeeded", **said):
    about = {"name": "reports", "args": "(12,)", "kwargs": "{}", "retries": retries}
    return [
        told("task-sent", 0, queue="reports", **about),
        told("task-received", 1, **about),
        told("task-started", 2),
        told(end, 3, runtime=0.9, **said),
    ]


def state_after(events):
    """The state after these events, each in a batch of its own."""
    state = State([("default", ":1:")], Policy())
    for event in events:
        state.apply(EventsSeen(events=(event,), at=NOW))
    return state


def run_after(events):
    (run,) = state_after(events).snapshot(NOW).runs
    return msgspec.structs.replace(run, row=0)  # it has one as soon as it is going to be written


def plain_lock(seconds):
    return replace(make_lock(), claim=make_claim(task_id=None, attempted_at=NOW + timedelta(seconds=seconds)))


def answer(command, reply, seconds):
    at = NOW + timedelta(seconds=seconds)
    return WorkersAnswered(command=command, asked=(WORKER,), replies={WORKER: reply}, asked_at=at, at=at)


def ids(state):
    return [run.task_id for run in state.snapshot(NOW).runs]


def mixed(events):
    """Any order of these events, some of them told more often."""
    return (
        st.permutations(events).flatmap(lambda order: st.lists(st.sampled_from(order), max_size=4).map(lambda again: [*order, *again])).flatmap(st.permutations)
    )

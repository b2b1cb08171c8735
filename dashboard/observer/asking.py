"""The threads that ask the workers. Those that answer are asked together and never wait for one that does not: that one is called for elsewhere."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dashboard import connections
from dashboard.observer.feeds import ASK_EVERY_S, Feed
from dashboard.observer.observations import Observation, WorkersAnswered
from dashboard.observer.roster import Roster
from dashboard.sources.foreign import MAX_ITEMS, clean_tree
from dashboard.sources.workers import SOURCE, ask_workers, call_workers

ASK_TIMEOUT_S = 1.0
CALL_EVERY = 2  # rounds between two calls to everybody: what a worker answered is its own once nobody else answers such a call under its name
RARELY = 5  # rounds between questions whose answers change rarely
MANY = 500  # messages in a worker: their list is long, so that worker counts them ten times as rarely
NOBODY = "No worker answers: where workers run, check that remote control is not switched off."


class Asker(Feed):
    """What both feeds have in common."""

    def __init__(self, roster: Callable[[], Roster], emit: Callable[[Observation], None], stop: threading.Event) -> None:
        super().__init__(name=SOURCE, emit=emit, stop=stop)
        self._roster = roster

    def ask(self, command: str, names: Collection[str]) -> frozenset[str]:
        """Ask, tell the observer, and say who answered."""
        asked, asked_at = tuple(sorted(names)), datetime.now(UTC)
        replies = told(command, ask_workers(connections.ask(), command, asked, ASK_TIMEOUT_S))
        self.emit(WorkersAnswered(command=command, asked=asked, replies=replies, asked_at=asked_at, at=datetime.now(UTC)))
        return frozenset(replies)

    def call(self, command: str) -> None:
        """Call everybody for the whole of the time, and tell the observer who answered, namesakes as well."""
        asked_at = datetime.now(UTC)
        answers = [next(iter(told(command, {name: said}).items())) for name, said in call_workers(connections.ask(), command, ASK_TIMEOUT_S)]
        self.emit(called(command, answers, asked_at, datetime.now(UTC)))


class WorkersFeed(Asker):
    """Asks those that answer, by name; it comes back as soon as the last of them has answered."""

    def work(self) -> None:
        rounds, heavy = 0, dict[str, int]()
        while not self.stop.is_set():
            roster = self._roster()
            names = frozenset(roster.living) - frozenset(roster.late)
            if not roster.living:
                self.call("stats")
            elif names:
                self._ask_in_turn(names, roster, rounds, heavy)
            self.good(notes=[] if roster.living else [NOBODY])
            rounds += 1
            self.stop.wait(ASK_EVERY_S if roster.living else ASK_TIMEOUT_S)

    def _ask_in_turn(self, names: frozenset[str], roster: Roster, rounds: int, heavy: dict[str, int]) -> None:
        """One question after the other; who has not answered one is not asked the next."""
        for command in ("stats", "active"):
            names = self.ask(command, names) if names else names
        new = names & {worker.name for worker in roster.workers if worker.queues is None or worker.tasks is None}
        wanted = names if rounds % RARELY == 0 else new
        for command in ("active_queues", "registered"):
            wanted = self.ask(command, wanted) if wanted else wanted
        counting = frozenset(name for name in wanted if rounds >= heavy.get(name, 0))
        for command in ("reserved", "scheduled"):
            counting = self.ask(command, counting) if counting else counting
        heavy |= {worker.name: rounds + 10 * RARELY for worker in roster.workers if worker.name in counting and (worker.scheduled or 0) >= MANY}


class RollCallFeed(Asker):
    """Calls for those that do not answer, and now and then for whoever is there: each call takes its whole time, and holds up nobody here."""

    def work(self) -> None:
        rounds = 0
        while not self.stop.is_set():
            roster = self._roster()
            if roster.new or (roster.living and rounds % CALL_EVERY == 0):  # until it is known whose the answers of a new one are, its locks cannot be judged
                self.call("stats" if rounds % RARELY == 0 else "ping")
            if missing := {*roster.late, *roster.silent}:
                self.ask("ping", missing)
            rounds += 1
            self.stop.wait(ASK_EVERY_S)


def called(command: str, answers: Sequence[tuple[str, Any]], asked_at: datetime, at: datetime) -> WorkersAnswered:
    """The answers to a call to everybody: the first under each name, and the further ones."""
    first, again = dict[str, Any](), list[tuple[str, Any]]()
    for name, said in answers:
        if name in first:
            again.append((name, said))
        first.setdefault(name, said)
    return WorkersAnswered(command=command, asked=(), replies=first, again=again, asked_at=asked_at, at=at)


def told(command: str, replies: Mapping[str, Any]) -> dict[str, Any]:
    """The replies as the observer takes them in; of messages in workers the count alone, for their list may be long."""
    if command not in {"reserved", "scheduled"}:
        whole = {name: None if isinstance(said, list) and len(said) > MAX_ITEMS else said for name, said in replies.items()}  # of a cut list nothing is said
        return dict(clean_tree(whole))
    return {name: len(said) if isinstance(said, list) else None for name, said in clean_names(replies)}


def clean_names(replies: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Under the names that they have everywhere else."""
    return [(name, said) for key, said in replies.items() for name in clean_tree({key: None})]

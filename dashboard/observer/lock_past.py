"""What happened to locks, noted for the history: worked out from what was held and what was read, before the book of locks takes it in. No I/O, no clock."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.history.lock_rows import CERTAINTIES, CODES
from dashboard.history.rows import IDS_PER_US, Row, key_of_identity
from dashboard.observer.hands import TOGETHER
from dashboard.observer.known_runs import KnownRuns
from dashboard.observer.lock_readings import SAME_DEADLINE, is_put_off
from dashboard.observer.lock_run_rows import LockRunRows
from dashboard.observer.observations import ChangedByHand, LocksRead, ReleasedByHand
from dashboard.records import HeldLock, Holder, Loss, Refusal, Span, Wait

MAX_NOTED = 50_000  # not yet taken; further ones are counted
MAX_TAKEN = 5000  # locks whose holder may still be found out
MAX_BY_HAND = 500  # acts of operators whose traces are not seen yet
WHAT_PLACE, AT_PLACE, TASK_PLACE, WORKER_PLACE, CERTAINTY_PLACE, ID_PLACE, BY_PLACE = 3, 4, 6, 7, 8, 9, 11
WENT, CHANGED = ("released", "changed", "expired"), ("restored", "extended")  # what an operator may have done
Act = ReleasedByHand | ChangedByHand
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Held = Mapping[str, HeldLock]


class LockPast:
    """Notes each event once, until it is taken to be written."""

    def __init__(self, runs: KnownRuns) -> None:
        self.epoch = 0
        self._runs = LockRunRows(runs)
        self.missed = 0  # events that found no room
        self._noted: dict[int, Row] = {}
        self._taken_by: dict[str, Row] = {}  # by lock id and token: the row that says it was acquired by nobody that is known
        self._likely: dict[str, Holder] = {}  # by the same: who was found out
        self._latest: dict[str, list[Row]] = {}  # by the same: rows of which an act of an operator may yet be told
        self._acts: dict[tuple[str, str], Act] = {}  # by the same and what is to come of it: acts that were told first
        self._heard: deque[ChangedByHand] = deque(maxlen=MAX_BY_HAND)
        self._last_id = 0

    def take(self) -> tuple[list[Row], int]:
        """The rows that were noted since, and how many found no room; to be asked after the runs' own rows were taken, for these name them."""
        noted, missed = self._runs.filled(list(self._noted.values())), self.missed
        self._noted, self.missed = {}, 0
        return noted, missed

    def read(self, seen: LocksRead, held: Held, spans: Mapping[str, Iterable[Span]], *, went_with_all: bool = False) -> None:
        """A reading that is going to be taken in; `spans`: who held each lock within the last minutes."""
        for lock in seen.locks:
            old = held.get(lock.id)
            if old is not None and old.token_digest == lock.token_digest:
                if lock.taken_by == "run" and is_put_off(old, lock):
                    self._of_lock("extended", lock, seen.at, seen.at)
                continue
            if old is not None and not self._was_by_hand(old, seen.at):
                self._of_lock("changed", old, seen.at, seen.at)
            at = seen.at if seen.live else lock.acquired_at or lock.first_seen_at
            is_back = any(span.token_digest == lock.token_digest for span in spans.get(lock.id, ()))
            self._of_lock("restored" if is_back else "acquired", lock, at, seen.at)
        self.gone([held[lock_id] for lock_id in seen.gone if lock_id in held], seen.at, went_with_all=went_with_all)

    def gone(self, locks: Collection[HeldLock], at: datetime, *, went_with_all: bool = False) -> None:
        """These are held no more; `went_with_all`: with their whole database."""
        for lock in locks:
            if self._was_by_hand(lock, at):
                continue
            if lock.expires_at is not None and at >= lock.expires_at - SAME_DEADLINE:
                self._of_lock("expired", lock, lock.expires_at, at)
            else:
                self._of_lock("flushed" if went_with_all else "released", lock, at, at)

    def judged(self, lock: HeldLock, at: datetime) -> None:
        """Its holder is proved dead by now, or showed a sign of life after it was."""
        if lock.proved is None:
            self._of_lock("alive", lock, at, at)
        else:
            self._of_lock("died", lock, lock.proved.since or lock.proved.at, at)

    def by_hand(self, act: ReleasedByHand, place: tuple[str, str], held: HeldLock | None, *, is_told: bool) -> None:
        """An operator released it: one row says so. `held`: where it is not seen to be gone yet; `is_told`: the observer before noted it."""
        row = self._nearest(act, WENT)
        if row is not None:
            self._is_by(act, row, "by-hand")
        elif held is not None:
            self._of_lock("by-hand", held, act.at, act.at, by=act.by)
            self._await(act, "gone")
        elif not is_told:
            self._note("by-hand", act.lock_id, place, act.at, token=act.token_digest, by=act.by)

    def removed(self, lock: HeldLock) -> None:
        """It had gone before its time, and its run goes on: another than its holder deleted it."""
        key, gone_us = lock.id + lock.token_digest, _us(lock.lapsed_at - EPOCH) if lock.lapsed_at else None
        for row in list(self._latest.get(key, ())):
            if (row[WHAT_PLACE], row[AT_PLACE]) == (CODES["released"], gone_us):
                self._noted[int(row[0])] = (*row[:WHAT_PLACE], CODES["removed"], *row[WHAT_PLACE + 1 :])
                self._latest[key].remove(row)

    def changed_by_hand(self, act: ChangedByHand) -> None:
        """An operator put its token back, or its deadline off."""
        if act in self._heard:
            return
        self._heard.append(act)
        row = self._nearest(act, (act.what,))
        if row is not None:
            self._is_by(act, row, act.what)
        else:
            self._await(act, act.what)

    def _nearest(self, act: Act, whats: Sequence[str]) -> Row | None:
        """What was noted of that token about when the act was done, and may be what it did."""
        at_us, codes = _us(act.at - EPOCH), {CODES[what] for what in whats}
        rows = [row for row in self._latest.get(act.lock_id + act.token_digest, ()) if row[WHAT_PLACE] in codes]
        near = [row for row in rows if abs(int(row[AT_PLACE]) - at_us) <= _us(TOGETHER)]
        return min(near, key=lambda row: abs(int(row[AT_PLACE]) - at_us), default=None)

    def _is_by(self, act: Act, row: Row, what: str) -> None:
        known = list(row)
        known[WHAT_PLACE], known[BY_PLACE] = CODES[what], act.by
        self._noted[int(row[0])] = tuple(known)
        self._latest[act.lock_id + act.token_digest].remove(row)

    def _await(self, act: Act, what: str) -> None:
        if len(self._acts) >= MAX_BY_HAND:
            del self._acts[next(iter(self._acts))]
        self._acts[act.lock_id + act.token_digest, what] = act

    def _by(self, lock: HeldLock, what: str, at: datetime) -> str:
        """The operator who did that, as was told before; "" for none."""
        act = self._acts.get((lock.id + lock.token_digest, what))
        if act is None or abs(at - act.at) > TOGETHER:
            return ""
        del self._acts[lock.id + lock.token_digest, what]
        return act.by

    def _was_by_hand(self, lock: HeldLock, at: datetime) -> bool:
        """Whether it is noted already that an operator released it."""
        return self._by(lock, "gone", at) != ""

    def refused(self, refusal: Refusal) -> None:
        """An attempt was turned away."""
        self._of_attempt("refused", refusal, refusal.at, token=refusal.token_digest, waited=refusal.waited)

    def waiting(self, wait: Wait) -> None:
        """An attempt began to wait."""
        self._of_attempt("waiting", wait, wait.from_at, token=wait.token_digest)

    def lost(self, loss: Loss) -> None:
        """Its holder found that it held it no more."""
        self._of_attempt("lost", loss, loss.at, token=loss.token_digest)

    def holder(self, lock: HeldLock, holder: Holder) -> None:
        """Who took a lock whose token does not say it, as far as that can be told."""
        key = lock.id + lock.token_digest
        row = self._taken_by.pop(key, None)
        if row is None or holder.task_id is None:
            return
        _keep(self._likely, key, holder)
        known = list(row)
        known[TASK_PLACE], known[WORKER_PLACE], known[ID_PLACE] = holder.task_name or "", holder.worker or "", holder.task_id
        known[CERTAINTY_PLACE] = CERTAINTIES.index(holder.certainty)
        self._noted[int(row[0])] = tuple(known)

    def _of_lock(self, what: str, lock: HeldLock, at: datetime, told_at: datetime, by: str = "") -> None:
        key, claim, began = lock.id + lock.token_digest, lock.claim, lock.put_back_at or lock.acquired_at
        is_exact = claim is not None and claim.task_id is not None
        found = None if is_exact else self._likely.get(key)
        who = found or claim
        row = self._note(
            what,
            lock.id,
            (lock.cache, lock.name),
            at,
            told_at=told_at,
            token=lock.token_digest,
            span=at - began if began is not None and what not in {"acquired", "restored"} and at >= began else None,
            who=(who.task_id, who.task_name, who.worker) if who else (None, None, None),
            certainty=2 if is_exact else CERTAINTIES.index(found.certainty) if found else 0,
            by=by or (self._by(lock, what, told_at) if what in CHANGED else ""),
        )
        if row is None:
            return
        if what == "acquired" and not is_exact:
            _keep(self._taken_by, key, row)
        elif not row[BY_PLACE] and what in WENT + CHANGED:
            _keep(self._latest, key, [*self._latest.get(key, ())[-2:], row])

    def _of_attempt(self, what: str, told: Refusal | Wait | Loss, at: datetime, *, token: str = "", waited: timedelta | None = None) -> None:
        who = (told.task_id, told.task_name, told.worker)
        self._note(what, told.lock_id, (told.cache, told.name), at, token=token, span=waited, who=who, certainty=2)

    def _note(
        self,
        what: str,
        lock_id: str,
        place: tuple[str, str],
        at: datetime,
        *,
        token: str,
        told_at: datetime | None = None,
        span: timedelta | None = None,
        who: tuple[str | None, str | None, str | None] = (None, None, None),
        certainty: int = 0,
        by: str = "",
    ) -> Row | None:
        if len(self._noted) >= MAX_NOTED:
            self.missed += 1
            return None
        (cache, name), (task_id, task, worker) = place, who
        told_us = _us((told_at or at) - EPOCH)  # an id by when it was told, for a token may say that it was made in any year
        self._last_id = max(self._last_id + IDS_PER_US, told_us * IDS_PER_US + self.epoch % IDS_PER_US)
        times = (_us(at - EPOCH), -1 if span is None else _us(span))
        who_took = (task or "", worker or "", certainty, task_id or "")
        row = (self._last_id, key_of_identity(lock_id) or 0, name, CODES[what], *times, *who_took, token, by, cache, 0)
        self._noted[self._last_id] = row
        return row


def _keep(known: dict[str, Any], key: str, value: Any) -> None:
    """Among the MAX_TAKEN latest."""
    known.pop(key, None)
    if len(known) >= MAX_TAKEN:
        del known[next(iter(known))]
    known[key] = value


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)

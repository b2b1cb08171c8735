"""Follows the locks of one place: a search of all names at the start, and the server's pushes; polling where tracking is refused.

Whatever is said to have changed is read again, so a push that is lost or doubled changes nothing but the delay.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

from redis import Redis

from dashboard.conf import conf
from dashboard.connections import Watched
from dashboard.records import HeldLock
from dashboard.sources.dialects import GLOBS, is_known_key
from dashboard.sources.in_sight import InSight
from dashboard.sources.locks import is_ours, lock_id, look_alikes, read_locks
from dashboard.sources.patterns import compile_patterns, fixed_beginnings, globs_of, without_overlap
from dashboard.sources.search import NameSearch
from dashboard.sources.shares import Share
from dashboard.sources.tracking import FLUSHED, Tracker, TrackingRefused

POLL_S = 1.0  # names that nobody pushes, and locks past their deadline (an expiry is pushed late), are read again this often
POLL_ALL_S = 10.0  # and every name this often, in case a push was lost
CHECK_S = 2.0
SCAN_SHARE = 10  # the pause after a pass of the background scan, in lengths of that pass
SCAN_PAUSE_S = (1.0, 60.0)  # its bounds
IDLE_S = 0.05  # between two batches of it
SLICE_S = 0.01  # of the search at the start; what is pushed meanwhile waits no longer
MAX_NAME = 8192  # bytes of a name that patterns are tried on
MAX_READ = 1000  # keys in one pipeline
MAX_FOLLOWED = 20_000  # names kept in sight; where more locks are held the coverage line says so
EXPIRED_WITHIN = timedelta(milliseconds=75)  # what is gone this close to its deadline has expired
Told = Callable[[Sequence[HeldLock], Sequence[str], bool, datetime], None]
Expired = Callable[[bytes, bytes], None]  # raw key, token


def _nothing() -> None:
    """Nobody wants to know."""


def _nobody(_key: bytes, _token: bytes) -> None:
    """Nobody wants the tokens of expired locks."""


class Follower:
    """One place's locks; `step` does a little and returns, so that its thread can be stopped."""

    def __init__(
        self,
        redis: Redis,
        place: Watched,
        patterns: Sequence[str],
        *,
        tell: Told,
        places: Sequence[Watched] = (),
        scan: bool = True,
        expired: Expired = _nobody,
        all_may_be_gone: Callable[[], None] = _nothing,
        searched: Callable[[], None] = _nothing,
        most: int = MAX_FOLLOWED,
    ) -> None:
        self._redis, self._place, self._tell, self._expired = redis, place, tell, expired
        self._all_may_be_gone, self._searched = all_may_be_gone, searched
        patterns = [*patterns, *globs_of(conf().LOCKS)]
        self._matches: re.Pattern[str] = compile_patterns(patterns)
        self._share = Share(place, places)
        beginnings = [beginning.encode() for beginning in fixed_beginnings(patterns)]
        known = [beginning.encode() for beginning in fixed_beginnings(GLOBS)]  # whole keys: other libraries put no cache's prefix before them
        self.prefixes = without_overlap([place.prefix + beginning for beginning in beginnings] + ([*beginnings, *known] if self._share.has_bare else []))
        self._scan_always = scan
        self._in_sight, self._most = InSight(most), most
        self._tokens: dict[bytes, bytes] = {}  # of those that are held: when one has expired, only we still know it
        self.tracker: Tracker | None = None
        self.refused: str | None = None
        self.search: NameSearch | None = None  # of every name, while it goes on
        self._pass: NameSearch | None = None  # of the background scan
        self._next_poll = self._next_poll_all = self._next_check = self._next_batch = self._next_search = 0.0
        self.answered_at: datetime | None = None  # the last question that was: everything that had happened by then was told
        self.is_flush = self.is_first = False  # while what a flush left is read; while what was known is, after a connection was made

    @property
    def mode(self) -> str:
        return "tracking" if self.tracker else "polling"

    def open(self) -> None:
        """Track where that is allowed and read again what is known; `step` then searches every name.  Raises: SourceUnavailable."""
        self.close()
        self._all_may_be_gone()
        tracker = Tracker(self._redis, f"cache {self._place.alias}")
        try:
            if self.prefixes:
                tracker.open(self.prefixes)
                self.tracker, self.refused = tracker, None
        except TrackingRefused as error:
            self.refused = str(error)
        self.answered_at = datetime.now(UTC) if self.prefixes else self.answered_at
        self.is_first = True
        self._poll(set(self._in_sight))
        self.is_first = False
        self._begin_search()

    def notes(self) -> list[str]:
        """What is not seen here, each with its fix, for the coverage line."""
        refused = "CLIENT TRACKING is refused, so a change is seen up to a second late: allow +client|tracking and +client|id."
        more = f"More than {self._most:,} locks are held at once in cache {self._place.alias}: those beyond are not listed. Narrow LOCKHOUSE_LOCK_PATTERNS."
        return [*([refused] if self.refused else ()), *([more] if self._in_sight.left_out else ())]

    def search_all(self) -> None:
        """Go on until every name was looked at, whatever is pushed meanwhile: for one look.  Raises: SourceUnavailable."""
        while self.search:
            self._search_on()

    def held_ids(self) -> list[str]:
        """The ids of all locks that are held here, as last read."""
        return [lock_id(self._place.alias, key) for key in self._in_sight.held]

    def close(self) -> None:
        if self.tracker:
            self.tracker.close()
        self.tracker = self.search = self._pass = None

    def step(self, wait_s: float) -> None:
        """Wait for pushes at most that long, or search on, then do what is due.  Raises: SourceUnavailable."""
        pushed = self.tracker.wait(0 if self.search else wait_s) if self.tracker else []
        if FLUSHED in pushed:
            self.is_flush = True
            self._all_may_be_gone()
            self._poll(set(self._in_sight), live=True)
            self.is_flush = False
            self._begin_search()
        keys = {key for key in pushed if key is not None}
        if wanted := {key for key in keys if self._is_lock_name(key) or key in self._in_sight}:
            self._poll(wanted, live=True)
        self._search_on()
        self._do_what_is_due(monotonic())

    def _begin_search(self) -> None:
        """Look at every name; one that there is still no room for is then left out again."""
        self._in_sight.left_out, self._next_search = False, monotonic() + POLL_ALL_S
        self.search = NameSearch(self._redis, self._place)

    def _search_on(self) -> None:
        """Look at names for a moment; those that only their value shows to be locks are the background scan's."""
        until = monotonic() + SLICE_S
        while self.search and monotonic() < until:
            keys = self.search.batch()
            if keys is None:
                self.search = None
                if not self._in_sight.left_out:  # else what was not kept in sight may be held all the same
                    self._searched()
            else:
                self._poll({key for key in self._unseen(keys) if self._is_lock_name(key)})

    def _do_what_is_due(self, now: float) -> None:
        if self.tracker and now >= self._next_check:
            self._next_check, asked_at = now + CHECK_S, datetime.now(UTC)
            self.tracker.check()
            self.answered_at = asked_at
        if now >= self._next_poll:
            self._next_poll = now + POLL_S
            self._in_sight.forget(datetime.now(UTC))
            self._poll(self._due(now))
        if self._in_sight.left_out and self._in_sight.has_room and not self.search and now >= self._next_search:
            self._begin_search()
        if now >= self._next_batch and not self.search and (self._scan_always or not self.tracker):
            self._scan_some(now)

    def _due(self, now: float) -> set[bytes]:
        """The names to read without having been told: all of them now and then, else those whose change is not pushed in time."""
        if not self.tracker or now >= self._next_poll_all:
            self._next_poll_all = now + POLL_ALL_S
            return set(self._in_sight)
        late = datetime.now(UTC)
        tracked = tuple(self.prefixes)
        expired = {key for key, deadline in self._in_sight.held.items() if deadline is not None and deadline <= late}
        return expired | {key for key in self._in_sight if not key.startswith(tracked)}

    def _scan_some(self, now: float) -> None:
        """One batch of the background scan, which finds names without a fixed beginning and look-alikes."""
        if self._pass is None:
            self._pass = NameSearch(self._redis, self._place)
        keys = self._pass.batch()
        if keys is None:
            self._next_batch = now + min(max((now - self._pass.began) * SCAN_SHARE, SCAN_PAUSE_S[0]), SCAN_PAUSE_S[1])
            self._pass = None
        else:
            self._look_at(keys)
            self._next_batch = now + IDLE_S

    def _look_at(self, keys: Iterable[bytes]) -> None:
        unseen = self._unseen(keys)
        named = {key for key in unseen if self._is_lock_name(key)}
        others = look_alikes(self._redis, self._place, [key for key in unseen if key not in named]) if self._scan_always else []
        if found := named.union(others):
            self._poll(found)

    def _unseen(self, keys: Iterable[bytes]) -> list[bytes]:
        return [key for key in keys if key not in self._in_sight and self._share.has(key) and not is_ours(self._place, key)]

    def _is_lock_name(self, key: bytes) -> bool:
        if is_ours(self._place, key) or not self._share.has(key):
            return False
        name = key.removeprefix(self._place.prefix)[:MAX_NAME].decode("utf-8", "backslashreplace")  # as it is: hiding secrets first costs 20 µs and more
        return self._matches.match(name) is not None or is_known_key(key[:MAX_NAME])

    def _poll(self, keys: set[bytes], *, live: bool = False) -> None:
        """Read these keys again and tell what changed."""
        ordered = sorted(keys)
        for start in range(0, len(ordered), MAX_READ):
            batch = ordered[start : start + MAX_READ]
            now, tokens = datetime.now(UTC), dict[bytes, bytes]()
            read = read_locks(self._redis, self._place, batch, now, tokens)
            self.answered_at = now
            self._hand_on_expired(batch, tokens, now)
            self._compare(batch, read, now, live=live)
            self._tokens.update((key, token) for key, token in tokens.items() if key in self._in_sight.held)

    def _hand_on_expired(self, keys: Sequence[bytes], tokens: Mapping[bytes, bytes], now: datetime) -> None:
        """Hand on the tokens of those that are gone or another's since their deadline, or went with all others."""
        for key in keys:
            before, deadline = self._tokens.pop(key, None), self._in_sight.held.get(key)
            is_early = not self.is_flush and (deadline is None or now < deadline - EXPIRED_WITHIN)
            if before is not None and tokens.get(key) != before and not is_early:
                self._expired(key, before)

    def _compare(self, keys: Sequence[bytes], read: Sequence[HeldLock | None], now: datetime, *, live: bool) -> None:
        changed, gone = [], []
        for key, lock in zip(keys, read, strict=True):
            if lock is not None:
                if self._in_sight.hold(key, lock.expires_at):
                    changed.append(lock)
            elif self._in_sight.lose(key, now):
                gone.append(lock_id(self._place.alias, key))
        if changed or gone:
            self._tell(changed, gone, live, now)

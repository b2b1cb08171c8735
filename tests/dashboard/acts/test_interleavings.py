"""Operators release, extend, limit, protect and undo while others take, give back and lose the same lock at random.

Nobody ever loses a lock, or finds its deadline moved, whose very token no operator was shown.
"""

import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dashboard import connections
from dashboard.acts.ledger import Outcome
from dashboard.acts.lifetime import change_now, execute_change, plan_change
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT
from dashboard.acts.release import execute, plan_release, release_now
from dashboard.acts.undo import undo
from dashboard.records import HeldLock, Run, Snapshot
from dashboard.sources.expired import remember
from dashboard.sources.locks import read_locks
from tests.dashboard.acts.scene import ADMINISTRATOR, WORKER, living_worker, make_user, orphan_token

pytestmark = pytest.mark.django_db

ACTS = int(os.environ.get("LOCKHOUSE_INTERLEAVINGS", "1000"))  # 100,000 at night
RIVALS = 3
TASK = "d9c26803-1111-4222-8333-444455556666"
SECOND = timedelta(seconds=1)
# A rival that asked again after five seconds, as redis-py does unless told not to, would find its own lock let go by its first word.
PATIENT: Any = {"socket_timeout": None, "retry": Retry(NoBackoff(), 0)}
NEVER_MS = 10**12  # so long that it never expires: taken without a time to live
TAKE = """
local t = redis.call('TIME')
local taken
if tonumber(ARGV[2]) >= 10^12 then taken = redis.call('SET', KEYS[1], ARGV[1], 'NX') else taken = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) end
return taken and t[1] * 1000000 + t[2] or 0
"""
LET_GO = """
local t = redis.call('TIME')
local left = redis.call('PTTL', KEYS[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]); return {1, t[1] * 1000000 + t[2], left} end
return {0, t[1] * 1000000 + t[2], left}
"""


class Rival(threading.Thread):
    """Takes the lock for a moment again and again, and notes which of its tokens went before their time, or had another time left than they were given."""

    def __init__(self, url: str, key: bytes, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._redis, self._key, self._random, self._stopped = Redis.from_url(url, **PATIENT), key, random.Random(seed), stop
        self.taken = self.let_go = self.expired = 0
        self.vanished: set[str] = set()
        self.returned: set[str] = set()
        self.moved: set[str] = set()

    def run(self) -> None:
        while not self._stopped.is_set():
            token, life_ms = orphan_token(TASK), self._random.choice((2, 20, 50, 1000, NEVER_MS))
            taken_at = self._redis.eval(TAKE, 1, self._key, token, life_ms)
            if not taken_at:
                time.sleep(self._random.uniform(0, 0.001))
                continue
            self.taken += 1
            time.sleep(self._random.choice((0, 0.0005, 0.003, 0.008, 0.03, 0.06)))
            self._end(token, taken_at + life_ms * 1000)

    def _end(self, token: bytes, deadline: int) -> None:
        was_mine, now, left_ms = self._redis.eval(LET_GO, 1, self._key, token)
        digest = hashlib.sha256(token).hexdigest()[:16]
        if was_mine:
            self.let_go += 1
            self.returned.add(digest)
            self.moved |= set() if _is_as_given(left_ms, deadline - now) else {digest}
        elif now >= deadline - 1000:  # Redis expires by milliseconds
            self.expired += 1
        else:
            self.vanished.add(digest)


def _is_as_given(left_ms: int, wanted_us: int) -> bool:
    return left_ms == -1 if wanted_us > NEVER_MS else left_ms >= 0 and abs(left_ms * 1000 - wanted_us) < 5000


@pytest.fixture(autouse=True)
def _threads_alternate_often():
    """Every 0.2 ms instead of 5: a release would else wait for the rivals' threads more than for Redis."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    yield
    sys.setswitchinterval(before)


class Operator:
    """Acts at random on what the screen showed a moment ago, and notes which tokens were ended, and which were put back."""

    def __init__(self, show: Callable[[list[HeldLock]], None]) -> None:
        self._show, self._person = show, ""
        self.chance = random.Random(int(os.environ.get("LOCKHOUSE_SEED", "7")))
        self.answers: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()  # by digest: released, or given a timeout
        self.releases: Counter[str] = Counter()
        self.limited: set[str] = set()  # they end by themselves, or are given back before
        self.extended: set[str] = set()
        self.put_back: Counter[str] = Counter()
        self.unclear: set[str] = set()  # acts whose answer was that nobody knows: Redis may have done them
        self._last: Outcome | None = None

    def act(self, number: int, seen: HeldLock) -> None:
        who = {"origin": "cli", "shell_name": f"operator {number // 20}", "snapshot": known_with(seen)}
        self._person = str(who["shell_name"])
        what = self.chance.choice(("release", "release", "planned", "planned", "extend", "planned_extend", "limit", "protect", "undo"))
        outcome = getattr(self, f"_{what}")(seen, who)
        if outcome is None:
            return
        self.answers[f"{what}: {outcome.code}"] += 1
        if outcome.state == "unknown":
            self.unclear.add(seen.token_digest if what != "undo" else outcome.act.token_digest)
        if outcome.is_done and what != "undo":
            self._last = outcome

    def _release(self, seen: HeldLock, who: dict) -> Outcome:
        outcome = release_now(None, seen.id, seen.token_digest, "at random", force=True, **who)
        self.ended[seen.token_digest] += outcome.is_done
        self.releases[seen.token_digest] += outcome.is_done
        return outcome

    def _planned(self, seen: HeldLock, _who: dict) -> Outcome | None:
        """Through the page: what was planned is confirmed a moment later, whoever holds the lock by then."""
        self._show([seen])
        plan = plan_release(self._user(), "session", seen.id, seen.token_digest)
        if not plan.signed:
            return None
        self._hesitate()
        outcome = execute(self._user(), "session", plan.signed, "at random", plan.to_type)
        self.ended[seen.token_digest] += outcome.is_done
        self.releases[seen.token_digest] += outcome.is_done
        return outcome

    def _extend(self, seen: HeldLock, who: dict) -> Outcome:
        outcome = change_now(None, EXTEND, seen.id, seen.token_digest, "at random", span=SECOND, **who)
        self.extended |= {seen.token_digest} if outcome.is_done else set()
        return outcome

    def _planned_extend(self, seen: HeldLock, _who: dict) -> Outcome | None:
        self._show([seen])
        plan = plan_change(self._user(), "session", EXTEND, seen.id, seen.token_digest, SECOND)
        if not plan.signed:
            return None
        self._hesitate()
        outcome = execute_change(self._user(), "session", EXTEND, plan.signed, "at random")
        self.extended |= {seen.token_digest} if outcome.is_done else set()
        return outcome

    def _user(self) -> User:
        return User.objects.filter(username=self._person).first() or make_user(self._person, ADMINISTRATOR)

    def _hesitate(self) -> None:
        time.sleep(self.chance.choice((0, 0, 0.0005, 0.002, 0.01)))

    def _limit(self, seen: HeldLock, who: dict) -> Outcome:
        outcome = change_now(None, LIMIT, seen.id, seen.token_digest, "at random", span=SECOND, force=True, **who)
        self.ended[seen.token_digest] += outcome.is_done
        self.limited |= {seen.token_digest} if outcome.is_done else set()
        return outcome

    def _protect(self, seen: HeldLock, who: dict) -> Outcome:
        lapsed = replace(seen, lapsed_at=timezone.now(), expires_at=timezone.now())
        outcome = change_now(None, PROTECT, seen.id, seen.token_digest, "at random", span=SECOND, **{**who, "snapshot": known_with(lapsed)})
        self.put_back[seen.token_digest] += outcome.is_done
        self.ended[seen.token_digest] += outcome.is_done  # it lasts a second: its run may find it gone again
        return outcome

    def _undo(self, _seen: HeldLock, who: dict) -> Outcome | None:
        done, self._last = self._last, None
        if done is None:
            return None
        outcome = undo(None, done.act.pk, origin="cli", shell_name=who["shell_name"])
        self.put_back[done.act.token_digest] += outcome.is_done
        return outcome


def known_with(lock: HeldLock) -> Snapshot:
    """What an observer would know: the lock, and that the run which its token names goes on."""
    now = timezone.now()
    run = Run(task_id=TASK, name="reports_prepare_massive_report", worker=WORKER, pid=815, started_at=now - timedelta(minutes=1), last_active_at=now)
    return Snapshot(at=now, locks=(lock,), runs=(run,), workers=(replace(living_worker(now), processes=(815,), active=(TASK,)),))


def test_no_act_ever_hits_a_token_that_was_not_seen(scene, watching):
    key = b"shop:1:lock_contended"
    place = connections.watched_one("shop")
    stop = threading.Event()
    rivals = [Rival(f"{watching}/1", key, seed, stop) for seed in range(RIVALS)]
    for rival in rivals:
        rival.start()
    operator, seen, tokens = Operator(scene.put), None, dict[bytes, bytes]()
    for number in range(ACTS):
        [found] = read_locks(scene.redis, place, [key], timezone.now(), tokens)
        if found is not None:
            remember(connections.own(), found.id, found.token_digest, tokens[key])
        seen = found or seen
        if seen is None:
            continue
        time.sleep(operator.chance.choice((0, 0, 0, 0.0005, 0.002)))
        operator.act(number, seen)
    stop.set()
    for rival in rivals:
        rival.join()

    vanished = set().union(*(rival.vanished for rival in rivals))
    returned = set().union(*(rival.returned for rival in rivals))
    ended = {digest for digest, times in operator.ended.items() if times}
    print(dict(sorted(operator.answers.items())), {"taken": sum(rival.taken for rival in rivals), "expired": sum(rival.expired for rival in rivals)})
    assert vanished <= ended | operator.unclear, "a lock went that nobody ended"
    again = {digest for digest, times in operator.put_back.items() if times}
    moved = set().union(*(rival.moved for rival in rivals))
    assert moved <= operator.extended | operator.limited | again | operator.unclear, "a deadline was moved of a token that nobody was shown"
    released = {digest for digest, times in operator.ended.items() if times} - operator.limited
    assert not (returned & released) - again, "a lock was released that its own holder gave back"
    assert all(times <= 1 + operator.put_back[digest] for digest, times in operator.releases.items()), "one token was released twice"
    for answer in (
        *("release: released", "planned: released", "extend: extended", "planned_extend: extended", "limit: timeout_set", "protect: protected"),
        *("release: changed_hands", "planned: changed_hands", "undo: restored"),
    ):
        assert operator.answers[answer], answer
    assert operator.answers.total() > ACTS * 0.5

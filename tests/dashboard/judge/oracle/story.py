"""What may happen to a lock, its run and its worker, and what of it may be seen: drawn by hypothesis, so that a counterexample is made small."""

from dataclasses import dataclass

from hypothesis import strategies as st

FATES = (
    "goes on", "ends", "ends and leaves it", "retried and leaves it", "child killed", "killed", "frozen", "leaves", "leaves and is killed", "terminated",
    "cut off", "hands on", "keeps it for its next try",
)  # fmt: skip
DEADLY = {"ends and leaves it", "retried and leaves it", "child killed", "killed", "leaves and is killed"}


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Another run: when it starts, in seconds from the holder's attempt, for how long it runs, and what it does."""

    at: float
    lasts: float
    same_task: bool = False
    elsewhere: bool = False  # in the other worker, where there is one
    does: str = "nothing"  # "nothing", "tries" the same lock, "takes" it once it is free, is the same id "again"


@dataclass(frozen=True, kw_only=True)
class Story:
    """One history; every default is the plain case, so that hypothesis shrinks towards it."""

    pool: str = "prefork"
    exact: bool = True
    says: str = "all"  # an exact token: "all"; "no id", which was too long; "id alone", as `cache.add(name, self.request.id)` writes
    owned: bool = False
    skew: float = 0.0  # of the holder's worker, seconds
    other_skew: float = 0.0
    other: str = "none"  # a second worker: "none", "elsewhere", "namesake"
    works_before: float = 0.01  # seconds from the run's start to its attempt
    waits: float = 0.0  # seconds from the attempt to the lock
    timeout: float | None = 600.0
    rivals: tuple[Rival, ...] = ()
    fate: str = "goes on"
    fate_at: float = 8.0  # seconds from the lock
    comes_back: str = "no"  # a new process of that name afterwards: "no", "new pid", "same pid"
    extended: bool = False
    # what is seen of it
    is_busy: bool = False  # its worker tells of short runs several times a second
    heartbeats: bool = True
    other_heartbeats: bool = True  # of the second worker: who has the same name need not have the same command line
    task_events: bool = True
    inspect: str = "all"  # "all", "no active", "flaky", "none"
    connections: str = "listed"  # "listed", "refused", "closed by others", "another's"
    drops: float = 0.0  # share of the events of runs that find no room, which is said
    repeats: float = 0.0
    mixes: bool = False  # events of one moment come in any order
    slow_starts: float = 0.0  # seconds from a run's start to its event
    gap: tuple[float, float] | None = None  # no events between these times from the lock, and it is said
    pushes: bool = True  # changes of locks are pushed, else found at the next look
    observer_restarts_at: float | None = None
    released_by_hand_at: float | None = None
    clock_set: tuple[float, float] | None = None  # our own clock: when, and by how much
    hero_clock_set: tuple[float, float] | None = None  # the holder's
    begins_at: float | None = None  # the first observer, if not before everything
    puts_off: bool = False  # who was handed the lock puts it off all the time
    recycles: bool = False  # a child that has ended a run is replaced: `max_tasks_per_child=1`
    through: bool = False  # who is handed the lock is not the next in its chain, but the one after
    seed: int = 0

    @property
    def tells_all(self) -> bool:
        """Whether every event is sent and taken in."""
        is_sent = self.task_events and self.heartbeats
        return is_sent and not self.drops and (self.gap, self.observer_restarts_at, self.begins_at, self.clock_set) == (None, None, None, None)

    @property
    def can_be_known(self) -> bool:
        """Whether anything could tell: who looks for the first time never hears of a busy twin, nor of a first delivery where the lock says the id alone."""
        return self.begins_at is None or (self.other != "twin" and self.says != "id alone")

    @property
    def tells_of_heirs(self) -> bool:
        """Whether a subtask or a next try is told to be one: else nothing can tell a lock that was handed on from one that was left."""
        return self.tells_all and self.exact and self.says == "all" and self.pool != "solo"

    @property
    def is_plain_to_see(self) -> bool:
        """Whether whoever is gone is provably so."""
        is_other_heard = self.other != "elsewhere" or self.other_heartbeats  # else it may have fallen silent in the same second, and its connection is open
        is_alone = self.other not in {"namesake", "twin"} and self.comes_back != "same pid" and is_other_heard
        is_named = self.says == "all" and self.hero_clock_set is None
        is_once = not any(rival.does == "again" and rival.at > 0 for rival in self.rivals)  # whose end was told, where one message runs twice?
        is_idle = self.pool == "solo" and self.works_before + self.waits + self.fate_at > 15  # it works and sends nothing: a proxy may have hung up
        is_asked = self.inspect == "all" and self.connections == "listed"
        return self.tells_all and is_alone and is_named and is_once and is_asked and not is_idle and self.released_by_hand_at is None


def rivals() -> st.SearchStrategy[Rival]:
    return st.builds(
        Rival,
        at=st.sampled_from([-0.4, -60.0, -5.0, -1.0, -0.05, 0.05, 0.4, 1.0, 4.0]),
        lasts=st.sampled_from([600.0, 0.03, 2.0, 8.0]),
        same_task=st.booleans(),
        elsewhere=st.booleans(),
        does=st.sampled_from(["nothing", "tries", "takes", "again"]),
    )


def stories() -> st.SearchStrategy[Story]:
    """Any of them; the first value of each choice is the plain one."""
    skews = st.sampled_from([0.0, 3.0, -3.0, 3600.0, -3600.0])
    return st.builds(
        Story,
        pool=st.sampled_from(["prefork", "threads", "solo"]),
        exact=st.booleans(),
        says=st.sampled_from(["all", "all", "all", "no id", "id alone"]),
        owned=st.booleans(),
        skew=skews,
        other_skew=skews,
        other=st.sampled_from(["none", "elsewhere", "namesake", "twin"]),
        works_before=st.sampled_from([0.01, 0.3, 5.0]),
        waits=st.sampled_from([0.0, 0.2, 5.0, 45.0]),
        timeout=st.sampled_from([600.0, 12.0, None]),
        rivals=st.lists(rivals(), max_size=2).map(tuple),
        fate=st.sampled_from(FATES),
        fate_at=st.sampled_from([8.0, 0.3, 3.0, 25.0]),
        comes_back=st.sampled_from(["no", "new pid", "same pid"]),
        extended=st.booleans(),
        is_busy=st.sampled_from([False, False, False, True]),
        heartbeats=st.sampled_from([True, True, True, False]),
        other_heartbeats=st.sampled_from([True, True, False]),
        task_events=st.sampled_from([True, True, True, False]),
        inspect=st.sampled_from(["all", "all", "all", "no active", "flaky", "none"]),
        connections=st.sampled_from(["listed", "listed", "listed", "refused", "closed by others", "another's"]),
        drops=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
        repeats=st.sampled_from([0.0, 0.3]),
        mixes=st.booleans(),
        slow_starts=st.sampled_from([0.0, 0.02, 0.8]),
        gap=st.sampled_from([None, None, (-20.0, 2.0), (5.0, 12.0), (20.0, 30.0)]),
        pushes=st.booleans(),
        observer_restarts_at=st.sampled_from([None, None, 5.0, 16.0, 40.0]),
        released_by_hand_at=st.sampled_from([None, None, None, 4.0]),
        clock_set=st.sampled_from([None, None, None, (6.0, 20.0), (6.0, -20.0), (16.0, 30.0), (16.0, -3.0), (-3.0, -20.0)]),
        hero_clock_set=st.sampled_from([None, None, None, (-0.005, -3.0), (-0.005, 3.0), (6.0, -3.0), (-3.0, -3600.0)]),
        begins_at=st.sampled_from([None, None, None, 1.0, 10.0]),
        puts_off=st.booleans(),
        recycles=st.booleans(),
        through=st.booleans(),
        seed=st.integers(0, 255),
    ).filter(lambda story: story.can_be_known)

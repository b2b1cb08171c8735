"""What a plan says before anything is done: by every verdict exactly what is true of it, for none that it is safe where somebody may hold the lock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import connections, snapshot
from dashboard.acts import words
from dashboard.acts.lifetime import change_now, plan_change
from dashboard.acts.plan import effects, plan_release
from dashboard.acts.registry import EXTEND, LIMIT, PROTECT
from dashboard.acts.revoke import plan_revoke
from dashboard.records import Evidence, Holder, JudgedLock, Wait
from tests.dashboard.acts.pages import logged_in, release_url
from tests.dashboard.acts.scene import OPERATOR, make_user
from tests.dashboard.acts.test_lifetime import overrun
from tests.dashboard.acts.test_revoke_forged import run_of, token_of
from tests.factories import make_lock

__all__ = ["overrun"]
BLOCKS = "reports for 7"
SAFE = "Nobody holds this lock any more, so releasing it is safe: the next attempt takes it."
LIVES = "The holder still runs and will end with LockNotOwnedError when it releases the lock itself; another run may start beside it."
UNKNOWN = "Nobody can say whether the holder still runs. If it does, another run may start beside it."
OVERRUN = "The holder has outlived its lock and still runs; another run may start beside it."
AT_SEND = "It was taken when the message was sent: released now, the same may be sent again while the first still waits or runs."
BEAT = "A beat is in charge by it: that beat ends with an error at its next tick, and sends nothing more unless something starts it again."
LATER = "Its message was not acknowledged, so Redis gives that run out again later; released now, another can start before it."


def judged(*flags, taken_by="run", facts=(), blocks=""):
    lock, holder = make_lock(taken_by=taken_by), Holder(certainty="exact")
    evidence = [Evidence(code=code) for code in facts]
    return JudgedLock(lock=lock, holder=holder, verdict=flags[0], flags=flags, evidence=evidence, refused_last_hour=0, blocks=blocks)


def said(found):
    return [words.effect(fact.code, fact.values) for fact in found]


@pytest.mark.parametrize(
    ("lock", "codes"),
    [
        (judged("held"), ["holder_lives"]),
        (judged("expiring", "held"), ["holder_lives"]),
        (judged("never-expires", "held"), ["never_expires", "holder_lives"]),
        (judged("unknown"), ["unknown"]),
        (judged("expiring", "unknown"), ["unknown"]),
        (judged("never-expires", "unknown"), ["never_expires", "unknown"]),
        (judged("orphaned"), ["orphaned"]),
        (judged("orphaned", "expiring"), ["orphaned"]),
        (judged("orphaned", "never-expires"), ["never_expires", "orphaned"]),
        (judged("overrun"), ["overrun"]),
        (judged("overrun", "unknown"), ["overrun", "unknown"]),
        (judged("overlapping", "held"), ["overlapping"]),
        (judged("overlapping", "overrun"), ["overlapping", "overrun"]),
        (judged("overlapping", "unknown"), ["overlapping", "unknown"]),
        (judged("orphaned", facts=["run_lost"]), ["orphaned", "run_lost"]),
        (judged("orphaned", facts=["message_unacked"]), ["orphaned", "run_again_later"]),
        (judged("unknown", facts=["message_unacked"]), ["unknown", "run_again_later"]),
        (judged("held", facts=["message_unacked"]), ["holder_lives", "run_again_later"]),
        (judged("held", taken_by="send"), ["taken_by_send"]),
        (judged("unknown", taken_by="send"), ["unknown", "taken_by_send"]),
        (judged("orphaned", taken_by="send"), ["orphaned"]),
        (judged("held", taken_by="beat"), ["taken_by_beat"]),
        (judged("unknown", taken_by="beat"), ["unknown", "taken_by_beat"]),
        (judged("held", blocks=BLOCKS), ["blocks", "holder_lives"]),
        (judged("orphaned", blocks=BLOCKS, facts=["run_lost"]), ["blocks", "orphaned", "run_lost"]),
        (judged("never-expires", "unknown", blocks=BLOCKS, taken_by="send"), ["blocks", "never_expires", "unknown", "taken_by_send"]),
    ],
    ids=lambda value: (
        "+".join([*value.flags, value.lock.taken_by, *(fact.code for fact in value.evidence), value.blocks]) if isinstance(value, JudgedLock) else ""
    ),
)
def test_a_release_says_exactly_what_is_true_of_the_lock(lock, codes):
    assert [fact.code for fact in effects(lock) if fact.code != "blocks_until"] == [*codes, "no_holder_check"]


def figures(*flags, facts=(), **changes):
    found = replace(judged(*(flags or ["held"]), facts=facts), **changes)
    return [words.effect(fact.code, fact.values) for fact in effects(found) if fact.code in {"blocks_until", "waiting", "refused", "nobody_tried"}]


def test_a_release_says_for_how_long_the_lock_would_still_block_by_itself():
    at = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)

    assert figures(lock=make_lock(seen_at=at, expires_at=at + timedelta(minutes=43, seconds=49))) == [
        "By itself it blocks until 19:43:49 UTC, for another 43 m 49 s."
    ]
    assert figures("never-expires", "held", lock=make_lock(seen_at=at, expires_at=None)) == []


def test_a_release_says_how_many_wait_and_how_many_were_refused_where_that_is_known():
    lock = make_lock(expires_at=None)

    assert figures(lock=lock, waiting=3, refused_last_hour=12) == [
        "Waiting for it now: 3. Released, one of these takes it at once.",
        "Refused within the last hour: 12.",
    ]
    assert figures(lock=lock, waiting=0, refused_last_hour=12) == ["Refused within the last hour: 12."]
    assert figures(lock=lock, waiting=0, refused_last_hour=0) == ["As far as workers tell, nobody waits for it, and nobody was refused within the last hour."]


@pytest.mark.parametrize("unknown", [{"waiting": None, "refused_last_hour": None}, {"waiting": 3, "refused_last_hour": 12, "facts": ["stale"]}])
def test_how_many_wait_is_not_said_where_it_is_not_known(unknown):
    assert figures("unknown", lock=make_lock(expires_at=None), **unknown) == []


@pytest.mark.django_db
def test_the_page_of_a_release_says_what_waits(scene, admin):
    lock = held_by_a_run(scene)
    waits = Wait(lock_id=lock.id, cache="shop", name=lock.name, token_digest="f" * 16, from_at=datetime.now(UTC), task_name="guest_import")
    known = snapshot.newest()
    assert snapshot.put(connections.own(), replace(known, waits=(waits,)), {"waits": known.version + 1}, {"waits"}, epoch=1)

    page = logged_in(admin).get(release_url(lock), {"digest": lock.token_digest}).content.decode()

    assert "Waiting for it now: 1." in page
    assert "By itself it blocks until" in page


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        (judged("held"), LIVES),
        (judged("unknown"), UNKNOWN),
        (judged("overrun"), OVERRUN),
        (judged("orphaned"), SAFE),
        (judged("held", taken_by="send"), AT_SEND),
        (judged("held", taken_by="beat"), BEAT),
        (judged("unknown", facts=["message_unacked"]), LATER),
        (judged("held", blocks=BLOCKS), f"While it is held, this does not happen: {BLOCKS}."),
    ],
    ids=["held", "unknown", "overrun", "orphaned", "at send", "beat", "unacked", "blocks"],
)
def test_a_release_says_it_in_these_very_words_and_calls_none_but_an_orphan_safe(lock, sentence):
    sentences = said(effects(lock))

    assert sentence in sentences
    assert (SAFE in sentences) is (lock.verdict == "orphaned")


def held_by_a_run(scene, timeout=60):
    return scene.see(scene.take(token=token_of("guest_import"), timeout=timeout), runs=[run_of("guest_import", pid=900, last_active_at=datetime.now(UTC))])


MAKERS = {
    "held": held_by_a_run,
    "unknown": lambda scene, timeout=60: scene.plain(timeout=timeout),
    "orphaned": lambda scene, timeout=60: scene.orphan(timeout=timeout),
}


@pytest.fixture
def blocked(watching, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "LOCKS": {"lock_report_{data_id}": {"blocks": "reports for {data_id}"}}}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("life", "codes", "sentence"),
    [("held", ["holder_lives"], LIVES), ("unknown", ["unknown"], UNKNOWN), ("orphaned", ["orphaned", "run_lost"], SAFE)],
)
def test_the_plan_of_a_release_is_of_the_lock_as_it_was_read(scene, admin, blocked, life, codes, sentence):
    lock = MAKERS[life](scene)

    plan = plan_release(admin, "session", lock.id, lock.token_digest)

    assert [fact.code for fact in plan.effects if fact.code != "nobody_tried"] == ["blocks", "blocks_until", *codes, "no_holder_check"]
    assert sentence in said(plan.effects)
    assert plan.forced is (life != "orphaned")


CHANGES = [
    (EXTEND, 60, "held", "The holder keeps it under the same token, and releases it as usual when its run ends."),
    (EXTEND, 60, "unknown", "Nobody can say whether the holder still runs. If it does not, the lock blocks for nothing until then."),
    (EXTEND, 60, "orphaned", "Nobody holds this lock any more: extended, it keeps everybody waiting for nothing. Releasing it is what helps."),
    (LIMIT, None, "held", "If the holder still runs then, it goes on without its lock, and another run may start beside it: allow more than a run takes."),
    (LIMIT, None, "unknown", "Nobody can say whether the holder still runs. If it still does then, another run may start beside it."),
    (LIMIT, None, "orphaned", "Nobody holds this lock any more: releasing it frees it at once, a timeout only then."),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("act", "timeout", "life", "sentence"), CHANGES)
def test_the_plan_of_a_change_says_what_it_means_for_whoever_holds_the_lock(scene, admin, act, timeout, life, sentence):
    lock, word = MAKERS[life](scene, timeout=timeout), "extend" if act is EXTEND else "timeout"

    plan = plan_change(admin, "session", act, lock.id, lock.token_digest, timedelta(minutes=1))

    assert [fact.code for fact in plan.effects] == [f"{word}_until", f"{word}_{life}", "change_compared"]
    assert sentence in said(plan.effects)
    assert plan.forced is (act is LIMIT and life != "orphaned")


@pytest.mark.django_db
def test_the_plan_of_a_change_says_what_does_not_happen_while_the_lock_is_held(scene, admin, blocked):
    lock = scene.plain()

    plan = plan_change(admin, "session", EXTEND, lock.id, lock.token_digest)

    assert [fact.code for fact in plan.effects] == ["extend_until", "extend_unknown", "blocks", "change_compared"]
    assert f"While it is held, this does not happen: {BLOCKS}." in said(plan.effects)


@pytest.mark.django_db
def test_the_plan_of_a_protection_says_what_it_means(scene, operator, overrun):
    plan = plan_change(operator, "session", PROTECT, overrun.id, overrun.token_digest)

    assert [fact.code for fact in plan.effects] == ["protect_until", "protect_held", "protect_compared"]
    assert said(plan.effects)[0].endswith("no other run can take the lock meanwhile.")
    assert said(plan.effects)[2] == "If somebody takes the lock before you confirm, nothing is done."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("terminate", "code", "sentence"),
    [
        (
            False,
            "revoke_only",
            "is told not to run d9c26803 of guest_import again. This does not stop a run that is under way, and is forgotten at its restart.",
        ),
        (True, "revoke_terminates", "end the process of run d9c26803 of guest_import (SIGTERM): what it has not finished is lost, and is not undone."),
    ],
)
def test_the_plan_of_a_revoke_says_what_it_does_to_the_run_and_when_the_lock_is_released(scene, terminate, code, sentence):
    lock = held_by_a_run(scene)

    plan = plan_revoke(make_user("bea", (*OPERATOR, "terminate_runs")), "session", lock.id, lock.token_digest, terminate=terminate)

    assert [fact.code for fact in plan.effects] == [code, "revoke_then_release", "no_holder_check"]
    assert sentence in said(plan.effects)[0]
    assert said(plan.effects)[1].startswith("The lock is released only when that run was seen to end")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("life", "why"), [("held", "the holder of this lock still runs"), ("unknown", "whether the holder of this lock lives cannot be known")]
)
def test_a_timeout_that_needs_force_is_refused_with_words_of_its_own(scene, operator, admin, life, why):
    lock = MAKERS[life](scene, timeout=None)
    sentence = f"Nothing done: {why}. A timeout ends the lock under a run that goes on longer, so setting one needs force."

    planned = plan_change(operator, "session", LIMIT, lock.id, lock.token_digest).obstacle
    outcome = change_now(admin, LIMIT, lock.id, lock.token_digest, "it hangs", span=timedelta(minutes=1), origin="api")

    assert (planned.code, outcome.code) == ("needs_force", "needs_force")
    assert {words.answer(planned.code, planned.values), outcome.sentence} == {sentence}


@pytest.mark.django_db
def test_a_release_that_needs_force_speaks_of_releasing(scene, operator):
    lock = MAKERS["unknown"](scene)

    obstacle = plan_release(operator, "session", lock.id, lock.token_digest).obstacle

    assert words.answer(obstacle.code, obstacle.values).endswith("whether its holder lives cannot be known. Releasing it needs force.")

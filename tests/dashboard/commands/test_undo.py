"""What is changed from a terminal can be undone from there: each command says with what line, and until when."""

import json
import re

import pytest

from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import orphan_token
from tests.dashboard.acts.test_lifetime import overrun
from tests.dashboard.commands.test_locks import run

pytestmark = pytest.mark.django_db
__all__ = ["overrun"]
LINE = re.compile(r"^Undo until (\d\d:\d\d:\d\d) UTC: manage.py undo ([0-9a-f-]{36})$", re.MULTILINE)


def act_on(capsys, command, lock, *more):
    status, out, _ = run(capsys, command, lock.id, "--digest", lock.token_digest, "--reason", "because", *more)
    assert status == 0, out
    return out


def undone(capsys, out):
    [(until, act_id)] = LINE.findall(out)
    assert f"{OperatorAct.objects.get(pk=act_id).undo_until:%H:%M:%S}" == until
    return run(capsys, "undo", act_id)


def test_a_release_says_how_it_is_undone(scene, capsys):
    token = orphan_token()
    lock = scene.see(scene.take(token=token))

    status, out, _ = undone(capsys, act_on(capsys, "release", lock))

    assert status == 0
    assert "Put back" in out
    assert not LINE.findall(out)
    assert scene.value(lock.raw_key) == token


@pytest.mark.parametrize(("command", "timeout", "more"), [("extend", 60, ("--by", "60")), ("timeout", None, ("--after", "60"))])
def test_a_change_of_a_lifetime_says_how_it_is_undone(scene, capsys, command, timeout, more):
    lock = scene.orphan(timeout=timeout)

    status, _, _ = undone(capsys, act_on(capsys, command, lock, *more))

    assert status == 0
    assert scene.redis.pttl(lock.raw_key) <= 60_000 if timeout else scene.redis.pttl(lock.raw_key) == -1


def test_a_protection_says_how_it_is_undone(scene, capsys, overrun):
    status, _, _ = undone(capsys, act_on(capsys, "protect", overrun))

    assert status == 0
    assert scene.value(overrun.raw_key) is None


def test_of_several_each_is_undone_by_its_own_line(scene, capsys):
    keys = [scene.take(name, token=orphan_token()) for name in ("lock_a", "lock_b")]
    seen = [scene.see(key) for key in keys]
    scene.see(*keys)
    named = [part for lock in seen for part in (lock.id, "--digest", lock.token_digest)]

    _, out, _ = run(capsys, "release", *named, "--reason", "died")

    assert len(LINE.findall(out)) == 2
    assert [run(capsys, "undo", act_id)[0] for _until, act_id in LINE.findall(out)] == [0, 0]


def test_what_was_refused_names_no_undo(scene, capsys):
    lock = scene.plain()

    _, out, _ = run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "because")

    assert "Undo until" not in out


def test_json_has_the_act_and_its_time_and_no_line(scene, capsys):
    row = json.loads(act_on(capsys, "release", scene.orphan(), "--json"))

    assert row["act"] == str(OperatorAct.objects.get().pk)
    assert row["undo_until"]

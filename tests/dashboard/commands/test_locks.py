import json
import os
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from dashboard.locking.holder import current_run, this_process
from dashboard.locking.token import write_token
from dashboard.models import OperatorAct
from tests.dashboard.acts.scene import orphan_token, tell_note


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    """Exit status, output and error output of a command."""
    status = 0
    try:
        call_command(*arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_locks_as_json_are_what_the_api_gives(scene, capsys):
    lock = scene.orphan()

    status, out, _ = run(capsys, "locks", "--json")

    answer = json.loads(out)
    assert status == 0
    assert [row["id"] for row in answer["locks"]] == [lock.id]
    assert answer["locks"][0]["verdict"] == "orphaned"
    assert datetime.fromisoformat(answer["as_of"]) <= datetime.now(UTC)
    assert answer["unavailable"] == {}


def test_locks_as_a_table_name_what_a_release_needs(scene, capsys):
    lock = scene.orphan()

    status, out, _ = run(capsys, "locks")

    assert status == 0
    assert all(text in out for text in ("orphaned", "lock_report_7", lock.id, lock.token_digest))


def test_a_lock_taken_outside_a_task_names_process_and_host(scene, capsys):
    scene.see(scene.take("lock_by_hand", token=write_token(current_run(), this_process())))

    told = json.loads(run(capsys, "locks", "--json")[1])["locks"][0]
    _, table, _ = run(capsys, "locks")

    assert (told["holder"]["pid"], told["holder"]["host"]) == (os.getpid(), os.uname().nodename)
    assert any(f"outside any worker, by pid {os.getpid()} on host" in sentence for sentence in told["evidence"])
    assert f"exact outside any task, pid {os.getpid()} on {os.uname().nodename}" in table


def test_a_key_of_another_type_is_called_no_lock(scene, capsys):
    scene.redis.hset("shop:1:lock_hash", "a", "b")
    scene.see(b"shop:1:lock_hash")

    _, table, _ = run(capsys, "locks")

    assert "no lock" in table and "unknown" in table
    assert run(capsys, "locks", "--q", "zzz")[1] == "No lock is held.\n", "a hash is none"


def test_the_filter_leaves_the_others_out(scene, capsys):
    scene.see(scene.take("lock_a", token=orphan_token()), scene.take("lock_b"))

    _, out, _ = run(capsys, "locks", "--json", "--q", "verdict:orphaned")

    assert [row["name"] for row in json.loads(out)["locks"]] == ["lock_a"]


def test_no_database_is_asked(scene, capsys, django_db_blocker):
    """The test has no `django_db` mark, so any query would fail."""
    scene.orphan()

    assert run(capsys, "locks", "--json")[0] == 0


def test_without_an_observer_one_look_is_taken(scene, settings, capsys):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "INSPECT": False}
    scene.take("lock_found")

    status, out, _ = run(capsys, "locks", "--json")

    assert status == 0
    assert [row["name"] for row in json.loads(out)["locks"]] == ["lock_found"]


def test_a_cache_that_does_not_answer_is_status_3_and_not_an_empty_list(scene, settings, capsys):
    from dashboard import connections

    away = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": away}, "INSPECT": False}
    connections.forget_connections()

    status, out, err = run(capsys, "locks")

    assert status == 3
    assert "No lock is held" not in out
    assert "cache shop" in err


def test_a_filter_that_matches_nothing_says_how_many_are_held(scene, capsys):
    scene.see(scene.take("lock_a"), scene.take("lock_b"))

    assert run(capsys, "locks", "--q", "nosuchlock")[:2] == (0, "No lock matches the filter; 2 are held.\n")


def test_ids_and_digests_are_whole_in_a_narrow_table(scene, capsys, monkeypatch):
    monkeypatch.setattr("dashboard.management.lists.WIDTH", 60)
    lock = scene.orphan()

    _, out, _ = run(capsys, "locks")

    assert lock.id in out
    assert lock.token_digest in out


def test_nothing_held_is_said(scene, capsys):
    scene.put([])

    assert run(capsys, "locks")[:2] == (0, "No lock is held.\n")


def test_a_hostile_name_cannot_write_to_the_terminal(scene, capsys):
    scene.orphan("lock_\x1b[31m\u202egnp")

    _, out, _ = run(capsys, "locks")

    assert "\x1b[31m" not in out
    assert "\u202e" not in out


@pytest.mark.django_db
def test_release_releases(scene, capsys):
    lock = scene.orphan()

    status, out, _ = run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "its worker died")

    assert status == 0
    assert out.startswith("Released.")
    assert scene.value(lock.raw_key) is None
    act = OperatorAct.objects.get()
    assert (act.origin, act.user) == ("cli", None)
    assert act.username.endswith("(terminal)")


@pytest.mark.django_db
def test_release_as_json_is_what_the_api_gives(scene, operator, capsys):
    lock = scene.orphan()

    status, out, _ = run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "x", "--as", "olga", "--json")

    assert status == 0
    assert json.loads(out)["code"] == "released"
    assert OperatorAct.objects.get().user == operator


@pytest.mark.django_db
def test_release_of_a_lock_that_is_not_there_is_status_1(scene, capsys):
    scene.put([])

    status, out, _ = run(capsys, "release", "0" * 16, "--digest", "0" * 16, "--reason", "x")

    assert status == 1
    assert "No lock with this id" in out


@pytest.mark.django_db
def test_release_of_another_token_is_status_1(scene, capsys):
    lock = scene.orphan()

    assert run(capsys, "release", lock.id, "--digest", "0" * 16, "--reason", "x")[0] == 1
    assert scene.value(lock.raw_key) is not None


@pytest.mark.django_db
def test_release_of_what_is_not_proved_orphaned_needs_force(scene, capsys):
    lock = scene.plain()

    assert run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "x")[0] == 1
    assert run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "x", "--force")[0] == 0


@pytest.mark.django_db
def test_release_as_a_user_has_that_users_permissions(scene, viewer, capsys):
    lock = scene.orphan()

    status, out, _ = run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "x", "--as", "vera")

    assert status == 1
    assert "lockhouse.release_lock" in out
    assert scene.value(lock.raw_key) is not None


@pytest.mark.django_db
def test_release_in_a_cache_that_does_not_answer_is_status_3(scene, settings, capsys):
    from dashboard import connections

    lock = scene.orphan()
    away = {**settings.LOCKHOUSE["CACHES"]["shop"], "LOCATION": "redis://127.0.0.1:1/1"}
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "CACHES": {"shop": away}}
    connections.forget_connections()

    assert run(capsys, "release", lock.id, "--digest", lock.token_digest, "--reason", "x")[0] == 3


@pytest.mark.django_db
def test_release_as_somebody_who_is_not_there_is_wrong_usage(scene, capsys):
    with pytest.raises(CommandError) as caught:
        call_command("release", "0" * 16, "--digest", "0" * 16, "--reason", "x", "--as", "nobody")

    assert caught.value.returncode == 2


@pytest.mark.parametrize("arguments", [("release",), ("release", "id"), ("locks", "--nonsense"), ("token",)])
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", *arguments])

    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["locks", "release", "token"])
def test_help_says_what_the_command_is_for(command, capsys):
    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["manage.py", command, "--help"])

    assert caught.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.django_db
def test_token_prints_one_that_works(viewer, client, watching, capsys):
    status, out, _ = run(capsys, "token", "vera", "--label", "grafana")

    assert status == 0
    assert client.get("/api/v1/locks", headers={"Authorization": f"Bearer {out.strip()}"}).status_code == 200


@pytest.mark.django_db
def test_several_are_released_from_a_terminal_each_with_its_own_digest(scene, capsys):
    from tests.dashboard.acts.test_bulk import seen

    [(a, a_digest), (b, b_digest)] = seen(scene, scene.take("lock_a", token=orphan_token()), scene.take("lock_b", token=orphan_token()))

    status, out, _ = run(capsys, "release", a, "--digest", a_digest, b, "--digest", b_digest, "--reason", "died")

    assert status == 0
    assert "lock_a: Released." in out
    assert "2 of 2" in out
    assert scene.redis.dbsize() == 0


@pytest.mark.django_db
def test_one_of_several_that_is_left_alone_is_exit_status_1(scene, capsys):
    from tests.dashboard.acts.test_bulk import seen

    [(a, a_digest), (b, b_digest)] = seen(scene, scene.take("lock_a", token=orphan_token()), scene.take("lock_live"))

    status, out, _ = run(capsys, "release", a, b, "--digest", a_digest, "--digest", b_digest, "--reason", "died", "--json")

    assert status == 1
    assert [row["code"] for row in json.loads(out)["locks"]] == ["released", "not_proved"]


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [("a", "b", "--digest", "1" * 16), ("a", "b", "--digest", "1" * 16, "--digest", "2" * 16, "--force")])
def test_several_ids_need_a_digest_each_and_none_is_forced(scene, arguments):
    with pytest.raises(CommandError) as caught:
        call_command("release", *arguments, "--reason", "x")

    assert caught.value.returncode == 2


def test_what_a_cache_does_not_show_is_said_beside_the_table(scene, capsys):
    lock = scene.orphan()
    tell_note("cache shop", "More than 20,000 locks are held: \x1b[2Jthose beyond are not listed.")
    tell_note("lockhouse", "Give it a Redis of its own.")

    status, out, err = run(capsys, "locks")

    assert (status, err) == (0, "cache shop: More than 20,000 locks are held: \\u001b[2Jthose beyond are not listed.\n")
    assert lock.id in out

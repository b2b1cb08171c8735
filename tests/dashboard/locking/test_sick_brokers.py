"""No broker, however sick, delays a task or the end of its process; what it missed is told later, or counted."""

import socket

import pytest

from tests.dashboard.locking.helpers import REFUSED, WITH_APP, Events, Sender, answer, free_port, until

PATIENT = """
from dashboard.locking import report
report.SOCKET_SECONDS = report.FIRST_PAUSE_SECONDS = 600
"""  # who waited for the broker would not be done before the test gives up


@pytest.fixture
def black_hole_url():
    """A broker that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def dead_url():
    """A port where nothing listens."""
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.mark.parametrize("sick", ["dead_url", "black_hole_url"])
def test_sick_broker_delays_neither_the_refused_nor_the_exit(programs, held, request, sick):
    script = REFUSED + WITH_APP + PATIENT + "for _ in range(200): be_refused()\nprint('refused')"

    assert programs.run(script, request.getfixturevalue(sick)) == "refused\n"


def test_run_that_is_refused_while_the_broker_is_frozen_is_reported_later(redis, programs, freezable_broker, held):
    programs.start_worker(freezable_broker.url)
    task_id = Sender(freezable_broker.url).send("locking_be_refused", held, "told", "barrier", how="acquire", about_to="waiting")
    answer(redis, "waiting")

    with Events(freezable_broker.url) as events:
        freezable_broker.freeze()
        redis.rpush("barrier", "go")
        told = answer(redis, "told")
        freezable_broker.thaw()
        event = events.next_refused()

    assert (event["uuid"], event["pid"], event["dropped"]) == (task_id, told["pid"], 0)


def test_report_that_the_broker_refused_is_tried_again(redis, programs, lone_redis, held):
    url = "redis://{host}:{port}/0".format(**lone_redis.connection_pool.connection_kwargs)

    with Events(url) as events:
        lone_redis.execute_command("ACL SETUSER", "default", "-publish")
        programs.start("-c", REFUSED + WITH_APP + "be_refused(); wait_for('leave')", broker_url=url)
        until(lambda: lone_redis.info("errorstats").get("errorstat_NOPERM"))
        lone_redis.execute_command("ACL SETUSER", "default", "+publish")
        event = events.next_refused()
        redis.rpush("leave", "go")

    assert (event["key"], event["dropped"]) == (held, 0)


def test_what_finds_no_room_is_counted_and_told_with_the_next_report(redis, programs, freezable_broker, held):
    redis.set("lock_marker", "another")
    script = (
        REFUSED
        + WITH_APP
        + PATIENT
        + """
for _ in range(150):
    be_refused()
tell("refused")
wait_for("marker")
be_refused("lock_marker")
wait_for("leave")
"""
    )

    with Events(freezable_broker.url) as events:
        freezable_broker.freeze()
        programs.start("-c", script, broker_url=freezable_broker.url)
        assert answer(redis, "told") == "refused", "while the broker is frozen"
        freezable_broker.thaw()
        received = [events.next_refused() for _ in range(60)]
        redis.rpush("marker", "go")
        while received[-1]["key"] != "lock_marker":
            received.append(events.next_refused())
        redis.rpush("leave", "go")

    dropped = sum(event["dropped"] for event in received)
    assert 0 < dropped < 60
    assert len(received) + dropped == 151

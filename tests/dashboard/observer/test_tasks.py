"""Tasks with a real worker: what it registered, what its runs did, and a name that it does not know."""

from datetime import UTC, datetime

from dashboard.conf import policy
from dashboard.judge import assess, concerns
from dashboard.judge.tasks import judge_tasks
from tests.system import wait_for


def test_worker_s_tasks_are_known_and_a_misspelt_one_is_said_to_be_thrown_away(system, snapshot):
    system.worker()
    system.observer()

    def task(name):
        known, now = snapshot(), datetime.now(UTC)
        return next((one for one in judge_tasks(known, assess(known, now, policy()), now, policy()) if one.name == name), None)

    wait_for(lambda: (one := task("guest_import")) and one.registered == ("w@guest",), said="the worker told what it has registered")
    wait_for(lambda: snapshot().sources and all(source.ok for source in snapshot().sources) and task("guest_import").hour, said="events are received")
    system.send("guest_import", "7", 0)
    system.send("guest_imoprt", "7", 0)

    worked = wait_for(lambda: task("guest_import").task.worked, said="a run that worked")
    assert worked.worker == "w@guest"
    assert task("guest_import").hour.succeeded == 1
    odd = wait_for(lambda: (one := task("guest_imoprt")) and one.is_unknown and one.hour and one.hour.thrown_away and one, said="its message was thrown away")
    assert odd.near == ("guest_import",)
    assert [fact.code for fact in odd.warnings] == ["task_unknown", "task_near", "task_thrown_away"]

    def attention():
        known, now = snapshot(), datetime.now(UTC)
        return [(one.kind, one.subject) for one in concerns(known, assess(known, now, policy()), now, policy())]

    wait_for(lambda: ("unknown-task", "guest_imoprt") in attention(), said="the Overview says so")

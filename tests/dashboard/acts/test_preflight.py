"""Will this run? Each condition with real prefork workers, the same answer on the page, from the API and on the command line."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from celery import Celery
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from dashboard import connections, snapshot
from dashboard.words.preflight import STATES, SUBJECTS
from tests.dashboard.acts.pages import logged_in
from tests.dashboard.acts.scene import make_user
from tests.dashboard.api.calls import bearer, post
from tests.system import ROOT, System, running_server, running_system, wait_for

pytestmark = pytest.mark.django_db
GUEST, STRANGER = "tests.guest.app", "tests.guest.stranger"
WORKERS = (  # name, queues, app, processes
    ("w", "celery,mixed", GUEST, 1),
    ("other", "mixed,parcels", STRANGER, 1),
    ("leaver", "leaving", GUEST, 1),
    ("frozen", "silent", GUEST, 1),
    ("killed", "gone", GUEST, 1),
    ("busy", "slow", GUEST, 1),
)
GRACE_S = 6
ALIKE_WITHIN_S = 15  # a worker's silence grows while three are asked one after the other


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """The guest's workers in every state; what Lockhouse keeps is on another server, so that the broker may be frozen."""
    with running_server() as own, running_system(tmp_path_factory.mktemp("preflight")) as running:
        running.env |= {"LOCKHOUSE_REDIS_URL": f"{own.connection_url}/0", "LOCKHOUSE_QUEUES": "nightly,oddly", "LOCKHOUSE_GRACE": str(GRACE_S)}
        running.own_url = f"{own.connection_url}/0"
        running.broker.hset("oddly", "no", "list")
        started = {name: begin(running, name, queues, app, processes) for name, queues, app, processes in WORKERS}
        for name in started:
            wait_for(lambda name=name: b" ready." in (running.logs / f"{name}.log").read_bytes(), said=f"worker {name}")
        started["observer"] = running.observer()
        send(running, "leaving", 1, "leaving-1", 600)
        send(running, "celery", 1, "import-1", 600)
        running.taken("leaving-1")
        running.taken("import-1")
        yield running, started


def begin(running: System, name: str, queues: str, app: str, processes: int, **env: str) -> subprocess.Popen[bytes]:
    arguments = ["-m", "celery", "-A", app, "worker", "-n", f"{name}@guest", "-Q", queues, "-c", str(processes), "-E", "-l", "INFO"]
    return running.start(name, *arguments, **env)


def send(running: System, queue: str, count: int, *args: object) -> None:
    with Celery("caller", broker=f"{running.url}/0", set_as_current=False) as caller:
        for _ in range(count):
            caller.send_task("guest_import", args=args, queue=queue, ignore_result=True)


@pytest.fixture
def watched(settings, system):
    """Lockhouse in this process beside that system."""
    running, _started = system
    settings.LOCKHOUSE = {
        "NAME": "test-system",
        "BROKER_URL": f"{running.url}/0",
        "CACHES": {"shop": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"{running.url}/1", "KEY_PREFIX": "shop", "VERSION": 3}},
        "REDIS_URL": running.own_url,
        "READ_ONLY": False,
        "GRACE": GRACE_S,
        "LOCKS": {"{name}": {"owner": "guest_import"}},
    }
    connections.forget_connections()
    snapshot.forget()
    yield running
    connections.forget_connections()
    snapshot.forget()


@pytest.fixture
def project(watched):
    """Lockhouse inside a project whose tasks this process has."""
    before = Celery("before", broker="redis://elsewhere:6379/0", set_as_current=False)
    app = Celery("project", broker=f"{watched.url}/0")

    def guest_import(name: str, seconds: float, timeout: float = 600) -> None: ...

    app.task(name="guest_import", shared=False)(guest_import)
    yield app
    before.set_current()
    app.close()
    app.set_as_current = False


@dataclass
class Asker:
    """Asks in all three ways, as one person."""

    user: User
    capsys: pytest.CaptureFixture[str]

    def answers(self, task="guest_import", queue="celery", args=("free-1", 0), kwargs=None, **options) -> dict:
        """What the API says, once the page and the command line were seen to say the same; each looks for itself, so one may be a moment ahead."""
        said = {"task": task, "queue": queue, "args": list(args), "kwargs": kwargs or {}, **options}
        until = time.monotonic() + ALIKE_WITHIN_S
        while True:
            try:
                return self.alike(said, {name: str(value) for name, value in options.items()})
            except AssertionError:
                if time.monotonic() > until:
                    raise

    def alike(self, said, options) -> dict:
        task, queue, texts = said["task"], said["queue"], {**options, "args": json.dumps(said["args"]), "kwargs": json.dumps(said["kwargs"])}
        answer = post(Client(), "/api/v1/send/check", said, **bearer(self.user)).json()
        page = logged_in(self.user).post("/send/", {"task": task, "queue": queue, **texts, "step": "check"}).content.decode()
        status, printed = self.printed(task, queue, texts)
        assert [of_api(check) for check in printed["checks"]] == [of_api(check) for check in answer["checks"]]
        assert shown_on(page) == [shown(check) for check in answer["checks"]]
        assert answer["message"] in html.unescape(page)
        assert status == (1 if answer["verdict"] == "will-not-run" else 3 if printed["unavailable"].keys() & {"broker", "workers"} else 0)
        return answer

    def printed(self, task, queue, texts) -> tuple[int, dict]:
        options = [part for name, value in texts.items() for part in (f"--{name}", value)]
        with pytest.raises(SystemExit) as end:
            call_command("send", task, "--queue", queue, *options, "--check", "--json")
        return int(end.value.code or 0), json.loads(self.capsys.readouterr().out)


@pytest.fixture
def asker(watched, db, capsys):
    return Asker(make_user("sonja", ("view_locks", "view_payloads", "send_tasks")), capsys)


def of_api(check) -> tuple:
    """Without what changes from one moment to the next."""
    return check["subject"], check["state"], check["code"], check["suggestion"], check["lock_id"], without_numbers(check["message"])


def shown(check) -> tuple:
    return str(SUBJECTS[check["subject"]]), check["state"], str(STATES[check["state"]]), without_numbers(check["message"])


def shown_on(page: str) -> list[tuple]:
    """The lines of the page's verdict."""
    lines = re.findall(r'data-subject="([^"]*)" data-state="([^"]*)">\s*<span class="lh-badge">([^<]*)</span>\s*<span><b>[^<]*</b> ([^<]*)', page)
    return [(subject, state, word, without_numbers(html.unescape(text).strip().removesuffix("·"))) for subject, state, word, text in lines]


def without_numbers(text: str) -> str:
    return re.sub(r"\d[\d.:]*", "#", text).strip()


def check_of(answer, code):
    found = [check for check in answer["checks"] if check["code"] == code]
    assert len(found) == 1, [(check["code"], check["message"]) for check in answer["checks"]]
    return found[0]


def ready(asker, code, *, verdict="", says="", **given):
    """Wait until that is what is answered; the three answers are compared only then."""

    def is_answered() -> bool:
        sent = {"task": "guest_import", "queue": "celery", "args": ["free-1", 0], **given}
        answer = post(Client(), "/api/v1/send/check", sent, **bearer(asker.user)).json()
        is_said = any(check["code"] == code and says in check["message"] for check in answer["checks"])
        return is_said and verdict in {"", answer["verdict"]}

    wait_for(is_answered, seconds=90, every=0.3, said=f"{verdict} {code}")


def as_json(given):
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def test_what_is_known_read_and_free_will_run(asker):
    ready(asker, "send_readers_know", verdict="will-run")

    answer = asker.answers()

    assert (answer["verdict"], answer["message"]) == ("will-run", "This will run")


@pytest.mark.parametrize(
    ("code", "given", "said", "suggestion"),
    [
        ("send_name_unknown", {"task": "guest_imports"}, "none of 6 living workers knows guest_imports; did you mean guest_import?", "guest_import"),
        ("send_readers_do_not_know", {"queue": "parcels"}, "its reader other@guest does not know guest_import and throws it away", "celery"),
        ("send_queue_unread", {"queue": "nightly"}, "nobody reads nightly: it would wait there until somebody does", "celery"),
        ("send_queue_unknown", {"queue": "celrey"}, "no queue celrey is known, and nobody reads one: it would wait there for ever; did you mean", "celery"),
        ("send_queue_wrong_type", {"queue": "oddly"}, "the key of oddly holds a hash where a queue is a list: nothing can be sent to it", None),
        ("send_lock_held", {"args": ("import-1", 0)}, "a run that starts now is refused after its wait", None),
        ("send_expired", {"expires": "2026-01-01T00:00:00Z"}, "it has expired already, at 2026-01-01 00:00:00 UTC", None),
        ("send_expires_before_eta", {"countdown": 60, "expires": 20}, "it would never run", None),
    ],
)
def test_what_makes_it_fail_is_said_alike_everywhere(asker, code, given, said, suggestion):
    ready(asker, code, verdict="will-not-run", says=said, **as_json(given))

    answer = asker.answers(**given)
    check = check_of(answer, code)

    assert (answer["verdict"], answer["message"], check["state"]) == ("will-not-run", "This will not run", "fails")
    assert said in check["message"]
    assert check["suggestion"] == suggestion


@pytest.mark.parametrize(
    ("code", "args", "kwargs", "said"),
    [
        ("send_missing", ("free-1",), {}, "missing: seconds"),
        ("send_too_many", ("free-1", 0, 1, 2), {}, "4 by position where the task takes 3"),
        ("send_unexpected", ("free-1", 0), {"secnods": 3}, "not taken by the task: secnods"),
        ("send_given_twice", ("free-1", 0), {"name": "free-2"}, "given twice, by position and by name: name"),
    ],
)
def test_arguments_that_do_not_fit_fail_where_the_project_has_the_task(asker, project, code, args, kwargs, said):
    answer = asker.answers(args=args, kwargs=kwargs)

    assert answer["verdict"] == "will-not-run"
    assert check_of(answer, code)["message"] == said


@pytest.mark.parametrize(
    ("code", "given", "said"),
    [
        ("send_some_do_not_know", {"queue": "mixed"}, "of 2 readers other@guest does not know guest_import: if that one receives it, it is thrown away"),
        ("send_lock_may_be_held", {"args": ("import-1", 0), "countdown": 5}, "if it is still held when this starts, this is refused after its wait"),
        ("send_lock_shared", {"count": 2}, "all 2 runs would take free-1: those that start while another holds it are refused"),
        ("send_eta_too_late", {"countdown": 7 * 3600}, "later than the visibility timeout of 6 h"),
    ],
)
def test_what_may_stand_against_it_is_a_warning_everywhere(asker, code, given, said):
    ready(asker, code, verdict="may-not-run", says=said, **as_json(given))

    answer = asker.answers(**given)
    check = check_of(answer, code)

    assert (answer["verdict"], check["state"]) == ("may-not-run", "warning")
    assert said in check["message"]


@pytest.mark.parametrize(
    ("code", "given", "said"),
    [
        ("send_lock_not_told", {"args": ()}, "the arguments do not tell which lock of {name} it would take"),
        ("send_lock_not_catalogued", {"task": "guest_fetch", "args": (1, 0, 0)}, "name no lock that this task takes"),
        ("send_priority", {"priority": 5}, "priority 5 goes to the list 3; lower ones are read first"),
    ],
)
def test_what_is_only_told_decides_nothing(asker, code, given, said):
    ready(asker, code, verdict="will-run", says=said, **as_json(given))

    answer = asker.answers(**given)

    assert answer["verdict"] == "will-run"
    assert said in check_of(answer, code)["message"]


def test_priority_changes_nothing_where_the_transport_has_one_list(asker, settings):
    settings.LOCKHOUSE = {**settings.LOCKHOUSE, "BROKER_TRANSPORT_OPTIONS": {"priority_steps": [0]}}

    ready(asker, "send_no_priorities", verdict="will-run", priority=5)

    answer = asker.answers(priority=5)

    assert (answer["verdict"], check_of(answer, "send_no_priorities")["state"]) == ("will-run", "warning")


def test_what_expires_behind_a_backlog_is_never_said_to_run(system, asker):
    send(system[0], "slow", 400, "slow-1", 1)
    ready(asker, "send_behind", queue="slow", expires=3)  # once the rate of the last minute is known, which may take that long

    answer = asker.answers(queue="slow", expires=3)

    assert (answer["verdict"], check_of(answer, "send_expires_waiting")["state"]) == ("will-not-run", "fails")


def test_readers_that_leave_that_are_silent_and_that_are_gone_are_told_apart(system, asker):
    running, started = system
    kill(started["killed"])
    ready(asker, "send_queue_unread", queue="gone")
    os.killpg(started["frozen"].pid, signal.SIGSTOP)  # later: a worker that fell silent at the same moment could own the connection that is left
    send(running, "silent", 6, "silent-1", 0)  # four may wait in its socket; it takes none of them
    ready(asker, "send_readers_silent", queue="silent")
    started["leaver"].terminate()
    ready(asker, "send_readers_leaving", queue="leaving")
    ready(asker, "send_behind_stuck", queue="silent")

    leaving, silent, gone = asker.answers(queue="leaving"), asker.answers(queue="silent"), asker.answers(queue="gone")

    assert check_of(leaving, "send_readers_leaving")["message"].startswith("all readers of leaving are leaving; the last, leaver@guest, said so at ")
    assert check_of(silent, "send_readers_silent")["message"].startswith("all readers of silent are silent; the last, frozen@guest, was heard at ")
    assert "none has left the queue within the last minute" in check_of(silent, "send_behind_stuck")["message"]
    assert "nobody reads gone: it would wait there until somebody does; killed@guest did until " in check_of(gone, "send_queue_unread")["message"]
    assert (leaving["verdict"], silent["verdict"], gone["verdict"]) == ("may-not-run", "may-not-run", "will-not-run")


def kill(process) -> None:
    """The worker with its processes, so that nobody says good-bye."""
    os.killpg(process.pid, signal.SIGKILL)


def test_command_line_of_its_own_process_says_the_same(system, asker):
    running, _started = system
    answer = asker.answers(queue="celrey")

    command = [sys.executable, "manage.py", "send", "guest_import", "--queue", "celrey", "--args", '["free-1", 0]', "--check", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=running.env, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    printed = {check["subject"]: (check["state"], check["code"]) for check in json.loads(ended.stdout)["checks"]}
    assert all(printed[check["subject"]] == (check["state"], check["code"]) for check in answer["checks"] if check["subject"] in {"name", "queue"})


def test_broker_that_is_away_leaves_everything_open(system, asker):
    running, _started = system
    pid = int(running.broker.info("server")["process_id"])
    running.broker.close()
    try:
        os.kill(pid, signal.SIGSTOP)
        ready(asker, "send_depth_unknown")
        ready(asker, "send_name_not_asked")
        ready(asker, "send_readers_unknown")
        ready(asker, "send_lock_unknown")

        answer = asker.answers()
    finally:
        os.kill(pid, signal.SIGCONT)

    assert (answer["verdict"], answer["message"]) == ("unknown", "Not known whether this will run")
    assert {check["code"] for check in answer["checks"] if check["state"] == "ok"} == set(), [check["message"] for check in answer["checks"]]
    assert {"broker", "workers"} <= answer["unavailable"].keys()


def test_without_a_living_worker_nobody_knows_the_name(system, asker):
    for name, process in system[1].items():
        if name != "observer" and process.poll() is None:
            kill(process)
    ready(asker, "send_no_worker")

    answer = asker.answers()

    assert answer["verdict"] == "will-not-run"
    assert check_of(answer, "send_no_worker")["message"] == "no worker lives, so nobody knows guest_import"
    assert {"send_readers_silent", "send_queue_unread"} & {check["code"] for check in answer["checks"]}


def test_workers_that_answer_nobody_leave_everything_open(system, asker):
    running, started = system
    started["mute"] = begin(running, "mute", "celery", STRANGER, 1, GUEST_IS_MUTE="1")
    ready(asker, "send_name_not_told")
    ready(asker, "send_readers_unknown")

    answer = asker.answers()

    assert answer["verdict"] == "unknown"
    assert check_of(answer, "send_name_not_told")["message"] == "0 of 1 living workers have told their tasks, and guest_import is not among them"
    assert check_of(answer, "send_readers_unknown")["state"] == "unknown"


def test_without_an_observer_the_page_and_the_api_rely_on_nothing(system, asker):
    kill(system[1]["observer"])
    ready(asker, "send_stale")

    answer = post(Client(), "/api/v1/send/check", {"task": "guest_import", "queue": "celery"}, **bearer(asker.user)).json()
    page = logged_in(asker.user).get("/send/", {"task": "guest_import", "queue": "celery"}).content.decode()
    status, printed = asker.printed("guest_import", "celery", {})

    assert answer["verdict"] == "unknown"
    assert "is known, so nothing below can be relied on" in check_of(answer, "send_stale")["message"]
    assert shown_on(page) == [shown(check) for check in answer["checks"]]
    assert "send_stale" not in [check["code"] for check in printed["checks"]], "it has looked for itself"
    assert (status, printed["verdict"]) == (0, "unknown"), "a worker that answers nobody may live"

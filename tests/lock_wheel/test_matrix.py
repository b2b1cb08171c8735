"""The wheel lockhouse-lock in projects of others: in an environment with nothing else, and with the oldest and the newest versions that it supports."""

import json
import os
import signal
import subprocess
import sys
import tomllib
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from dashboard.locking.token import read_token
from tests.dashboard.locking.helpers import Events, answer
from tests.lock_wheel.venvs import ROOT, WHEELS_SOURCE, build_wheel, environment, install, interpreter, locked, run
from tests.sentinel import running_sentinel
from tests.system import running_server, wait_for

SHOP = Path(__file__).resolve().parent / "shop.py"
OLDEST = ("redis==4.6.0", "django-redis==5.4.0", "django==4.2.16", "celery==5.2.7", "setuptools<81")  # Celery 5.2 asks pkg_resources
NEWEST = tuple(map(locked, ("redis", "django-redis", "django", "celery", "hiredis", "packaging")))
ROWS = {"oldest": (("3.9", "3.10", "3.11"), OLDEST), "newest": (("3.14", "3.13", "3.12"), NEWEST)}

pytestmark = pytest.mark.timeout(600)  # two environments may have to be made first, some 30 s each


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environments(wheel):
    """The python of each row, made side by side; the reason where there is none."""
    with ThreadPoolExecutor() as pool:
        made = {row: pool.submit(_made, *of_row, wheel) for row, of_row in ROWS.items()}
        return {row: future.result() for row, future in made.items()}


def _made(versions, requirements, wheel):
    python = interpreter(*versions)
    if python is None:
        return f"none of the interpreters {', '.join(f'python{version}' for version in versions)} is installed here"
    if (said := run(python, "--version").strip()) and not said.startswith(f"Python {versions[0]}."):
        warnings.warn(f"Python {versions[0]} is not installed here: {requirements[0]} and the others are tried on {said}", stacklevel=1)
    try:
        ready = environment(python, *requirements)
    except pytest.skip.Exception as no_index:
        return str(no_index)
    install(ready, "--force-reinstall", "--no-deps", wheel)
    return ready


@pytest.fixture(params=ROWS)
def python(request, environments):
    made = environments[request.param]
    if isinstance(made, str):
        pytest.skip(made)
    return made


@pytest.fixture(scope="module")
def server():
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def sentinel_port(server, tmp_path_factory):
    with running_sentinel(server.connection_url, tmp_path_factory.mktemp("sentinel")) as port:
        yield port


@pytest.fixture
def places(server, sentinel_port):
    with Redis.from_url(server.connection_url) as redis:
        redis.flushall()
    sentinels = json.dumps([("127.0.0.1", sentinel_port)])
    return {"CACHE_URL": f"{server.connection_url}/1", "BROKER_URL": f"{server.connection_url}/0", "SENTINELS": sentinels}


def test_wheel_has_these_modules_under_its_own_name_and_the_licence(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name}

    assert names == {f"lockhouse_lock/{path.name}" for path in WHEELS_SOURCE.glob("*.py")} | {"lockhouse_lock/LICENSE"}


def test_wheel_has_the_version_of_lockhouse():
    ours, the_wheels = (tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"] for folder in (ROOT, WHEELS_SOURCE))

    assert ours == the_wheels


def test_wheel_alone_brings_redis_py_and_none_of_the_rest(wheel, tmp_path, places):
    run(interpreter("3.11", "3.12", "3.13", "3.14"), "-m", "venv", "--without-pip", tmp_path)
    python = tmp_path / "bin" / "python"
    install(python, wheel)

    said = run(python, "-c", "import sys, lockhouse_lock; print({name.partition('.')[0] for name in sys.modules})")
    packages = {package["name"].lower() for package in json.loads(run(sys.executable, "-m", "pip", "--python", python, "list", "--format", "json"))}

    assert {"lockhouse-lock", "redis"} <= packages <= {"lockhouse-lock", "redis", "async-timeout", "pyjwt"}
    assert not any(f"'{name}'" in said for name in ("django", "celery", "kombu", "channels", "dashboard"))


def test_every_client_of_these_versions_makes_our_lock(python, places):
    said = json.loads(run(python, SHOP, **places))

    assert said["without_django"] and said["lost"]
    assert {"django", "celery", "kombu", "dashboard"}.isdisjoint(said["at_first"])
    for tried in (said["plain"], *said["clients"].values()):
        assert tried["kind"] == "HolderLock" and tried["token"] == tried["in_redis"]
        assert tried["refused"] and tried["extended"]
        assert read_token(tried["token"].encode()).kind == "lockhouse"
    assert set(said["clients"]) == {"DefaultClient", "HerdClient", "ShardClient", "SentinelClient"}
    assert {tried["key"] for tried in said["clients"].values()} == {"shop:3:lock_a"}


def test_worker_of_these_versions_names_its_run_and_reports(python, places, tmp_path):
    worker = [python, "-m", "celery", "-A", "shop", "worker", "-c", "1", "-n", "w@shop", "-l", "INFO", "-Q", "shop"]
    with Events(places["BROKER_URL"]) as events, (tmp_path / "worker.log").open("wb") as log, Redis.from_url(places["CACHE_URL"], socket_timeout=60) as cache:
        place = {"cwd": SHOP.parent, "env": {**_environment(), **places}, "start_new_session": True}
        process = subprocess.Popen(list(map(str, worker)), stdout=log, stderr=log, **place)
        try:
            wait_for(lambda: b" ready." in (tmp_path / "worker.log").read_bytes(), said="the worker's start")
            task_id = events.app.send_task("shop_hold", args=["lock_a", "told", 2], queue="shop", ignore_result=True).id
            told = answer(cache, "told")
            waiting, refused = events.next("lock-waiting"), events.next("lock-refused")
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the old one hangs where it is told to leave while it reads what its run returned
            process.wait(30)

    claim = read_token(told["token"].encode())
    assert told["refused"]
    assert (claim.task_id, claim.task_name, claim.worker) == (task_id, "shop_hold", "w@shop")
    assert waiting["uuid"] == refused["uuid"] == task_id
    assert (refused["key"], waiting["digest"]) == ("lock_a", refused["digest"])


def _environment():
    return {name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}}

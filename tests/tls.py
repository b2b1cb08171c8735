"""TLS in front of a real server that speaks none, as hosted ones have it: a certificate of its own, and every byte handed on."""

import asyncio
import queue
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where TLS ends, and the certificate that says so."""

    port: int
    certificate: Path


@contextmanager
def running_tls(server_port: int, folder: Path) -> Iterator[Ending]:
    """TLS for 127.0.0.1 on a port of its own, in front of this port."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    named = ["-subj", "/CN=lockhouse-tests", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", *named]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def hand_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while received := await source.read(65536):
                sink.write(received)
                await sink.drain()
        sink.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
        await asyncio.gather(hand_on(reader, server_writer), hand_on(server_reader, writer))

    told: queue.SimpleQueue[tuple[int, Callable[[], object]]] = queue.SimpleQueue()

    async def listen() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        listener = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
        told.put((listener.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(end.set)))
        await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    port, end = told.get(timeout=20)
    try:
        yield Ending(port=port, certificate=certificate)
    finally:
        end()
        thread.join(20)

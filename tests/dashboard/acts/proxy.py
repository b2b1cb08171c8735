"""A TCP proxy in front of a real server that can act at the very moment a command passes: no test has to guess the time."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Proxy:
    """Forwards bytes both ways; `on_eval` is called before the first EVAL (or other of `marks`) is forwarded, and may stop the server or cut the answer.

    `cuts_request`: the connection breaks instead of forwarding it, after it let `passes` of them through.
    """

    def __init__(self, host: str, port: int, marks: tuple[bytes, ...] = (b"EVAL",)) -> None:
        self._marks = marks
        self.cuts_request, self.passes = False, 0
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.on_eval: Callable[[], None] | None = None
        self.drops_answers = False
        self._ends: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def cut(self) -> None:
        """Break every connection, and take no other: both sides see it at once, and nothing that one says of it reaches the other."""
        self._is_cut = True
        self._listener.shutdown(socket.SHUT_RDWR)  # else the thread that accepts would take one more
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                client.close()
                return
            upstream = socket.create_connection(self._server)
            self._ends += [client, upstream]
            threading.Thread(target=self._forward, args=(client, upstream, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(upstream, client, False), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        try:
            while received := source.recv(65536):
                if self._is_cut:
                    break
                is_marked = is_request and any(mark in received for mark in self._marks)
                if is_marked and self.on_eval:
                    act, self.on_eval = self.on_eval, None
                    act()
                if is_marked and self.cuts_request:
                    if not self.passes:
                        break
                    self.passes -= 1
                if not is_request and self.drops_answers:
                    break
                sink.sendall(received)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

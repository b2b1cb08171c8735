"""The slow, sometimes failing endpoint that the demo serves to its own tasks: `python -m tasks_demo.endpoint PORT`.

Every third question gets 503, counted over all of them, so that a retry is always seen soon and never in vain twice.
"""

import json
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

SLOWNESS_S = 2.0
FAILS_EVERY = 3


class Endpoint(BaseHTTPRequestHandler):
    """Answers `/servers/<id>` with invented facts."""

    questions = count(1)
    slowness_s = SLOWNESS_S

    def do_GET(self) -> None:
        time.sleep(self.slowness_s)
        with suppress(ConnectionError):  # a worker that was ended meanwhile waits for no answer
            self._answer_or_fail()

    def _answer_or_fail(self) -> None:
        server_id = self.path.rpartition("/")[2]
        if not server_id.isdecimal():
            self.send_error(HTTPStatus.NOT_FOUND)
        elif next(self.questions) % FAILS_EVERY == 0:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._answer(facts(int(server_id)))

    def _answer(self, value: dict[str, str | int]) -> None:
        body = json.dumps(value).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def facts(server_id: int) -> dict[str, str | int]:
    """What there is to know of a server: always the same for the same id."""
    return {"id": server_id, "name": f"web-{server_id}", "cores": 2 ** (server_id % 5), "load_percent": server_id * 37 % 100}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Endpoint).serve_forever()

"""`stoker learn` against a server that cannot do it, or not to the end: one line says so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from typer.testing import CliRunner

from stoker.cli.main import app

COURSE = {"token": "t", "experiments": []}
RUN = {"outcomes": [], "claims": [], "failed": "", "good": False}
ABOUT = {"title": "T", "learns": "L", "differs": "", "steps": [], "pages": [], "run": RUN}


class Ending(BaseHTTPRequestHandler):
    """Begins an experiment, and is gone before that is over."""

    def do_POST(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        if self.path.endswith("/follow"):
            self.answer(b"event: moved\ndata: 0\n\n")
        else:
            told = COURSE if self.path.endswith("learn/told") else ABOUT
            self.answer(json.dumps(told).encode())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


class Another(Ending):
    """Some other server."""

    def do_GET(self) -> None:
        self.send_error(404)


@contextmanager
def serving(kind: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def learn(url: str, *args: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["learn", *args, "--endpoint-url", url])
    return ran.exit_code, ran.output


def test_who_hears_of_no_end_says_that_the_server_is_gone() -> None:
    with serving(Ending) as url:
        status, text = learn(url, "reuse")
    assert status == 1
    assert "the server ended before the experiment did" in text


def test_a_server_without_a_guided_tour_is_named_as_such() -> None:
    with serving(Another) as url:
        for args in [(), ("reuse",)]:
            status, text = learn(url, *args)
            assert status == 1
            assert "that server has no guided tour: HTTP Error 404" in text

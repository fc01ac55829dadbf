"""A server for `stoker dev`, where none answers: it lives as long as the command."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from stoker.cli.dev_packages import cache

ANSWER_S = 5.0
STOP_S = 60.0
_LOCAL = ("127.0.0.1", "localhost", "::1")


@contextmanager
def served(url: str) -> Iterator[bool]:
    """Somebody answers there; True: we have started it, and end it. Raise ValueError."""
    place = urlsplit(url)
    if place.hostname not in _LOCAL:
        raise ValueError(f"{url} is another machine, which cannot see a folder of this one")
    if _answers(url):
        yield False
        return
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "stoker", "serve", "--port", str(place.port or 80)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours: what we do last still needs the server
        )
    assert server.stdout is not None
    with server.stdout:
        try:
            if b"http" not in server.stdout.readline():
                raise ValueError(f"`stoker serve` does not start: see {cache() / 'server.log'}")
            yield True
        finally:
            server.terminate()
            try:
                server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_stoker/health", timeout=ANSWER_S):
            return True
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            return False
        raise ValueError(f"{url} does not answer as Stoker does: {error}") from error

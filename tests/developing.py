"""`stoker dev` as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.running import REGION

PATIENCE_S = 60.0


class Dev:
    """Use as a context manager: at its end it is interrupted, as by Ctrl-C."""

    def __init__(
        self, what: Path, url: str, *options: str, environ: Mapping[str, str] = {}
    ) -> None:
        words = [sys.executable, "-m", "stoker", "dev", str(what), "--endpoint-url", url]
        self.process = subprocess.Popen(
            [*words, "--region", REGION, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "XDG_CACHE_HOME": str(what.resolve().parent / "cache"),
                **environ,
            },
        )
        self._said: list[str] = []
        self._more = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self._said.append(line)
                self._more.notify_all()
        with self._more:
            self._over = True
            self._more.notify_all()

    @property
    def said(self) -> str:
        with self._more:
            return "".join(self._said)

    def until(self, words: str) -> str:
        """Wait until it has said that; the answer is all that it has said."""
        with self._more:
            self._more.wait_for(
                lambda: self._over or any(words in line for line in self._said), PATIENCE_S
            )
        assert words in self.said, self.said
        return self.said

    def debug_port(self) -> int:
        """Where it lets debuggers in, once it does."""
        said = self.until("a debugger may come to")
        return int(re.findall(r"a debugger may come to 127\.0\.0\.1:(\d+)", said)[-1])

    def wait(self) -> int:
        status = self.process.wait(PATIENCE_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def __enter__(self) -> "Dev":
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()


def answer(functions: Any, name: str, event: object = None) -> Any:
    answered = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answered["Payload"].read())


def until(look: Callable[[], Any], wanted: object) -> None:
    """What a look answers at last."""
    end = time.monotonic() + PATIENCE_S
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{found!r}, not {wanted!r}"

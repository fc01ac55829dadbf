"""Programs are asked what they are; again only when their file has changed."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")
PROBE_S = 20.0  # a version manager's shim takes a quarter of a second on an idle machine


def ask(
    command: Sequence[str | Path], without: str | tuple[str, ...]
) -> "subprocess.CompletedProcess[bytes] | None":
    """What came of the command; None if it failed.

    without: how variables begin that would change what the program is.
    """
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env={name: text for name, text in os.environ.items() if not name.startswith(without)},
            timeout=PROBE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def say(command: Sequence[str | Path], without: str) -> dict[str, Any] | None:
    """The object that the command prints as JSON; None if it does not."""
    try:
        answer = ask(command, without)
        facts = None if answer is None else json.loads(answer.stdout)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


class Probes(Generic[T]):
    """What is known of each path: an answer, or None if there is none that works."""

    def __init__(self, ask: Callable[[Path], T | None]) -> None:
        self._ask = ask
        self._known: dict[Path, tuple[int, T | None]] = {}  # at its mtime, it was that

    def __call__(self, path: Path) -> T | None:
        """Runs it when it is new or changed."""
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            return None
        known = self._known.get(path)
        if known is None or known[0] != changed:
            known = self._known[path] = (changed, self._answer(path))
        return known[1]

    def _answer(self, path: Path) -> T | None:
        try:
            return self._ask(path)
        except (KeyError, TypeError, ValueError):  # it says something else than was asked
            return None

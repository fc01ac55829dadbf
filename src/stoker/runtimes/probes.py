"""Programs are asked what they are; again only when their file has changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


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
            known = self._known[path] = (changed, self._ask(path))
        return known[1]

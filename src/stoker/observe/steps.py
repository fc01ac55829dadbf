"""Named steps and how long each took: the one way to measure a cold start.

steps = Steps()
with steps.step("create"):
    ...
steps.taken  ->  [("create", 1.83), ...]     milliseconds, in the order of their ends
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 32  # steps kept; a list that somebody fills in a loop has an end


class Steps:
    def __init__(self) -> None:
        self.taken: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block, also when it fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, (time.perf_counter() - began) * 1000)

    def add(self, name: str, duration_ms: float) -> None:
        """Keep a step that was measured elsewhere."""
        if len(self.taken) < MOST:
            self.taken.append((name, duration_ms))

"""A sandbox that the server asks for, in two packets.

The second says what the runtime that is parked in it is told at once. The server works that out
while the launcher fits the sandbox to its function, which takes either of them half a millisecond.
"""

import os
from collections.abc import Callable
from typing import Any


class Request:
    def __init__(self, number: int, spec: dict[str, Any]) -> None:
        self.number, self.spec = number, spec
        self.first, self.fds = b"", list[int]()  # what its runtime is told; none: nothing yet
        self.is_told = not spec["first"]  # no second packet is to come, or it has come
        self._is_over = False
        self._then: Callable[[], None] = lambda: None

    def told(self, first: bytes, fds: list[int]) -> None:
        """The second packet is here."""
        self.is_told = True
        self.first, self.fds = first, fds
        if self._is_over:
            self.let_go()
        else:
            self._then()

    def when_told(self, then: Callable[[], None]) -> None:
        """Do this as soon as the second packet is here."""
        if self.is_told:
            then()
        else:
            self._then = then

    def let_go(self) -> None:
        """It is answered."""
        self._is_over = True
        for fd in self.fds:
            os.close(fd)
        self.fds = []

"""Where the work of a request is done: here if that is quick, else in a thread."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE_BYTES = 64 * 1024
MATCHING = 100  # a regular expression looks at a character as long as other work at so many


async def worked(work: Callable[[], T], size_bytes: int) -> T:
    """`size_bytes`: of what is worked on."""
    return work() if size_bytes < LARGE_BYTES else await asyncio.to_thread(work)

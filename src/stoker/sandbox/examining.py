"""What this machine has for isolation, asked of `stoker doctor`: a process of its own, since it
tries things out. What is found depends on who asks; so the launcher asks, where it is root."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from pathlib import Path

# -P: root imports nothing from the folder that the server happened to be started in.
COMMAND = (sys.executable, "-P", "-m", "stoker", "doctor", "--json")
LIMIT_S = 60.0


def environ(runtimes_dir: Path | str | None) -> dict[str, str]:
    """So that it looks for runtimes where the server does."""
    more = {"STOKER_RUNTIMES_DIR": str(runtimes_dir)} if runtimes_dir else {}
    return {**os.environ, **more}


async def examined(runtimes_dir: Path | None) -> bytes:
    """What it says when asked as whoever we are; b"" if it does not answer."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=environ(runtimes_dir)
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            said, _ = await child.communicate()
            return said
    except TimeoutError:
        return b""
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()

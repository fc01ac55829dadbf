"""The transform AWS::Serverless-2016-10-31, by AWS's own translator in a process of its own.

It takes a second to load and may take long over what it is given: so it has a bounded memory and
bounded time, and one that hangs is killed without anybody noticing but its caller.

    server ── a line of JSON ──► transform_child.py ── a line of JSON ──► server
"""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import Any

import orjson

from stoker.core.errors import ServiceException
from stoker.core.stacks.errors import ValidationError, well_formed

log = logging.getLogger(__name__)

SAM = "AWS::Serverless-2016-10-31"
SAM_CLI_STACK = "aws-sam-cli-managed-default"  # the SAM CLI's own; it has a bucket for packages
LIMIT_S = 60.0
IDLE_S = 60.0  # then its memory is worth more than its start
LINE_BYTES = 32 * 1024 * 1024


class SamTransform:
    """One child, started when somebody needs it, for one template at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._child: Process | None = None
        self._later: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None

    async def transformed(
        self, body: dict[str, Any], values: dict[str, Any], account: str, region: str
    ) -> dict[str, Any]:
        """Raise ValidationError with the translator's words."""
        asked = {"body": body, "values": values, "account": account, "region": region}
        with well_formed():
            line = orjson.dumps(asked) + b"\n"
        async with self._turn:
            if self._later is not None:
                self._later.cancel()
            answer = await self._answered(line)
            self._until_idle()
        if "error" in answer:
            raise ValidationError(f"Transform {SAM} failed with: {answer['error']}")
        found: dict[str, Any] = answer["body"]
        return found

    def soon(self) -> None:
        """There will be one to transform before long: what can be done by then is begun."""
        if self._child is None and self._warming is None and not self._turn.locked():
            self._warming = asyncio.get_running_loop().create_task(self._warmed())

    async def close(self) -> None:
        if self._warming is not None:
            await self._warming
        if self._later is not None:
            self._later.cancel()
        if self._ending is not None:
            await self._ending
        await self._end()

    async def _answered(self, line: bytes) -> dict[str, Any]:
        try:
            async with asyncio.timeout(LIMIT_S):
                if self._child is None or self._child.returncode is not None:
                    self._child = await self._started()
                assert self._child.stdin is not None and self._child.stdout is not None
                self._child.stdin.write(line)
                await self._child.stdin.drain()
                said = await self._child.stdout.readline()
        except TimeoutError:
            await self._end()
            raise ValidationError(
                f"Transform {SAM} failed with: it took over {LIMIT_S:.0f} s"
            ) from (None)
        except (OSError, ValueError) as error:
            await self._end()
            raise ServiceException(f"The SAM translator cannot be used: {error}") from error
        except BaseException:
            await self._end()  # what it would still say is for nobody
            raise
        if not said:
            await self._end()
            raise ValidationError(f"Transform {SAM} failed with: it needs more memory than it has")
        answer: dict[str, Any] = orjson.loads(said)
        return answer

    async def _started(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "stoker.stacks.transform_child", stdin=PIPE, stdout=PIPE,
            stderr=DEVNULL, limit=LINE_BYTES,
        )  # fmt: skip

    async def _warmed(self) -> None:
        async with self._turn:
            if self._child is None:
                with contextlib.suppress(OSError):  # whoever needs it will be told
                    self._child = await self._started()
                    self._until_idle()
        self._warming = None

    def _until_idle(self) -> None:
        self._later = asyncio.get_running_loop().call_later(IDLE_S, self._rest)

    def _rest(self) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._rested())

    async def _rested(self) -> None:
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

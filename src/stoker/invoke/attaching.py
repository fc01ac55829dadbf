"""A debugger comes to the environment of a function: the newest, or the next that is made."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from stoker.core.developing import debug_port
from stoker.core.errors import ServiceException
from stoker.core.invocation import Target
from stoker.environment.attachment import Attachment
from stoker.environment.environment import Environment
from stoker.sandbox.base import SandboxFailed


class Environments(Protocol):
    """Placement's."""

    def newest(self, target: Target) -> Environment | None: ...


class Births:
    """Of environments: whoever waits for one is woken by each."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def born(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def next(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future


async def attach(
    environments: Environments, births: Births, target: Callable[[], Target]
) -> Attachment:
    """`target`: what invocations run now. Raise ServiceException, or what `target` raises."""
    while True:
        wanted = target()
        environment = environments.newest(wanted)
        if environment is None:
            await births.next()
            continue
        port = debug_port(wanted.runtime)
        if port is None:
            raise ServiceException(f"Nobody knows a debugger for {wanted.runtime}.")
        try:
            return await environment.attach(port)
        except SandboxFailed as error:
            if environments.newest(wanted) is environment:  # it lives, and does not listen
                raise ServiceException(str(error)) from error

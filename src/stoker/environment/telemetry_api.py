"""The two routes by which an extension subscribes to what its environment says.

    PUT /2022-07-01/telemetry      PUT /2020-08-15/logs

core/subscriptions.py reads what is asked for; who asks, the Extensions API knows.
"""

import asyncio
from collections.abc import Callable

from stoker.core.invoke_limits import EXTENSIONS
from stoker.core.lifecycle_words import Party, extension_name
from stoker.core.platform_events import logs_subscription, telemetry_subscription
from stoker.core.runtime_states import METHOD_NOT_ALLOWED, Answer
from stoker.core.subscriptions import (
    SUBSCRIBED,
    Api,
    Subscription,
    parse,
    too_large,
    too_many,
)
from stoker.environment.log import EnvironmentLog
from stoker.environment.telemetry import Telemetry
from stoker.http.base import Exchange
from stoker.sandbox.base import Sandbox

_PATHS = {"/2022-07-01/telemetry": Api.TELEMETRY, "/2020-08-15/logs": Api.LOGS}
Who = Callable[[Exchange], Party | Answer]  # which extension asks, or the answer to a stranger


def asked(target: str) -> Api | None:
    """Which of the two a request is for, if it is for one of them."""
    return _PATHS.get(target.partition("?")[0].removesuffix("/"))


class TelemetryApi:
    def __init__(
        self, telemetry: Telemetry, log: EnvironmentLog, who: Who, sandbox: Sandbox
    ) -> None:
        self._telemetry = telemetry
        self._log = log
        self._who = who
        listeners = (sandbox.runtime_api, sandbox.endpoint)
        self._reserved_ports = frozenset(
            int(each.address.rpartition(":")[2]) for each in listeners if each is not None
        )
        self._trying: set[asyncio.Task[None]] = set()

    def complete(self, exchange: Exchange, api: Api) -> None:
        """Answer a request, now or soon."""
        answer = self._subscribed(exchange, api)
        if answer is not None:
            exchange.respond(answer.status, [("Content-Type", answer.content_type)], answer.body)

    async def close(self) -> None:
        """Nobody is told anything any more."""
        for task in self._trying:
            task.cancel()
        if self._trying:
            await asyncio.wait(self._trying)
        await self._telemetry.close()

    def _subscribed(self, exchange: Exchange, api: Api) -> Answer | None:
        if exchange.method != "PUT":
            return METHOD_NOT_ALLOWED
        party = self._who(exchange)
        if isinstance(party, Answer):
            return party
        name = extension_name(party)
        refused = self._telemetry.refusal(name, api)
        if refused is not None:
            return refused
        if exchange.oversized or exchange.truncated:
            return too_large(api)
        asked = parse(api, exchange.body, self._reserved_ports)
        if isinstance(asked, Answer):
            return asked
        if len(self._trying) >= EXTENSIONS:
            return too_many(api)
        task = asyncio.get_running_loop().create_task(self._subscribe(exchange, name, asked))
        self._trying.add(task)
        task.add_done_callback(self._trying.discard)
        return None

    async def _subscribe(self, exchange: Exchange, name: str, asked: Subscription) -> None:
        state = await self._telemetry.subscribe(name, asked)
        if isinstance(state, Answer):
            answer = state
        else:
            answer = SUBSCRIBED
            told = telemetry_subscription if asked.api is Api.TELEMETRY else logs_subscription
            self._log.tell(told(name, state, asked.types))
        exchange.respond(answer.status, [("Content-Type", answer.content_type)], answer.body)

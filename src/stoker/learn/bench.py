"""What the steps of an experiment work with: AWS's own API, in the account of the experiment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from stoker.api.inward import Inward
from stoker.learn.answers import Answer, Outcome, answer_of
from stoker.neighbours.calls import Refused

PATIENCE_S: Final = 60.0  # with what must come
OVERLAP_S: Final = (0.4, 2.0, 10.0, 50.0)  # that invocations take which must overlap
_LOOKS_S: Final = 0.02
_REST_S: Final = 0.002

Found = TypeVar("Found")


class Broken(Exception):
    """Why an experiment cannot go on."""


class Bench:
    def __init__(
        self,
        ask: Inward,
        account: str,
        region: str,
        running: Callable[[], int],
        settled: Callable[[str], Awaitable[None]],
        growth: Callable[[str], float],
        frozen: Callable[[str], bool],
    ) -> None:
        """`running`: how many units of the account's concurrency are in use. `settled`: waits for
        a function or a version, by its ARN, until it is Active or Failed, and up to date.
        `growth`: how many environments a function may have at once now. `frozen`: are all that it
        has?"""
        self._ask = ask
        self.account = account
        self.region = region
        self._running = running
        self.settled = settled
        self.growth = growth
        self._frozen = frozen

    @property
    def running(self) -> int:
        """Units of the account's concurrency that are in use."""
        return self._running()

    async def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """One of AWS's operations. Raise neighbours.calls.Refused, or Unreachable."""
        return await self._ask(self.account, self.region, service, operation, parameters)

    async def ask(self, function: str, event: Any, qualifier: str = "") -> Answer:
        """Invoke it, and wait for no more than the answer."""
        more = {"Qualifier": qualifier} if qualifier else {}
        try:
            answered = await self.call(
                "lambda",
                "Invoke",
                FunctionName=function,
                Payload=orjson.dumps(event),
                LogType="Tail",
                **more,
            )
        except Refused as error:
            return Answer(event, error=error.code, refused=True, message=error.message)
        return answer_of(event, answered)

    async def invoke(self, function: str, event: Any = None, qualifier: str = "") -> Outcome:
        """Invoke it, and wait until its environment is free again."""
        return await self.at_once(function, [event], qualifier)

    async def at_once(self, function: str, events: Sequence[Any], qualifier: str = "") -> Outcome:
        """Invoke it with all of them at the same time; wait until all environments are free."""
        asked = [self.ask(function, event, qualifier) for event in events]
        answers = await asyncio.gather(*asked)
        await self.rest()
        return Outcome(tuple(answers))

    async def together(self, function: str, many: int, before: Sequence[Any] = ()) -> Outcome:
        """Invoke it so many times at once, with {"seconds": …} to sleep, so that each needs an
        environment of its own, by whose name it answers ("environment").

        A machine may be so busy that the first is done before the last one's environment is made,
        and takes its work. Then once more, longer, with new environments, after the events of
        `before`, one by one."""
        outcome = Outcome()
        for seconds in OVERLAP_S:
            outcome = await self.at_once(function, [{"seconds": seconds}] * many)
            answers = outcome.answers
            seen = {answer.told("environment") for answer in answers}
            if len(seen) == many or any(answer.error for answer in answers):
                break
            await self.update(function, Environment={"Variables": {"TRIED": str(seconds)}})
            for event in before:
                await self.invoke(function, event)
        return outcome

    async def update(self, function: str, /, **changes: Any) -> None:
        """Change its configuration, and wait until that is done."""
        told = await self.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName=function, **changes
        )
        await self.settled(told["FunctionArn"])

    async def publish(self, function: str, /) -> dict[str, Any]:
        """Publish a version of it, and wait until that can be invoked, or never can be."""
        version = await self.call("lambda", "PublishVersion", FunctionName=function)
        await self.settled(version["FunctionArn"])
        return await self.call(
            "lambda",
            "GetFunctionConfiguration",
            FunctionName=function,
            Qualifier=version["Version"],
        )

    async def rest(self) -> None:
        """Until nothing of the account runs: a caller has its answer a moment before that."""
        await self.until(self._at_rest, "the end of what runs", _REST_S)

    async def until_frozen(self, function: str) -> None:
        """Until every environment of it is frozen."""

        async def look() -> bool | None:
            return True if self._frozen(function) else None

        await self.until(look, f"an environment of {function} that is frozen", _REST_S)

    async def until_running(self, many: int) -> None:
        """Until so many units of the account's concurrency are in use; or nothing any more."""
        seen = 0

        async def look() -> bool | None:
            nonlocal seen
            seen = max(seen, self._running())
            return True if seen >= many or (seen and not self._running()) else None

        await self.until(look, f"{many} at the same time", _REST_S)

    async def until(
        self, look: Callable[[], Awaitable[Found | None]], what: str, every_s: float = _LOOKS_S
    ) -> Found:
        """What look() finds, as soon as it finds it. Raise Broken if it never does."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    found = await look()
                    if found is not None:
                        return found
                    await asyncio.sleep(every_s)
        except TimeoutError:
            raise Broken(f"{what} did not come within {PATIENCE_S:.0f} seconds") from None

    async def _at_rest(self) -> bool | None:
        return None if self._running() else True

    async def log(self, function: str) -> list[dict[str, Any]]:
        """All events of its log group: logStreamName, timestamp, message."""
        events: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            answer = await self.call(
                "logs", "FilterLogEvents", logGroupName=f"/aws/lambda/{function}", **more
            )
            events += answer["events"]
            if not answer.get("nextToken"):
                return events
            more = {"nextToken": answer["nextToken"]}

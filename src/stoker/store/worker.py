"""One thread that does what it is told, in that order.

    worker = Worker("store")
    rows = await worker.run(lambda: db.execute(sql).fetchall())
    worker.stop()

A way there and back costs a third of what it does with an executor, whose futures are made so
that any thread can wait for them.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """A transaction's statements, in its store's thread. `reading`: this one writes nothing, so
    that no transaction need begin for it."""

    def __call__(self, work: Callable[[], T], *, reading: bool = False) -> Awaitable[T]: ...


# The same for a statement of which nobody needs an answer: with the next one, or the commit.
Promise = Callable[[Callable[[], object]], None]


class Work(Generic[T]):
    """One thing to do. It is the thread's until it is `finished`."""

    __slots__ = ("_do", "_loop", "_told", "error", "finished", "result")

    def __init__(
        self,
        do: Callable[[], T],
        loop: asyncio.AbstractEventLoop,
        told: "Callable[[Work[T]], None] | None",
    ) -> None:
        self._do = do
        self._loop = loop
        self._told = told
        self.finished = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def carry_out(self) -> None:
        try:
            self.result = self._do()
        except BaseException as error:  # noqa: BLE001 (whoever asked is told)
            self.error = error
        self.finished = True
        if self._told is not None:
            with suppress(RuntimeError):  # a loop that is closed waits for nothing
                self._loop.call_soon_threadsafe(self._told, self)

    def answer(self) -> T:
        """What came of it, once."""
        error, self.error = self.error, None  # its traceback leads back to here
        if error is not None:
            raise error
        return self.result  # type: ignore[return-value]  # of a T that may be None


class Worker:
    """The thread begins with the first thing to do, and ends with the program or `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[Work[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """When all that was asked for is done. Nothing may be asked for any more."""
        self._queue.put(None)

    def ask(self, work: Callable[[], T], told: Callable[[Work[T]], None] | None = None) -> Work[T]:
        """Do it, and call `told` from the event loop when it is done or has failed."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        asked = Work(work, asyncio.get_running_loop(), told)
        self._queue.put(asked)  # type: ignore[arg-type]  # whatever it answers
        return asked

    async def run(self, work: Callable[[], T], then: Callable[[], None] | None = None) -> T:
        """Do it, and `then` in the event loop if it went well. What `work` raises is raised.
        Neither is undone by the cancellation of the caller, who in any case waits for the end."""
        cancelled: asyncio.CancelledError | None = None
        done, settle = _settled_once()
        asked: Work[T] = self.ask(work, settle)
        while not asked.finished:
            try:
                await done
            except asyncio.CancelledError as error:  # the thread decides when
                cancelled = error
                done, settle = _settled_once()
                self.ask(lambda: None, settle)  # what is asked for later is done later
        result = asked.answer()
        if then is not None:
            then()
        if cancelled is not None:
            raise cancelled
        return result

    def _serve(self) -> None:
        while (asked := self._queue.get()) is not None:
            asked.carry_out()
            del asked  # it would live until the next one comes


def _settled_once() -> "tuple[asyncio.Future[None], Callable[[Work[Any]], None]]":
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(_: Work[Any]) -> None:
        if not done.done():
            done.set_result(None)

    return done, settle

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
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """A transaction's statements, in its store's thread. `reading`: this one writes nothing, so
    that no transaction need begin for it."""

    def __call__(self, work: Callable[[], T], *, reading: bool = False) -> Awaitable[T]: ...


class _Asked(Generic[T]):
    """One thing to do. `done` is of the event loop, the rest is the thread's until then."""

    __slots__ = ("done", "error", "finished", "result", "work")

    def __init__(self, work: Callable[[], T], done: "asyncio.Future[None]") -> None:
        self.work = work
        self.done = done
        self.finished = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def carry_out(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:  # noqa: BLE001 (whoever asked is told)
            self.error = error
        self.finished = True
        with suppress(RuntimeError):  # a loop that is closed waits for nothing
            self.done.get_loop().call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def answer(self) -> T:
        error, self.error = self.error, None  # its traceback leads back to here
        if error is not None:
            raise error
        return self.result  # type: ignore[return-value]  # of a T that may be None


class Worker:
    """The thread begins with the first thing to do, and ends with the program or `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Asked[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def stop(self) -> None:
        """When all that was asked for is done. Nothing may be asked for any more."""
        self._queue.put(None)

    def ask(self, work: Callable[[], T]) -> None:
        """Do it; nobody waits for the end of it, nor hears why it failed."""
        self._put(work)

    async def run(self, work: Callable[[], T], then: Callable[[], None] | None = None) -> T:
        """Do it, and `then` in the event loop if it went well. What `work` raises is raised.
        Neither is undone by the cancellation of the caller, who in any case waits for the end."""
        asked = self._put(work)
        cancelled: asyncio.CancelledError | None = None
        try:
            await asked.done
        except asyncio.CancelledError as error:
            cancelled = await self._finished(asked, error)
        result = asked.answer()
        if then is not None:
            then()
        if cancelled is not None:
            raise cancelled
        return result

    def _put(self, work: Callable[[], T]) -> _Asked[T]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        asked = _Asked(work, asyncio.get_running_loop().create_future())
        self._queue.put(asked)  # type: ignore[arg-type]  # whatever it answers
        return asked

    async def _finished(
        self, asked: _Asked[T], cancelled: asyncio.CancelledError
    ) -> asyncio.CancelledError:
        """The thread decides when, not who gave up: what is put behind it is done after it."""
        while not asked.finished:
            try:
                await self._put(lambda: None).done
            except asyncio.CancelledError as error:
                cancelled = error
        return cancelled

    def _serve(self) -> None:
        while (asked := self._queue.get()) is not None:
            asked.carry_out()
            del asked  # it would live until the next one comes

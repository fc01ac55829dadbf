"""The store's thread: in order, to the end, and with the word of how it went."""

import asyncio
import threading

import pytest

from stoker.store.worker import Worker


def test_what_is_asked_for_is_done_in_that_order_by_one_thread() -> None:
    async def main() -> None:
        worker = Worker("ordered")
        seen: list[tuple[int, str]] = []
        for number in range(50):
            worker.ask(lambda number=number: seen.append((number, threading.current_thread().name)))
        assert await worker.run(lambda: len(seen)) == 50
        assert seen == [(number, "ordered") for number in range(50)]
        worker.stop()

    asyncio.run(main())


def test_what_the_work_raises_is_raised_and_nothing_follows_it() -> None:
    async def main() -> None:
        worker = Worker("failing")
        followed: list[int] = []

        def fail() -> None:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await worker.run(fail, then=lambda: followed.append(1))
        await worker.run(lambda: None, then=lambda: followed.append(2))
        assert followed == [2]
        worker.stop()

    asyncio.run(main())


def test_who_is_cancelled_any_number_of_times_waits_for_the_end_and_what_follows_it() -> None:
    async def main() -> None:
        worker = Worker("slow")
        begun, end = threading.Event(), threading.Event()
        told: list[str] = []

        def slow() -> None:
            begun.set()
            assert end.wait(60)
            told.append("done")

        task = asyncio.create_task(worker.run(slow, then=lambda: told.append("then")))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 60)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == ["done", "then"]
        worker.stop()

    asyncio.run(main())


def test_a_failure_is_told_rather_than_the_cancellation() -> None:
    async def main() -> None:
        worker = Worker("both")
        begun, end = threading.Event(), threading.Event()

        def fail() -> None:
            begun.set()
            assert end.wait(60)
            raise ValueError("no")

        task = asyncio.create_task(worker.run(fail))
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 60)
        task.cancel()
        end.set()
        with pytest.raises(ValueError, match="no"):
            await task
        worker.stop()

    asyncio.run(main())


def test_a_stopped_worker_ends_when_all_is_done() -> None:
    async def main() -> None:
        worker = Worker("ending")
        done: list[int] = []
        thread = await worker.run(threading.current_thread)
        worker.ask(lambda: done.append(1))
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()
        assert done == [1]

    asyncio.run(main())

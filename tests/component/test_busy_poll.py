"""The event loop is kept awake while that pays, and sleeps after it."""

import asyncio

import pytest

from stoker.core.busy_polling import ENOUGH, PATIENCE_S, SAMPLE
from stoker.http import busy_poll as module
from stoker.http.busy_poll import BusyPoll, busy_poll


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_it_stays_awake_until_its_patience_ends() -> None:
    async def story() -> None:
        clock, loop = Clock(), asyncio.get_running_loop()
        poll = BusyPoll(clock)
        for _ in range(ENOUGH):
            assert not poll.awake
            poll.heard(loop)
        poll.heard(loop)
        await turns()
        assert poll.awake
        clock.now += PATIENCE_S / 2
        poll.heard(loop)  # which is worth as much again
        clock.now += PATIENCE_S / 2
        await turns()
        assert poll.awake
        clock.now += PATIENCE_S
        await turns()
        assert not poll.awake

    asyncio.run(story())


def test_a_thread_that_others_push_aside_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        ru_nivcsw = 0

    monkeypatch.setattr(module.resource, "getrusage", lambda who: Usage)

    async def story() -> None:
        clock, loop = Clock(), asyncio.get_running_loop()
        poll = BusyPoll(clock)
        for pushed in (0, 1000):
            Usage.ru_nivcsw = pushed
            for _ in range(ENOUGH + SAMPLE + 1):
                poll.heard(loop)
                clock.now += PATIENCE_S / 2
            clock.now += PATIENCE_S
            await turns()
            assert not poll.awake
            poll.heard(loop)
            assert poll.awake is (pushed == 0)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("wanted", "processors", "is_there"), [("auto", 2, True), ("auto", 1, False), ("off", 2, False)]
)
def test_only_where_it_is_wanted_and_another_processor_can_work(
    wanted: str, processors: int, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "cpu_count", lambda: processors)
    assert (busy_poll(wanted) is not None) is is_there

"""Who runs at once, and who waits or is refused: accounts, reservations, rates, the machine."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

from stoker.core.account_limits import AccountLimits, Limits
from stoker.core.model import FunctionKey
from stoker.core.scaling import Rule
from stoker.invoke.machine import free_mb
from tests.gated import GATE, Gate, all_idle
from tests.invoking import ECHO, Ground, run


def test_an_account_at_its_limit_is_throttled_until_the_environment_is_free(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
while True:
    request_id, event, _ = next_event()
    respond(request_id, "1")
    path = json.loads(event)
    while path and not os.path.exists(path):
        time.sleep(0.002)
"""
        )
        flag = tmp_path / "go"
        await world.invoke(f, json.dumps(str(flag)).encode())
        refusal = await world.refused(f)
        assert (refusal.code, refusal.status, refusal.message) == (
            "TooManyRequestsException",
            429,
            "Rate Exceeded.",
        )
        assert refusal.fields == {
            "Reason": "ConcurrentInvocationLimitExceeded",
            "Type": "User",
            "retryAfterSeconds": "1",
        }
        assert world.invoker.running(f.account) == 1
        other = replace(f, account="999999999999")
        assert (await world.invoke(other, b"null")).payload == b"1", "limits are per account"
        flag.touch()
        await world.idle(f)
        assert world.invoker.running(f.account) == 0
        assert (await world.invoke(f, b"null")).payload == b"1"

    run(tmp_path, story, limits=AccountLimits(Limits(1)))


def test_a_reservation_is_a_ceiling_for_all_versions_and_a_guarantee(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
while True:
    request_id, event, _ = next_event()
    respond(request_id, "1")
    path = json.loads(event)
    while path and not os.path.exists(path):
        time.sleep(0.002)
"""
        )
        other = replace(f, name="other")
        world.invoker.reserve(FunctionKey(f.account, f.region, f.name), 1)
        flag = tmp_path / "go"
        await world.invoke(f, json.dumps(str(flag)).encode())
        for version in (f, replace(f, version="7")):
            refusal = await world.refused(version)
            assert refusal.status == 429
            assert refusal.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        await world.invoke(other, json.dumps(str(flag)).encode())
        refusal = await world.refused(other)
        assert refusal.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
        flag.touch()
        await world.idle(f)
        await world.idle(other)
        assert (await world.invoke(f, b"null")).payload == b"1"

    run(tmp_path, story, limits=AccountLimits(Limits(2)))


def test_others_never_have_more_than_what_reservations_leave_while_those_are_idle(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        dev, prod = world.function(ECHO), world.function(GATE)
        for reserved in (dev, prod):
            world.invoker.reserve(FunctionKey(dev.account, dev.region, reserved.name), 4)
        others = [world.function(GATE) for _ in range(3)]
        gates = [await Gate(world, f).inside() for f in others[:2]]
        refusal = await world.refused(others[2])
        assert refusal.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
        gates += [await Gate(world, prod).inside() for _ in range(4)]
        refusal = await world.refused(prod)
        assert refusal.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert (await world.refused(others[0])).status == 429
        assert (await world.invoke(dev, b"1")).payload == b"1"
        for gate in gates:
            await gate.open()

    run(tmp_path, story, limits=AccountLimits(Limits(10)))


def test_a_function_that_grows_too_fast_is_throttled_and_what_is_warm_goes_on(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f = world.function(GATE)
        gates = [await Gate(world, f).inside() for _ in range(2)]
        refusal = await world.refused(f)
        assert refusal.fields == {
            "Reason": "FunctionInvocationRateLimitExceeded",
            "Type": "User",
            "retryAfterSeconds": "1",
        }
        assert world.invoker._metrics.throttles[f.account, f.region, f.name] == 1, (
            "as any other throttle"
        )
        assert world.invoker.running(f.account) == 2
        other = world.function(ECHO)
        assert (await world.invoke(other, b"1")).payload == b"1", "others are others"
        for gate in gates:
            await gate.open()
        await all_idle(world, f, 2)
        again = [await Gate(world, f).inside() for _ in range(2)]
        for gate in again:
            await gate.open()

    run(tmp_path, story, scaling=Rule(2, 1e-9, of_region=False))


def test_a_machine_short_of_memory_evicts_before_it_lets_anybody_wait(tmp_path: Path) -> None:
    free = [1000.0]

    async def story(world: Ground) -> None:
        busy, idle, other = world.function(GATE), world.function(GATE), world.function(ECHO)
        gate, last = await Gate(world, busy).inside(), await Gate(world, idle).inside()
        free[0] = 100.0  # before all who began are there, after which it is looked at
        await last.open()
        await world.idle(idle)
        assert (await world.invoke(other, b"1")).payload == b"1"
        await world.until(lambda: world.views(idle) == [])
        free[0] = 0.0
        third = world.function(ECHO)
        assert "sufficient capacity" in (await world.refused(third)).message
        await gate.open()

    run(tmp_path, story, spare_mb=100, free_mb=lambda: free[0], room_limit_s=0.1)


def test_every_unit_of_concurrency_comes_back_whatever_happened(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        scripts = ["serve(lambda e: os._exit(1))", "sys.exit(1)", "time.sleep(60)", ECHO]
        for script in scripts:
            f = world.function(script, timeout_s=1)
            await world.invoke(f)
            await world.idle(f)
            assert world.invoker.running(f.account) == 0

    run(tmp_path, story, limits=AccountLimits(Limits(1)), init_limit_s=0.2)


def test_a_full_machine_evicts_the_longest_idle(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        functions = [world.function(ECHO) for _ in range(3)]
        for f in functions:
            await world.invoke(f)
            await world.idle(f)
        await world.until(lambda: world.views(functions[0]) == [])
        assert [len(world.views(f)) for f in functions] == [0, 1, 1]

    run(tmp_path, story, environments=2)


def test_a_full_and_busy_machine_lets_newcomers_wait_in_line(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        busy, other = world.function(GATE), world.function(ECHO)
        gate = await Gate(world, busy).inside()
        waiting = asyncio.create_task(world.invoke(other, b"1"))
        await asyncio.sleep(0)
        assert world.views(other) == []
        await gate.open()
        assert (await waiting).payload == b"1"

    run(tmp_path, story, memory_mb=200)


def test_who_waits_in_line_too_long_hears_that_there_is_no_capacity(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        busy, other = world.function(GATE), world.function(ECHO)
        gate = await Gate(world, busy).inside()
        refusal = await world.refused(other)
        assert (refusal.code, refusal.status) == ("ServiceException", 500)
        assert "do not have sufficient capacity" in refusal.message
        huge = world.function(ECHO, memory_mb=10240)
        assert (await world.refused(huge)).message == refusal.message
        await gate.open()

    run(tmp_path, story, memory_mb=200, room_limit_s=0.1)


def test_what_the_machine_has_left_is_some_of_what_it_has() -> None:
    total_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**2
    assert 0 < free_mb() <= total_mb

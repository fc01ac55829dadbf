"""The accounting of concurrency, against a model that counts everything anew each time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.concurrency import (
    Answer,
    Concurrency,
    check_provision,
    check_reservation,
)
from stoker.core.errors import InvalidParameterValueException


@dataclass
class Naive:
    limit: int
    running: list[tuple[str, str]] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)
    provisioned: dict[tuple[str, str], int] = field(default_factory=dict)

    def held(self, function: str) -> int:
        """What is provisioned for it, and what it runs beside that."""
        mine = [key for key in {*self.running, *self.provisioned} if key[0] == function]
        return sum(max(self.running.count(key), self.provisioned.get(key, 0)) for key in mine)

    def admit(self, function: str, version: str) -> Answer:
        key = function, version
        if self.running.count(key) >= self.provisioned.get(key, 0):
            if function in self.reserved:
                if self.held(function) >= self.reserved[function]:
                    return Answer.OVER_RESERVATION
            elif sum(self.claim(each) for each in "abc") >= self.limit:
                return Answer.OVER_LIMIT
        self.running.append(key)
        return Answer.YES

    def room(self, function: str) -> int:
        """Try, and count."""
        trial = Naive(self.limit, [*self.running], self.reserved, self.provisioned)
        for version in "12":
            while trial.admit(function, version) is Answer.YES:
                pass
        return len(trial.running) - len(self.running)

    def claim(self, function: str) -> int:
        return max(self.held(function), self.reserved.get(function, 0))


FUNCTIONS = st.sampled_from("abc")
VERSIONS = st.sampled_from("12")
STEPS = st.one_of(
    st.tuples(st.just("admit"), FUNCTIONS, VERSIONS, st.none()),
    st.tuples(st.just("admit"), FUNCTIONS, VERSIONS, st.none()),
    st.tuples(st.just("release"), FUNCTIONS, VERSIONS, st.none()),
    st.tuples(st.just("reserve"), FUNCTIONS, VERSIONS, st.one_of(st.none(), st.integers(0, 4))),
    st.tuples(st.just("provide"), FUNCTIONS, VERSIONS, st.integers(0, 3)),
)


@given(limit=st.integers(1, 10), steps=st.lists(STEPS, max_size=60))
def test_it_counts_as_the_naive_model_does(
    limit: int, steps: list[tuple[str, str, str, int | None]]
) -> None:
    real, naive = Concurrency(limit), Naive(limit)
    for step, function, version, amount in steps:
        key = function, version
        if step == "admit":
            assert real.admit(*key) is naive.admit(*key)
        elif step == "reserve":
            real.reserve(function, amount)
            naive.reserved.pop(function, None)
            if amount is not None:
                naive.reserved[function] = amount
        elif step == "provide":
            assert amount is not None
            real.provide(*key, amount)
            naive.provisioned[key] = amount
        elif key in naive.running:
            real.release(*key)
            naive.running.remove(key)
        assert real.running == len(naive.running)
        assert real.reserved(function) == naive.reserved.get(function)
        assert real.room(function) == naive.room(function)
    for key in naive.running:
        real.release(*key)
    for function in "abc":
        real.reserve(function, None)
        for version in "12":
            real.provide(function, version, 0)
    assert real.idle
    full = [real.admit("z", "1") for _ in range(limit + 1)]
    assert full == [Answer.YES] * limit + [Answer.OVER_LIMIT]


@given(
    order=st.lists(st.sampled_from(["dev", "prod", "x", "y", "z"]), max_size=100),
)
def test_all_others_together_never_have_more_than_what_is_left(order: list[str]) -> None:
    account = Concurrency(10)
    account.reserve("dev", 4)
    account.reserve("prod", 4)
    admitted = [name for name in order if account.admit(name, "1") is Answer.YES]
    assert sum(name in ("x", "y", "z") for name in admitted) <= 2  # also while dev is idle
    for name in ("dev", "prod"):
        assert admitted.count(name) == min(4, order.count(name))


def test_each_unit_is_good_for_so_many_invocations_a_second() -> None:
    account = Concurrency(2, per_unit=10)

    def asked(function: str, now: float, times: int) -> list[Answer]:
        answers = [account.admit(function, "1", now) for _ in range(times)]
        for answer in answers:
            if answer is Answer.YES:
                account.release(function, "1")
        return answers

    account.reserve("f", 1)
    for now in (0.0, 1.0):
        told = [asked("f", now, 1)[0] for _ in range(11)]
        assert told == [Answer.YES] * 10 + [Answer.OVER_RESERVED_RATE]
        told = [asked("g", now, 1)[0] for _ in range(21)]
        assert told == [Answer.YES] * 20 + [Answer.OVER_RATE]
    account.reserve("f", 0)
    assert asked("f", 2.0, 1) == [Answer.OVER_RESERVATION]


def test_nothing_reserved_is_off() -> None:
    account = Concurrency(10)
    account.reserve("f", 0)
    assert account.admit("f", "1") is Answer.OVER_RESERVATION
    account.reserve("f", None)
    assert account.admit("f", "1") is Answer.YES


def test_what_runs_beyond_a_cut_reservation_takes_from_the_others_until_it_ends() -> None:
    account = Concurrency(4)
    account.reserve("f", 3)
    assert [account.admit("f", "1") for _ in range(3)] == [Answer.YES] * 3
    account.reserve("f", 1)  # three are left; two of them are still in use
    assert account.admit("g", "1") is Answer.YES
    assert account.admit("g", "1") is Answer.OVER_LIMIT
    account.release("f", "1")
    assert account.admit("g", "1") is Answer.YES


def test_what_is_provisioned_is_held_for_its_version_alone() -> None:
    account = Concurrency(4)
    account.provide("f", "1", 2)
    assert [account.admit("f", "2"), account.admit("g", "1")] == [Answer.YES] * 2
    assert account.admit("g", "1") is Answer.OVER_LIMIT
    assert [account.admit("f", "1") for _ in range(2)] == [Answer.YES] * 2
    assert account.admit("f", "1") is Answer.OVER_LIMIT, "more would be on demand"


def test_a_reservation_that_is_wholly_provisioned_turns_all_other_versions_off() -> None:
    """AWS: "This configuration also has the effect of throttling the unpublished version"."""
    account = Concurrency(100)
    account.reserve("f", 2)
    account.provide("f", "1", 2)
    assert account.admit("f", "$LATEST") is Answer.OVER_RESERVATION
    assert [account.admit("f", "1") for _ in range(2)] == [Answer.YES] * 2
    assert account.admit("f", "1") is Answer.OVER_RESERVATION


def refusal(check: Callable[[], None]) -> str:
    with pytest.raises(InvalidParameterValueException) as refused:
        check()
    return refused.value.message


def provide(amount: int, **facts: int | None) -> None:
    usual: dict[str, Any] = {"others": 0, "before": 0, "reserved": None, "left": 1000}
    check_provision(amount, **{**usual, "minimum": 100, **facts})


def test_what_is_provisioned_has_a_place_in_the_reservation_or_the_account() -> None:
    provide(900)
    assert refusal(lambda: provide(901)) == (
        "Specified ConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    assert refusal(lambda: provide(1001)) == (
        "Specified ConcurrentExecutions for function is greater than account's unreserved "
        "concurrency [1000]."
    )
    provide(5, reserved=7, others=2, left=0)
    assert refusal(lambda: provide(6, reserved=7, others=2)) == (
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function"
    )
    provide(4, before=5, left=10)  # less than before is never too much


def test_a_reservation_leaves_the_minimum_to_all() -> None:
    check_reservation(900, before=0, provisioned=0, left=1000, minimum=100)
    with pytest.raises(InvalidParameterValueException) as refused:
        check_reservation(901, before=0, provisioned=0, left=1000, minimum=100)
    assert refused.value.message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    check_reservation(
        60, before=50, provisioned=0, left=110, minimum=100
    )  # what it has is given back first
    check_reservation(0, before=0, provisioned=0, left=10, minimum=100)
    check_reservation(5, before=5, provisioned=0, left=10, minimum=100)
    message = refusal(lambda: check_reservation(1, before=0, provisioned=2, left=1000, minimum=100))
    assert message == (
        "ReservedConcurrentExecutions 1 should not be lower than function's total provisioned "
        "concurrency [2]."
    )

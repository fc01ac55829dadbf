"""The accounting of concurrency, against a model that counts everything anew each time."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.concurrency import Answer, Concurrency, check_reservation
from stoker.core.errors import InvalidParameterValueException


@dataclass
class Naive:
    limit: int
    running: list[str] = field(default_factory=list)
    reserved: dict[str, int] = field(default_factory=dict)

    def admit(self, function: str) -> Answer:
        if function in self.reserved:
            if self.running.count(function) >= self.reserved[function]:
                return Answer.OVER_RESERVATION
        else:
            beyond = sum(
                max(0, self.running.count(each) - self.reserved.get(each, 0))
                for each in set(self.running)
            )
            if beyond + sum(self.reserved.values()) >= self.limit:
                return Answer.OVER_LIMIT
        self.running.append(function)
        return Answer.YES


FUNCTIONS = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("admit"), FUNCTIONS, st.none()),
    st.tuples(st.just("admit"), FUNCTIONS, st.none()),
    st.tuples(st.just("release"), FUNCTIONS, st.none()),
    st.tuples(st.just("reserve"), FUNCTIONS, st.one_of(st.none(), st.integers(0, 4))),
)


@given(limit=st.integers(1, 10), steps=st.lists(STEPS, max_size=60))
def test_it_counts_as_the_naive_model_does(
    limit: int, steps: list[tuple[str, str, int | None]]
) -> None:
    real, naive = Concurrency(limit), Naive(limit)
    for step, function, amount in steps:
        if step == "admit":
            assert real.admit(function) is naive.admit(function)
        elif step == "reserve":
            real.reserve(function, amount)
            naive.reserved.pop(function, None)
            if amount is not None:
                naive.reserved[function] = amount
        elif function in naive.running:
            real.release(function)
            naive.running.remove(function)
        assert real.running == len(naive.running)
    for function in naive.running:
        real.release(function)
    for function in naive.reserved:
        real.reserve(function, None)
    assert real.idle
    assert [real.admit("z") for _ in range(limit + 1)] == [Answer.YES] * limit + [Answer.OVER_LIMIT]


@given(
    order=st.lists(st.sampled_from(["dev", "prod", "x", "y", "z"]), max_size=100),
)
def test_all_others_together_never_have_more_than_what_is_left(order: list[str]) -> None:
    account = Concurrency(10)
    account.reserve("dev", 4)
    account.reserve("prod", 4)
    admitted = [name for name in order if account.admit(name) is Answer.YES]
    assert sum(name in ("x", "y", "z") for name in admitted) <= 2  # also while dev is idle
    for name in ("dev", "prod"):
        assert admitted.count(name) == min(4, order.count(name))


def test_nothing_reserved_is_off() -> None:
    account = Concurrency(10)
    account.reserve("f", 0)
    assert account.admit("f") is Answer.OVER_RESERVATION
    account.reserve("f", None)
    assert account.admit("f") is Answer.YES


def test_what_runs_beyond_a_cut_reservation_takes_from_the_others_until_it_ends() -> None:
    account = Concurrency(4)
    account.reserve("f", 3)
    assert [account.admit("f") for _ in range(3)] == [Answer.YES] * 3
    account.reserve("f", 1)  # three are left; two of them are still in use
    assert account.admit("g") is Answer.YES
    assert account.admit("g") is Answer.OVER_LIMIT
    account.release("f")
    assert account.admit("g") is Answer.YES


def test_a_reservation_leaves_the_minimum_to_all() -> None:
    check_reservation(900, before=0, left=1000, minimum=100)
    with pytest.raises(InvalidParameterValueException) as refusal:
        check_reservation(901, before=0, left=1000, minimum=100)
    assert refusal.value.message == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    check_reservation(60, before=50, left=110, minimum=100)  # what it has is given back first
    check_reservation(0, before=0, left=10, minimum=100)
    check_reservation(5, before=5, left=10, minimum=100)

"""What something would have cost on AWS, against AWS's own examples."""

from datetime import date

import pytest

from stoker.core.price_list import ARM, RATES, REGIONS, X86, Item
from stoker.core.prices import Billed, added, prices, said

BEFORE_INIT_WAS_BILLED = date(2025, 7, 31)


@pytest.mark.parametrize(
    ("memory_mb", "duration_ms", "dollars"),
    [
        (128, 11_722, 0.024628),
        (256, 6_678, 0.028035),
        (512, 3_194, 0.026830),
        (1024, 1_465, 0.024638),
    ],
)
@pytest.mark.parametrize("on", [BEFORE_INIT_WAS_BILLED, date(2026, 11, 1)])
def test_a_thousand_invocations_cost_what_aws_shows(
    memory_mb: int, duration_ms: int, dollars: float, on: date
) -> None:
    """The table of AWS's developers about memory against duration."""
    thousand = Billed(memory_mb).time(1000 * duration_ms) | {Item.REQUESTS: 1000}
    cost = prices("us-east-1", X86, on).cost(thousand)
    assert sum(cost.values()) == pytest.approx(dollars, rel=0.001)


def test_the_init_of_a_managed_runtime_is_billed_since_august_2025() -> None:
    cold = Billed(1024).time(1500, init_ms=500)
    assert cold == {Item.DURATION: 1.0, Item.INIT: 0.5}
    before = prices("us-east-1", X86, BEFORE_INIT_WAS_BILLED).cost(cold)
    since = prices("us-east-1", X86, date(2025, 8, 1)).cost(cold)
    assert before[Item.INIT] == 0
    assert since[Item.INIT] == pytest.approx(0.5 * 0.0000166667)
    assert before[Item.DURATION] == since[Item.DURATION]
    own = Billed(1024, managed=False).time(1500, init_ms=500)
    assert own == {Item.DURATION: 1.5}, "of a runtime in the function's code it always was"


def test_aws_s_example_of_snapshots_costs_the_same() -> None:
    """7.44 million requests of two seconds, 1 GB, a month of 31 days, 1 % cold."""
    month = {
        Item.REQUESTS: 7.44e6,
        Item.DURATION: 14.88e6,
        Item.CACHED: 31 * 86400.0,
        Item.RESTORED: 74_400.0,
    }
    cost = prices("us-east-1", X86).cost(month)
    assert sum(cost.values()) == pytest.approx(263.92, abs=0.02)


def test_aws_s_example_of_a_stream_costs_the_same() -> None:
    cost = prices("us-east-1", X86).cost({Item.STREAMED: 976.56})
    assert cost[Item.STREAMED] == pytest.approx(7.81, abs=0.01)


@pytest.mark.parametrize(
    ("architecture", "per_gb_s"),
    [
        (X86, (0.0000166667, 0.0000150000, 0.0000133334)),
        (ARM, (0.0000133334, 0.0000120001, 0.0000106667)),
    ],
)
def test_much_costs_less_by_tiers(architecture: str, per_gb_s: tuple[float, ...]) -> None:
    six, nine = (6e9, 9e9) if architecture == X86 else (7.5e9, 11.25e9)
    first, second, third = per_gb_s
    of = prices("us-east-1", architecture)
    for amount, dollars in (
        (six, six * first),
        (six + nine, six * first + nine * second),
        (six + nine + 1e9, six * first + nine * second + 1e9 * third),
    ):
        assert of.cost({Item.DURATION: amount})[Item.DURATION] == pytest.approx(dollars, rel=1e-5)
    both = of.cost({Item.DURATION: six, Item.INIT: 1e6})
    assert both[Item.INIT] == pytest.approx(1e6 * second, rel=1e-5), "init comes on top"
    old = prices("us-east-1", architecture, date(2022, 7, 31))
    assert old.cost({Item.DURATION: 20e9})[Item.DURATION] == pytest.approx(20e9 * first)


def test_what_is_provisioned_has_prices_of_its_own() -> None:
    """10 environments of 1 GB for an hour, in which 36,000 GB-seconds were used for 1,000."""
    used = Billed(1024, provisioned=True).time(1_000_000)
    amounts = added(used, {Item.PROVISIONED: 36_000.0})
    for architecture, dollars in ((X86, 0.15 + 0.0097222), (ARM, 0.12 + 0.0077778)):
        cost = prices("us-east-1", architecture).cost(amounts)
        assert sum(cost.values()) == pytest.approx(dollars, rel=1e-4)


def test_storage_is_billed_beyond_what_everybody_has() -> None:
    assert Item.STORAGE not in Billed(128, storage_mb=512).time(1000)
    ten = Billed(128, storage_mb=10_240).time(1000)[Item.STORAGE]
    assert ten == pytest.approx(9.5)
    cost = prices("us-east-1", ARM).cost({Item.STORAGE: ten})
    assert cost[Item.STORAGE] == pytest.approx(9.5 * 0.0000000309)


def test_regions_differ_and_one_that_is_unknown_says_so() -> None:
    one = {Item.DURATION: 1.0, Item.REQUESTS: 1e6, Item.PROVISIONED: 1.0}
    cost = prices("ap-east-1", ARM).cost(one)
    assert cost == pytest.approx(
        {Item.DURATION: 1.83e-5, Item.REQUESTS: 0.28, Item.PROVISIONED: 5.7153e-6 * 0.8}
    )
    assert prices("ap-east-1", X86, BEFORE_INIT_WAS_BILLED).dollars[Item.INIT] == 0
    assert all(prices(name, X86).known for name in (*REGIONS, "us-west-2"))
    unknown = prices("xx-nowhere-9", X86)
    assert not unknown.known
    assert unknown.dollars == prices("us-east-1", X86).dollars


def test_nothing_is_priced_that_was_not_sold() -> None:
    with pytest.raises(ValueError, match="arm64 before 2021-09-29"):
        prices("us-east-1", ARM, date(2021, 9, 28))
    with pytest.raises(ValueError, match="x86_64 before 2020-12-01"):
        prices("us-east-1", X86, date(2020, 11, 30))


def test_every_rate_has_its_source() -> None:
    assert all(rate.source for rate in RATES)
    assert {(rate.item, rate.architecture) for rate in RATES} == {
        (item, architecture) for item in Item for architecture in (X86, ARM)
    }


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        (0, "$0"),
        (0.0000002083, "$0.000000208"),
        (0.0000166667, "$0.0000167"),
        (0.024628, "$0.0246"),
        (0.1, "$0.100"),
        (1.5, "$1.50"),
        (263.919, "$263.92"),
        (12345.6, "$12,346"),
    ],
)
def test_dollars_are_said_with_three_digits(dollars: float, text: str) -> None:
    assert said(dollars) == text

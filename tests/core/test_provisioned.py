"""What is provisioned: shares of versions, how far it has come, and when to begin one more."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.aliases import Alias, AliasKey
from stoker.core.bucket import Bucket
from stoker.core.model import FunctionKey
from stoker.core.provisioned import AT_A_TIME, Ask, Fill, Progress, Provision, State, asks, progress

KEPT = Provision(requested=5, modified=1.0)


def alias(version: str, weights: Mapping[str, float]) -> Alias:
    key = AliasKey(FunctionKey("000000000000", "eu-west-1", "f"), "live")
    return Alias(key, version, "revision", weights=weights)


def ask(amount: int, modified: float = 1.0, qualifier: str = "live") -> tuple[Ask, ...]:
    return (Ask(qualifier, modified, amount),)


def test_an_alias_asks_for_its_version_and_shares_what_it_shares() -> None:
    assert asks("7", KEPT, None) == {"7": Ask("7", 1.0, 5)}
    assert asks("live", KEPT, alias("1", {})) == {"1": Ask("live", 1.0, 5)}
    shared = asks("live", KEPT, alias("1", {"2": 0.1}))
    assert {version: one.amount for version, one in shared.items()} == {"1": 4, "2": 1}
    assert asks("live", KEPT, alias("1", {"2": 1.0})).keys() == {"2"}
    assert asks("live", KEPT, alias("1", {"2": 0.0})).keys() == {"1"}


@given(requested=st.integers(1, 1000), weight=st.floats(0, 1))
def test_the_shares_are_all_there_is(requested: int, weight: float) -> None:
    shared = asks("live", Provision(requested, 1.0), alias("1", {"2": weight}))
    assert sum(one.amount for one in shared.values()) == requested


def test_progress_is_told_from_all_versions_of_an_alias() -> None:
    full, half = State(ask(3), 3, complete=True), State(ask(2), 1)
    assert progress("live", KEPT, [full, half]) == (Progress.IN_PROGRESS, 4, None)
    failed = State(ask(2), 1, failure="why")
    assert progress("live", KEPT, [full, failed]) == (Progress.FAILED, 4, "why")
    assert progress("live", KEPT, [full]) == (Progress.READY, 3, None)


def test_what_was_asked_before_says_nothing_of_what_is_asked_now() -> None:
    old = State(ask(5, modified=0.5), 5, complete=True, failure="why")
    assert progress("live", KEPT, [old]) == (Progress.IN_PROGRESS, 0, None)


def test_two_aliases_of_one_version_share_what_is_ready_in_their_order() -> None:
    state = State((*ask(2, qualifier="first"), *ask(5)), 4)
    assert progress("live", KEPT, [state])[1] == 2


def test_a_fill_begins_a_few_at_a_time_until_it_is_complete() -> None:
    fill: Fill[int] = Fill()
    fill.ask(ask(6))
    slot = 0
    while fill.may_begin(0.0):
        fill.begun(slot := slot + 1, 0.0)
    assert slot == AT_A_TIME
    for one in range(1, 7):
        if fill.may_begin(0.0):
            fill.begun(slot := slot + 1, 0.0)
        assert not fill.complete
        fill.became_ready(one)
    assert fill.complete
    assert not fill.may_begin(0.0)
    assert fill.state == State(ask(6), 6, complete=True)


def test_who_dies_is_replaced_and_whoever_dies_on_and_on_is_replaced_slowly() -> None:
    fill: Fill[int] = Fill()
    fill.ask(ask(2))
    now, made = 0.0, 0
    for _ in range(1000):
        now += 0.01
        if fill.may_begin(now):
            made += 1
            fill.begun(made, now)
            fill.became_ready(made)
            fill.gone(made)
    assert 13 <= made <= 14, "twice as many as were asked for at once, then one per second"
    assert 0 < fill.wait_s(now) <= 1
    assert fill.complete or fill.state.ready == 0


def test_a_failure_stands_until_somebody_asks_anew() -> None:
    fill: Fill[int] = Fill()
    fill.ask(ask(2))
    fill.begun(1, 0.0)
    fill.gone(1, "why")
    assert not fill.may_begin(100.0)
    assert fill.wait_s(100.0) == 0
    fill.ask(ask(2))
    assert fill.state.failure == "why"
    fill.ask(ask(2, modified=2.0))
    assert fill.state.failure == ""
    assert fill.may_begin(100.0)


def test_what_is_too_much_goes_first_where_least_is_lost() -> None:
    fill: Fill[str] = Fill()
    fill.ask(ask(3))
    for name in ("a", "b", "c"):
        fill.begun(name, 0.0)
    fill.became_ready("a")
    fill.became_ready("b")
    fill.ask(ask(1, modified=2.0))
    assert fill.surplus() == ["c", "b"]
    fill.ask(())
    assert fill.surplus() == ["c", "b", "a"]
    assert not fill.over
    for name in fill.surplus():
        fill.gone(name)
    assert fill.over


@given(
    capacity=st.integers(1, 5),
    steps=st.lists(st.floats(0, 3, allow_subnormal=False), max_size=50),
)
def test_a_bucket_gives_what_it_holds_and_what_has_come_since(
    capacity: int, steps: list[float]
) -> None:
    bucket, now, level = Bucket(capacity, 0.5), 0.0, float(capacity)
    for step in steps:
        now += step
        level = min(capacity, level + 0.5 * step)
        if abs(level - 1) < 1e-6:
            return  # too near to call
        assert bucket.take(now) == (level >= 1)
        level -= level >= 1
        assert (bucket.wait_s(now) == 0) == (level >= 1 - 1e-6) or abs(level - 1) < 1e-6

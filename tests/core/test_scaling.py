"""How fast functions may grow, on virtual time: AWS's own examples."""

import pytest

from stoker.core.scaling import BUCKETS, RULES, Rule, Scaling

F, G = ("000000000000", "eu-west-1", "f", "1"), ("000000000000", "eu-west-1", "g", "1")
ELSEWHERE = ("000000000000", "us-east-1", "f", "1")


def granted(scaling: Scaling, key: tuple[str, ...], now: float, asked: int) -> int:
    return sum(scaling.may_grow(key, now) for _ in range(asked))


def test_an_account_may_have_a_rule_of_its_own() -> None:
    own = {"000000000100": Rule(10, 1.0, of_region=False)}
    scaling = Scaling(RULES["1000/10s"], own)
    slow = ("000000000100", *F[1:])
    assert granted(scaling, slow, 0.0, 20) == 10
    assert granted(scaling, slow, 3.0, 20) == 3
    assert scaling.left(slow, 5.0) == 2
    assert granted(scaling, F, 0.0, 1500) == 1000
    assert scaling.rule_of(F) == RULES["1000/10s"]


def test_each_function_gets_1000_every_10_seconds_and_saves_up_nothing() -> None:
    scaling = Scaling(RULES["1000/10s"])
    assert granted(scaling, F, 0.0, 1500) == 1000
    assert granted(scaling, G, 0.0, 1500) == 1000, "functions do not share it"
    assert granted(scaling, F, 1.0, 1500) == 100, "filled again all the time"
    assert granted(scaling, F, 11.0, 1500) == 1000
    assert granted(scaling, F, 3600.0, 1500) == 1000


def test_versions_of_a_function_share_its_rate() -> None:
    scaling = Scaling(RULES["1000/10s"])
    granted(scaling, F, 0.0, 1000)
    assert not scaling.may_grow((*F[:3], "2"), 0.0)


@pytest.mark.parametrize("burst", [500, 1000, 3000])
def test_the_older_model_has_a_burst_for_all_functions_of_a_region_and_500_a_minute(
    burst: int,
) -> None:
    scaling = Scaling(RULES[f"{burst}+500/min"])
    assert granted(scaling, F, 0.0, 4000) == burst
    assert granted(scaling, G, 0.0, 1) == 0
    assert granted(scaling, ELSEWHERE, 0.0, 4000) == burst
    minutes = [granted(scaling, F, minute * 60.0 + 1e-6, 4000) for minute in range(1, 4)]
    assert minutes == [500, 500, 500]


def test_what_was_not_made_after_all_is_not_counted() -> None:
    scaling = Scaling(RULES["1000/10s"])
    assert granted(scaling, F, 0.0, 1001) == 1000
    scaling.give_back(F, 0.0)
    assert granted(scaling, F, 0.0, 2) == 1
    scaling.give_back(G, 0.0)  # never counted
    assert granted(scaling, G, 0.0, 1001) == 1000


def test_those_who_are_quiet_are_forgotten() -> None:
    scaling = Scaling(RULES["1000/10s"])
    for number in range(3 * BUCKETS):
        assert scaling.may_grow(("0", "r", str(number)), float(number))
    assert len(scaling._buckets) <= BUCKETS

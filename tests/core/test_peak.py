"""How often the memory of an environment is looked at, and what may be missed by that."""

from stoker.environment.peak import Peak

MB = 1024 * 1024


class Counter:
    """A kernel's counter that is a megabyte higher at each look."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return self.looks * MB


def test_the_first_invocation_and_every_long_one_is_measured() -> None:
    peak = Peak(Counter())
    assert peak.after(0.2, now=100.0) == 1 * MB
    assert peak.after(5.0, now=100.001) == 2 * MB
    assert peak.after(5.0, now=100.002) == 3 * MB


def test_short_ones_in_a_row_are_measured_now_and_then() -> None:
    counter = Counter()
    peak = Peak(counter)
    seen = [peak.after(0.2, now=100.0 + number * 0.001) for number in range(100)]
    assert seen == sorted(seen)
    assert 5 <= counter.looks <= 11, "about every ten milliseconds"

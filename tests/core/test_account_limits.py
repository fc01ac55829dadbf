"""What an account may run at a time."""

import pytest

from stoker.core.account_limits import AccountLimits, BadLimit, Limits, read_limit


def test_an_account_has_its_own_limits_or_everybodys() -> None:
    limits = AccountLimits(Limits(50, 5), dict([read_limit("111122223333=10:2")]))
    assert limits.of("111122223333") == Limits(10, 2)
    assert limits.of("444455556666") == Limits(50, 5)
    assert read_limit("111122223333=10") == ("111122223333", Limits(10, 0))


@pytest.mark.parametrize(
    "text",
    ["", "10", "1=10", "111122223333", "111122223333=", "111122223333=10:", "111122223333=x",
     "111122223333=10:11", "111122223333=-1", "١١١١٢٢٢٢٣٣٣٣=10", "111122223333=9999999999"],
)  # fmt: skip
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(BadLimit):
        read_limit(text)

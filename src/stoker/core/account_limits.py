"""What an account may run at a time in each region: one limit for all, or one of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_OWN = re.compile(r"(\d{12})=(\d{1,9})(?::(\d{1,9}))?", re.ASCII)


class BadLimit(ValueError):
    """Not what `read_limit` reads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of an account in a region. AWS's are 1000, of which reservations must leave 100."""

    concurrency: int = 1000
    unreserved_minimum: int = 100


@dataclass(frozen=True, slots=True)
class AccountLimits:
    everybody: Limits = Limits()
    own: Mapping[str, Limits] = field(default_factory=dict)  # by account

    def of(self, account: str) -> Limits:
        return self.own.get(account, self.everybody)


AWS = AccountLimits()


def read_limit(text: str) -> tuple[str, Limits]:
    """ "111122223333=10:2" is ("111122223333", Limits(10, 2)); without ":2" none need be left.
    Raise BadLimit."""
    read = _OWN.fullmatch(text)
    if read is None:
        raise BadLimit(f"{text!r} is not ACCOUNT=CONCURRENCY[:UNRESERVED]")
    account, concurrency, minimum = read[1], int(read[2]), int(read[3] or 0)
    if not minimum <= concurrency:
        raise BadLimit(f"{text!r} leaves more than there is")
    return account, Limits(concurrency, minimum)

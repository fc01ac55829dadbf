"""The accounts in which the guided tour's experiments run, and what is different there. Pure.

What is special is fixed, and belongs to an account that nobody else has: so nothing of a learner's
account is ever changed, and nothing need be put back, whenever the server dies.
"""

from typing import Final

from stoker.core.account_limits import Limits
from stoker.core.scaling import Rule

ORDINARY: Final = "000000001000"  # like any other, but that retries come early
SMALL: Final = "000000000010"  # ten at a time, as AWS has it for many new accounts
GRADUAL: Final = "000000000100"  # grows by a hundredth of what AWS lets it

ACCOUNTS: Final = (ORDINARY, SMALL, GRADUAL)
LIMITS: Final = {SMALL: Limits(10, 0)}
GROWTH: Final = {GRADUAL: Rule(10, 1.0, of_region=False)}
TIME_SCALE: Final = 60.0  # of asynchronous retries in these accounts: a minute is a second


def time_scale(account: str, usual: float) -> float:
    """How much faster than on AWS retries of events come."""
    return max(TIME_SCALE, usual) if account in ACCOUNTS else usual

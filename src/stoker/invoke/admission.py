"""How many invocations each account runs at a time, in each region.

One unit is taken for each invocation before it gets an environment, and given back when that
environment is free again (not when the caller has its answer): exactly once. Who may have one
is decided in core/concurrency.py.
"""

import time
from collections.abc import Mapping

from stoker.core.account_limits import AccountLimits
from stoker.core.concurrency import Answer, Concurrency, Standing
from stoker.core.concurrency_peaks import Peaks
from stoker.core.errors import ServiceException, TooManyRequestsException
from stoker.core.invocation import Target
from stoker.core.model import FunctionKey

YES = Answer.YES  # looked up once
TOO_FAST = "FunctionInvocationRateLimitExceeded"
_REASONS = {
    Answer.OVER_LIMIT: "ConcurrentInvocationLimitExceeded",
    Answer.OVER_RESERVATION: "ReservedFunctionConcurrentInvocationLimitExceeded",
    Answer.OVER_RATE: TOO_FAST,
    Answer.OVER_RESERVED_RATE: "ReservedFunctionInvocationRateLimitExceeded",
}


class Admission:
    def __init__(self, limits: AccountLimits, per_unit: int) -> None:
        """`limits`: of each account in each region. `per_unit`: invocations a second for each
        unit of it; 0: as many as there are."""
        self._limits = limits
        self._per_unit = per_unit
        self._accounts: dict[tuple[str, str], Concurrency] = {}
        self._provided: frozenset[tuple[str, str, str, str]] = frozenset()

    def admit(self, target: Target) -> None:
        """Take a unit, or refuse."""
        account = self._accounts.get((target.account, target.region))
        if account is None:
            account = self._account(target.account, target.region)
        answer = account.admit(target.name, target.version, time.monotonic())
        if answer is YES:
            return
        raise throttled(_REASONS[answer])

    def release(self, target: Target) -> None:
        self._accounts[target.account, target.region].release(target.name, target.version)

    def reserve(self, key: FunctionKey, amount: int | None) -> None:
        """Set aside so much for the function, from the next invocation on. An account of which
        nothing is known any more is forgotten here, and not on the warm path."""
        where = (key.account, key.region)
        if amount is None and where not in self._accounts:
            return
        account = self._account(*where)
        account.reserve(key.name, amount)
        if account.idle:
            del self._accounts[where]

    def provide(self, amounts: Mapping[Target, int]) -> None:
        """So much is provisioned for these versions, and nothing for all others."""
        now = {(t.account, t.region, t.name, t.version): n for t, n in amounts.items()}
        for account, region, name, version in self._provided - now.keys():
            self._account(account, region).provide(name, version, 0)
        for (account, region, name, version), amount in now.items():
            self._account(account, region).provide(name, version, amount)
        self._provided = frozenset(now)

    def room(self, key: FunctionKey) -> int:
        """How many more invocations of this function would be admitted now."""
        account = self._accounts.get((key.account, key.region))
        return self.limit(key.account) if account is None else account.room(key.name)

    def reserved(self, key: FunctionKey) -> int | None:
        """What is set aside for this function; None: nothing, and it has no ceiling."""
        account = self._accounts.get((key.account, key.region))
        return None if account is None else account.reserved(key.name)

    def ceiling(self, account: str, region: str, name: str) -> int:
        """How many invocations of this function may run at most."""
        found = self._accounts.get((account, region))
        reserved = None if found is None else found.reserved(name)
        return self.limit(account) if reserved is None else reserved

    def peaks(self) -> dict[tuple[str, str], Peaks]:
        """Of every account and region, since they were last asked for."""
        return {where: each.take_peaks() for where, each in self._accounts.items()}

    def running(self, account: str) -> int:
        return sum(each.running for (owner, _), each in self._accounts.items() if owner == account)

    def standings(self, account: str, region: str) -> dict[str, Standing]:
        """By function: what runs, and what is set aside."""
        found = self._accounts.get((account, region))
        return {} if found is None else found.standings()

    def limit(self, account: str) -> int:
        return self._limits.of(account).concurrency

    def running_of(self, key: FunctionKey) -> int:
        account = self._accounts.get((key.account, key.region))
        return 0 if account is None else account.running_of(key.name)

    def _account(self, account: str, region: str) -> Concurrency:
        where = (account, region)
        found = self._accounts.get(where)
        if found is None:
            found = self._accounts[where] = Concurrency(self.limit(account), self._per_unit)
        return found


def no_capacity() -> ServiceException:
    """This machine is full. What AWS says when a region is."""
    return ServiceException(
        "We currently do not have sufficient capacity in the region you requested. Our system "
        "will be working on provisioning additional capacity. You can avoid getting this error "
        "by temporarily reducing your request rate."
    )


def throttled(reason: str) -> TooManyRequestsException:
    """A second later it may be otherwise, whatever the reason is."""
    return TooManyRequestsException(
        "Rate Exceeded.", Reason=reason, Type="User", retryAfterSeconds="1"
    )

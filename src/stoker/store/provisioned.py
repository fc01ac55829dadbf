"""Configurations of provisioned concurrency in the store: who may have one, and how much.

For whoever asks: the API, and Application Auto Scaling.
"""

from collections.abc import Iterable

from stoker.core import tenancy
from stoker.core.account_limits import Limits
from stoker.core.aliases import Alias
from stoker.core.concurrency import check_provision
from stoker.core.errors import InvalidParameterValueException, ResourceConflictException
from stoker.core.model import Function, FunctionKey
from stoker.core.names import LATEST
from stoker.core.provisioned import KIND, Provision
from stoker.core.versions import VersionKey
from stoker.store.base import Transaction

PAGE = 50


async def kept(tx: Transaction, key: FunctionKey, qualifier: str) -> Provision | None:
    record = await tx.settings.get(key, qualifier, KIND)
    return None if record is None else Provision.load(record)


async def total(tx: Transaction, key: FunctionKey) -> int:
    """What all versions and aliases of the function have."""
    found, after = 0, ""
    while page := await tx.settings.of(key, KIND, after=after, limit=PAGE):
        found += sum(Provision.load(record).requested for _, record in page)
        after = page[-1][0]
    return found


async def provide(
    tx: Transaction,
    function: Function,
    qualifier: str,
    alias: Alias | None,
    amount: int,
    limits: Limits,
    now: float,
) -> Provision:
    """Ask for so much from now on, or raise AWS's refusal. `alias`: that the qualifier names."""
    key = function.key
    if function.latest.per_tenant:
        raise tenancy.unsupported("Provisioned Concurrency")
    await _check_owner(tx, key, qualifier, alias)
    await refuse_snap_start(tx, key, alias.versions if alias else frozenset((qualifier,)))
    before = await kept(tx, key, qualifier)
    mine = before.requested if before else 0
    check_provision(
        amount,
        others=await total(tx, key) - mine,
        before=mine,
        reserved=function.reserved,
        left=limits.concurrency - await tx.set_aside(key.account, key.region),
        minimum=limits.unreserved_minimum,
    )
    # Whether an answer is to this or to what was asked before must be known: no two are alike.
    modified = now if before is None else max(now, before.modified + 0.001)
    asked = Provision(amount, modified)
    await tx.settings.put(key, qualifier, KIND, asked.dump())
    return asked


async def refuse_snap_start(tx: Transaction, key: FunctionKey, versions: Iterable[str]) -> None:
    """AWS has either of the two: initialised ahead, or restored."""
    for number in versions:
        version = await tx.versions.version(VersionKey(key, int(number)))
        if version is not None and version.snap_start:
            raise InvalidParameterValueException(
                "Provisioned Concurrency is not supported for SnapStart enabled functions."
            )


async def _check_owner(
    tx: Transaction, key: FunctionKey, qualifier: str, alias: Alias | None
) -> None:
    """A version's environments are asked for by itself, or by aliases of it."""
    if alias is None:
        for each in await tx.aliases.of(key):
            if qualifier in each.versions and await kept(tx, key, each.key.name):
                raise ResourceConflictException(
                    "Version is pointed by a Provisioned Concurrency alias"
                )
        return
    if LATEST in alias.versions:
        raise unpublished()
    for version in alias.versions:
        if await kept(tx, key, version):
            raise ResourceConflictException(
                "Alias can't be used for Provisioned Concurrency configuration on an already "
                "Provisioned version"
            )


async def check_move(tx: Transaction, before: Alias, after: Alias) -> None:
    """Refuse to move an alias that has provisioned concurrency to where that cannot follow."""
    key = before.key
    if before.versions == after.versions or not await kept(tx, key.function, key.name):
        return
    if LATEST in after.versions:
        raise unpublished()
    await refuse_snap_start(tx, key.function, after.versions)
    crowded = len(before.versions) > 1 and not after.versions <= before.versions
    for version in after.versions - before.versions:
        crowded |= await kept(tx, key.function, version) is not None
    if crowded:
        raise InvalidParameterValueException(
            "Invalid alias configuration for Provisioned Concurrency"
        )


def unpublished() -> InvalidParameterValueException:
    return InvalidParameterValueException(
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )

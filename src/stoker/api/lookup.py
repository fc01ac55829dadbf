"""Which function, version or alias a request means, and whether there is one."""

from dataclasses import dataclass

from stoker.api.control import Caller
from stoker.core.aliases import Alias, AliasKey
from stoker.core.errors import InvalidParameterValueException
from stoker.core.model import Function, FunctionKey
from stoker.core.names import LATEST, function_not_found, locate
from stoker.core.versions import Version, VersionKey
from stoker.store.base import Transaction


@dataclass(frozen=True, slots=True)
class Found:
    """What a name and a qualifier lead to."""

    function: Function
    qualifier: str | None  # as the caller gave it
    version: Version | None = None  # None: $LATEST
    alias: Alias | None = None  # that the caller named


def located(
    caller: Caller, name: str, qualifier: str | None, action: str
) -> tuple[FunctionKey, str | None]:
    """The function that the caller means, and the qualifier, whichever way it was given."""
    ref = locate(name, qualifier, account=caller.account, region=caller.region, action=action)
    return FunctionKey(caller.account, caller.region, ref.name), ref.qualifier


def whole(caller: Caller, name: str, action: str) -> FunctionKey:
    """The function that the caller means, for what only a function has."""
    key, qualifier = located(caller, name, None, action)
    if qualifier is not None:
        raise InvalidParameterValueException(
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN."
        )
    return key


async def must_have(tx: Transaction, key: FunctionKey, qualifier: str | None) -> Function:
    """The function itself; no version, no alias."""
    function = await tx.function(key)
    if function is None or qualifier not in (None, LATEST):
        raise function_not_found(key.region, key.account, key.name, qualifier)
    return function


async def find(tx: Transaction, key: FunctionKey, qualifier: str | None) -> Found:
    """The function, the version, or what the alias is of; or AWS's refusal."""
    function = await tx.function(key)
    if function is not None:
        if qualifier in (None, LATEST):
            return Found(function, qualifier)
        assert qualifier is not None
        alias = await tx.aliases.alias(AliasKey(key, qualifier))
        name = alias.version if alias is not None else qualifier
        if name == LATEST:
            return Found(function, qualifier, alias=alias)
        version = await version_of(tx, key, name)
        if version is not None:
            return Found(function, qualifier, version, alias)
    raise function_not_found(key.region, key.account, key.name, qualifier)


async def version_of(tx: Transaction, key: FunctionKey, name: str) -> Version | None:
    """The version of that number; what is no number is none's."""
    if not (name.isascii() and name.isdecimal() and len(name) <= 18) or name != str(int(name)):
        return None
    return await tx.versions.version(VersionKey(key, int(name)))

"""Tenant isolation (TenantIsolationMode PER_TENANT): an environment serves one tenant's invocations
and no other's. So each tenant has a target, and with it a key, of its own.

https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
"""

from collections.abc import Iterable
from dataclasses import replace

from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import Target

HEADER = "x-amz-tenant-id"
MODE = "PER_TENANT"
PER_UNIT = 2.5  # environments, in use or idle, for each unit of the function's concurrency
_LACKING = (
    "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your "
    "request and try again."
)
# Which words AWS has for this is not documented.
_NEEDLESS = (
    "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from "
    "your request and try again."
)


def of_tenant(target: Target, tenant: str) -> Target:
    """What runs for this tenant ("": none was named), or AWS's refusal. The model has checked
    the name's letters."""
    if not target.per_tenant and not tenant:
        return target
    mine = replace(target, tenant=tenant)
    check(mine)
    return mine


def check(target: Target) -> None:
    """Refuse to run for nobody what is isolated, and for somebody what is not."""
    if target.per_tenant and not target.tenant:
        raise InvalidParameterValueException(_LACKING)
    if target.tenant and not target.per_tenant:
        raise InvalidParameterValueException(_NEEDLESS)


def unsupported(what: str) -> InvalidParameterValueException:
    """AWS's words of function URLs (others' are not documented)."""
    return InvalidParameterValueException(
        f"{what} is not supported for functions enabled with tenancy configuration."
    )


def crowded(keys: Iterable[tuple[str, ...]], key: tuple[str, ...], concurrency: int) -> bool:
    """Whether the function of this key has as many environments of tenants as it may have.
    `keys`: of all environments. `concurrency`: that the function may have."""
    at, length = key[:3], len(key)
    mine = sum(1 for each in keys if len(each) == length and each[:3] == at)
    return mine >= int(concurrency * PER_UNIT)

"""How API Gateway calls a function, for an integration or to authorize a request; and how a load
balancer does.

Without a role of the API's account the function's resource-based policy must let
apigateway.amazonaws.com in for the ARN of the API (elasticloadbalancing.amazonaws.com for that of
the target group). Whoever waits does so for a limited time; what runs is left to its end, as on
AWS.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from stoker.api import constraints, services
from stoker.api.control import Control
from stoker.api.identifiers import new_request_id
from stoker.api.sampling import begun
from stoker.core import access, tenancy
from stoker.core.access import Access, Verdict
from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult, Target, Way
from stoker.core.names import FunctionRef, function_arn

PRINCIPAL = "apigateway.amazonaws.com"
_INVOKE = services.model("lambda").operation_model("Invoke")


class CannotCall(Exception):
    """There is no such function, or it may not be called; the text says which."""


class NoTenant(CannotCall):
    """It isolates tenants, and none was named as AWS wants it; or it does not."""


class TookTooLong(Exception):
    """It has not answered in time."""


class Throttled(Exception):
    """It was not called: too much runs."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function that may be called."""

    target: Target
    arn: str
    trace: str
    ancestor: str
    way: Way

    @property
    def root(self) -> str:
        """Of the trace, as the event says it."""
        return self.trace.partition(";")[0]


def callee(
    control: Control,
    ref: FunctionRef | None,
    *,
    account: str,
    role: str | None,
    sources: Collection[str],
    trace: str | None,
    principal: str = PRINCIPAL,
) -> Callee:
    """`account`: the API's. `role`: that calls for it. `sources`: ARNs by which a policy may
    name what calls. Raises CannotCall."""
    if ref is None or ref.account is None or ref.region is None:
        raise CannotCall("the integration's URI names no function")
    function = (ref.account, ref.region, ref.name)
    arn = function_arn(ref.region, ref.account, ref.name, ref.qualifier)
    try:
        target = control.catalog.resolve(*function, ref.qualifier)
    except ServiceError as error:
        raise CannotCall(error.message) from error
    policy = control.catalog.policy(*function, ref.qualifier)
    if not _may(policy, ref.account, account, role, sources, principal):
        what = " or ".join(sources)
        raise CannotCall(f"the resource policy of {arn} does not let {principal} in for {what}")
    header, _, ancestor = begun(
        control.sampling, function, trace, active=target.tracing == "Active"
    )
    way = Way.API if principal == PRINCIPAL else Way.BALANCER
    return Callee(target, arn, header, ancestor, way)


def for_tenant(to: Callee, tenant: str) -> Callee:
    """The same for this tenant ("": none was named). Raises NoTenant."""
    try:
        if tenant:
            constraints.check(_INVOKE, {"FunctionName": "checked", "TenantId": tenant})
        return replace(to, target=tenancy.of_tenant(to.target, tenant))
    except ServiceError as refusal:
        raise NoTenant(refusal.message) from refusal


async def call(control: Control, to: Callee, event: bytes, timeout_s: float) -> InvocationResult:
    """Raises TookTooLong, Throttled, CannotCall."""
    answered: asyncio.Future[InvocationResult | ServiceError]
    answered = asyncio.get_running_loop().create_future()

    def done(result: InvocationResult | ServiceError) -> None:
        if not answered.done():  # else nobody waits any more
            answered.set_result(result)

    invocation = Invocation(
        new_request_id(),
        to.target,
        event,
        to.arn,
        trace_id=to.trace,
        trace_parent=to.ancestor,
        way=to.way,
    )
    control.invoker.submit(invocation, done)
    try:
        async with asyncio.timeout(timeout_s):
            result = await answered
    except TimeoutError:
        raise TookTooLong(f"{to.arn} has not answered in {timeout_s:g} s") from None
    if isinstance(result, TooManyRequestsException):
        raise Throttled(result.message)
    if isinstance(result, ServiceError):
        raise CannotCall(f"{result.code}: {result.message}")
    return result


def _may(
    policy: str, owner: str, account: str, role: str | None, sources: Iterable[str], principal: str
) -> bool:
    if role is not None:
        said = access.verdict(policy, access.invoker(account, frozenset({role})))
        return said is Verdict.ALLOWED or (said is Verdict.SILENT and account == owner)
    verdicts = {
        access.verdict(
            policy,
            Access(
                access.INVOKE,
                service=principal,
                facts={"aws:sourcearn": source, "aws:sourceaccount": account},
            ),
        )
        for source in sources
    }
    return Verdict.ALLOWED in verdicts and Verdict.DENIED not in verdicts

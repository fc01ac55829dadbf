"""What invocations that are shown would have cost on AWS: the price line of pages."""

from collections.abc import Mapping
from typing import Any

from stoker.console.asked import Asked
from stoker.core.invocation import Target
from stoker.core.invocation_price import Terms, of_target, terms
from stoker.core.names import LATEST
from stoker.core.price_list import READ_ON
from stoker.core.prices import prices, said
from stoker.neighbours.calls import Refused


async def terms_of(asked: Asked, name: str, qualifier: str = "") -> Terms | None:
    """Of what is named: a version's own settings, and whether it is provisioned. None where they
    cannot be known."""
    named = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    provisioned = False
    try:
        about = await asked.call("lambda", "GetFunctionConfiguration", **named)
    except Refused:
        return None
    if qualifier not in ("", LATEST):
        try:
            kept = await asked.call("lambda", "GetProvisionedConcurrencyConfig", **named)
            provisioned = bool(kept.get("AvailableProvisionedConcurrentExecutions"))
        except Refused:
            pass  # nothing is provisioned
    return terms_in(about, asked.where.region, provisioned=provisioned)


def terms_in(about: Mapping[str, Any], region: str, *, provisioned: bool = False) -> Terms | None:
    """`about`: as GetFunctionConfiguration shows it. None: there is no price."""
    known = {key: value for key, value in about.items() if value is not None}
    try:
        return terms(known, region, READ_ON, provisioned=provisioned)
    except (ValueError, KeyError):
        return None


def second_of(target: Target) -> str:
    """What a second in which it runs an invocation costs, without the request."""
    listed = prices(target.region, target.architecture, READ_ON)
    dollars = sum(listed.cost(of_target(target).time(1000)).values())
    return f"on AWS {said(dollars)} (prices of {READ_ON})"

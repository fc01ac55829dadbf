"""Concurrency of a function: what is reserved and provisioned, and what of it is used now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.configuration import number
from stoker.console.pages.function import key_of, page
from stoker.core.aliases import Alias
from stoker.core.concurrency import Standing
from stoker.core.errors import InvalidParameterValueException
from stoker.neighbours.calls import Refused

RESERVED, PROVISIONED = "Reserved", "Provisioned"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Of a version or an alias."""

    qualifier: str
    versions: tuple[str, ...]  # whose environments they are
    requested: int
    ready: int
    used: int  # environments of these versions that work now
    status: str
    mood: str
    why: str


async def show(asked: Asked) -> Shown:
    """What is set aside, and how much of it works."""
    return await _page(asked)


async def change(asked: Asked) -> Moved | Shown:
    """Set or remove one of the two."""
    name, form = asked.names["name"], asked.form
    what, qualifier = form.get("what", ""), form.get("Qualifier", "").strip()
    where = {"FunctionName": name} | ({"Qualifier": qualifier} if what == PROVISIONED else {})
    operation, member = {
        RESERVED: ("FunctionConcurrency", "ReservedConcurrentExecutions"),
        PROVISIONED: ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"),
    }.get(what, ("", ""))
    try:
        if not operation:
            raise InvalidParameterValueException("Reserved, or Provisioned?")
        if form.get("act") == "remove":
            await asked.call("lambda", f"Delete{operation}", **where)
        else:
            amount = number(form.get("Amount", ""), member)
            if amount is None:
                raise InvalidParameterValueException(f"{member} must be a number.")
            await asked.call("lambda", f"Put{operation}", **where, **{member: amount})
    except Refused as refusal:
        return await _page(asked, what, f"{refusal.code}: {refusal.message}", status=400)
    except InvalidParameterValueException as refusal:
        return await _page(asked, what, refusal.message, status=400)
    return Moved(asked.where.path("functions", name, "concurrency"))


async def _page(asked: Asked, at: str = "", refusal: str = "", status: int = 200) -> Shown:
    """`at`: the form that was refused."""
    control, key = asked.control, key_of(asked)
    name = key.name
    shown = await page(
        asked, "concurrency", "function_concurrency.html", status=status,
        refusals={at: refusal} if refusal else {}, given=asked.form if refusal else {},
    )  # fmt: skip
    configs: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while len(configs) < 200:
        answer = await asked.call(
            "lambda", "ListProvisionedConcurrencyConfigs", FunctionName=name, **more
        )
        configs += answer["ProvisionedConcurrencyConfigs"]
        if not answer.get("NextMarker"):
            break
        more = {"Marker": answer["NextMarker"]}
    async with control.store.transaction() as tx:
        aliases = await tx.aliases.of(key)
        last = await tx.versions.last_number(key)
        published = await tx.versions.of(key, after=max(0, last - 50), limit=50)
    level = control.invoker.level(key.account, key.region)
    uses = {
        at[3]: use.running
        for at, use in control.invoker.uses().items()
        if at[:3] == (key.account, key.region, name)
    }
    mine = level.functions.get(name)
    facts = {
        "limit": level.limit,
        "account_running": sum(one.running for one in level.functions.values()),
        "unreserved": unreserved(level.limit, level.functions.values()),
        "running": mine.running if mine else 0,
        "reserved": control.invoker.reserved(key),
        "waiting": level.waiting.get(name, 0),
        "rows": rows(configs, aliases, uses),
        "qualifiers": [
            *(alias.key.name for alias in aliases[:100]),
            *(str(one.key.number) for one in reversed(published)),
        ],
    }
    return Shown(shown.template, {**shown.model, **facts}, shown.title, shown.status)


def unreserved(limit: int, functions: Iterable[Standing]) -> int:
    """What functions with nothing set aside share, as GetAccountSettings says it."""
    return limit - sum(
        one.provisioned if one.reserved is None else one.reserved for one in functions
    )


def rows(
    configs: Sequence[Mapping[str, Any]], aliases: Sequence[Alias], uses: Mapping[str, int]
) -> list[Provisioned]:
    """`configs`: as ListProvisionedConcurrencyConfigs has them. `uses`: by version."""
    versions = {alias.key.name: tuple(sorted(alias.versions)) for alias in aliases}
    found = []
    for one in configs:
        qualifier = one["FunctionArn"].rpartition(":")[2]
        behind = versions.get(qualifier, (qualifier,))
        found.append(
            Provisioned(
                qualifier=qualifier,
                versions=behind,
                requested=one["RequestedProvisionedConcurrentExecutions"],
                ready=one["AllocatedProvisionedConcurrentExecutions"],
                used=sum(uses.get(version, 0) for version in behind),
                status=one["Status"],
                mood={"READY": "good", "FAILED": "bad"}.get(one["Status"], "busy"),
                why=one.get("StatusReason") or "",
            )
        )
    return found

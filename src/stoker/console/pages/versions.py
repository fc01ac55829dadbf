"""Versions and aliases of a function: publish, point, shift weights, and where invocations went."""

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of, page
from stoker.core.aliases import Alias
from stoker.core.errors import InvalidParameterValueException
from stoker.core.metrics import LAMBDA, Source, start_of
from stoker.core.names import LATEST
from stoker.core.versions import Version
from stoker.neighbours.calls import Refused

PAGE = 50  # version numbers
MOST_ALIASES = 100
MOST_SOURCES = 200  # of metrics, that are read for one page
HOUR_S = 3600
Counts = Mapping[tuple[str, str], int]  # invocations by (alias or "", version)


@dataclass(frozen=True, slots=True)
class Share:
    """A version's part in an alias."""

    version: str
    percent: float  # of what comes to the alias, by its weights
    went: int  # invocations of the last hour


@dataclass(frozen=True, slots=True)
class AliasRow:
    name: str
    description: str
    revision: str
    version: str
    other: str  # the second version, if there is one
    percent: float  # that it gets
    shares: tuple[Share, ...]  # also of versions that it no longer leads to
    total: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    number: str
    description: str
    state: str
    runtime: str
    memory_mb: int
    code: str  # the beginning of the package's SHA-256
    published: str
    aliases: tuple[str, ...]
    went: int


async def show(asked: Asked) -> Shown:
    """The newest fifty, and all aliases."""
    return await _page(asked)


async def change(asked: Asked) -> Moved | Shown:
    """What the button that was pressed is called."""
    act = _ACTS.get(asked.form.get("act", ""))
    try:
        if act is None:
            raise InvalidParameterValueException("No such button.")
        await act(asked)
    except Refused as refusal:
        return await _page(asked, f"{refusal.code}: {refusal.message}", status=400)
    except InvalidParameterValueException as refusal:
        return await _page(asked, refusal.message, status=400)
    return Moved(asked.where.path("functions", asked.names["name"], "versions"))


async def _publish(asked: Asked) -> None:
    described = asked.form.get("Description", "").strip()
    more = {"Description": described} if described else {}
    await asked.call("lambda", "PublishVersion", FunctionName=asked.names["name"], **more)


async def _delete_version(asked: Asked) -> None:
    qualifier = asked.form.get("Qualifier", "")
    if not qualifier.isdecimal():  # without one, the function would be deleted
        raise InvalidParameterValueException("Which version?")
    await asked.call(
        "lambda", "DeleteFunction", FunctionName=asked.names["name"], Qualifier=qualifier
    )


async def _create_alias(asked: Asked) -> None:
    await asked.call("lambda", "CreateAlias", **_alias(asked), **routing(asked.form, {}))


async def _update_alias(asked: Asked) -> None:
    revision = asked.form.get("RevisionId", "")
    none: dict[str, Any] = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    await asked.call(
        "lambda", "UpdateAlias", RevisionId=revision, **_alias(asked), **routing(asked.form, none)
    )


async def _delete_alias(asked: Asked) -> None:
    name, alias = asked.names["name"], asked.form.get("Name", "")
    await asked.call("lambda", "DeleteAlias", FunctionName=name, Name=alias)


def _alias(asked: Asked) -> dict[str, Any]:
    form = asked.form
    return {
        "FunctionName": asked.names["name"],
        "Name": form.get("Name", "").strip(),
        "FunctionVersion": form.get("FunctionVersion", "").strip(),
        "Description": form.get("Description", "").strip(),
    }


_ACTS: Mapping[str, Callable[[Asked], Coroutine[Any, Any, None]]] = {
    "publish": _publish,
    "delete version": _delete_version,
    "create alias": _create_alias,
    "update alias": _update_alias,
    "delete alias": _delete_alias,
}


async def _page(asked: Asked, refusal: str = "", status: int = 200) -> Shown:
    control, key = asked.control, key_of(asked)
    async with control.store.transaction() as tx:
        last = await tx.versions.last_number(key)
        before = _number(asked.query.get("before", ""), last + 1)
        after = max(0, before - 1 - PAGE)
        behind = await tx.versions.of(key, after=after, limit=PAGE)
        aliases = (await tx.aliases.of(key))[:MOST_ALIASES]
    found = [one for one in behind if one.key.number < before]
    went = await counts(asked)
    return await page(
        asked,
        "versions",
        "function_versions.html",
        status=status,
        refusal=refusal,
        given=asked.form if refusal else {},
        versions=version_rows(found, aliases, went),
        aliases=[alias_row(one, went) for one in aliases],
        latest=sum(n for (_, version), n in went.items() if version == LATEST),
        older=after + 1 if after else 0,
    )


async def counts(asked: Asked) -> dict[tuple[str, str], int]:
    """Of the last hour: through which alias ("": none) which version was executed."""
    control, key = asked.control, key_of(asked)
    if control.metering is not None:
        await control.metering()  # what happened just now, too
    end = start_of(time.time()) + 60
    start = end - HOUR_S
    sources = [
        source
        for source, name, latest in control.metric_store.series(key.account, key.region)
        if name.name == "Invocations" and latest >= start - HOUR_S and source.namespace == LAMBDA
        and ("FunctionName", key.name) in source.dimensions
    ][:MOST_SOURCES]  # fmt: skip
    found: dict[tuple[str, str], int] = {}
    for source in sources:
        spans = await control.metric_store.read(source, "Invocations", start, end, HOUR_S)
        many = sum(one.total for units in spans.values() for one in units.values())
        way = executed(source)
        if way is not None and many:
            found[way] = found.get(way, 0) + round(many)
    return found


def executed(source: Source) -> tuple[str, str] | None:
    """The alias ("": none) and the version that a metric is of; None: not of one version."""
    said = dict(source.dimensions)
    _, _, qualifier = said.get("Resource", "").partition(":")
    if "ExecutedVersion" in said:
        return qualifier, said["ExecutedVersion"]
    return ("", qualifier or LATEST) if "Resource" in said else None


def version_rows(
    versions: Sequence[Version], aliases: Sequence[Alias], went: Counts
) -> list[VersionRow]:
    """The newest first."""
    return [
        VersionRow(
            number=str(one.key.number),
            description=one.configuration.description,
            state=str(one.state),
            runtime=one.configuration.runtime,
            memory_mb=one.configuration.memory_mb,
            code=one.configuration.code.sha256[:12],
            published=one.last_modified[:19].replace("T", " "),
            aliases=tuple(a.key.name for a in aliases if str(one.key.number) in a.versions),
            went=sum(n for (_, version), n in went.items() if version == str(one.key.number)),
        )
        for one in sorted(versions, key=lambda one: one.key.number, reverse=True)
    ]


def alias_row(alias: Alias, went: Counts) -> AliasRow:
    """With a share for each version that it leads to, or led to in the last hour."""
    name = alias.key.name
    other, weight = next(iter(alias.weights.items()), ("", 0.0))
    percents = {alias.version: 100 - round(weight * 100, 4)}
    if other:
        percents[other] = round(weight * 100, 4)
    through = {version: many for (one, version), many in went.items() if one == name}
    versions = [*percents, *sorted(through.keys() - percents.keys())]
    return AliasRow(
        name=name,
        description=alias.description,
        revision=alias.revision_id,
        version=alias.version,
        other=other,
        percent=percents.get(other, 0.0),
        shares=tuple(Share(v, percents.get(v, 0.0), through.get(v, 0)) for v in versions),
        total=sum(through.values()),
    )


def routing(form: Mapping[str, str], none: Mapping[str, Any]) -> Mapping[str, Any]:
    """RoutingConfig for a second version with a weight in percent; `none` without one."""
    other, percent = form.get("Other", "").strip(), form.get("Percent", "").strip()
    if not other:
        return none
    try:
        weight = float(percent or 0) / 100
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise InvalidParameterValueException("A weight is a number from 0 to 100.")
    return {"RoutingConfig": {"AdditionalVersionWeights": {other: round(weight, 6)}}}


def _number(text: str, default: int) -> int:
    """A version's number from 1 to `default`."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return min(max(1, int(text)), default)
    return default

"""Layers: the newest version of each, and all versions of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.console.asked import Asked, Shown

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a layer."""

    name: str
    version: int
    arn: str
    description: str
    runtimes: str
    architectures: str
    license: str
    created: str  # UTC, to the second


async def show(asked: Asked) -> Shown:
    """Fifty layers at a time, as ListLayers has them."""
    answer = await asked.call("lambda", "ListLayers", **_slice(asked))
    rows = [row(one["LayerName"], one["LatestMatchingVersion"]) for one in answer["Layers"]]
    model = {"rows": rows, "layer": "", "after": answer.get("NextMarker", "")}
    return Shown("layers.html", model, title="Layers")


async def versions(asked: Asked) -> Shown:
    """Those of one layer that were not deleted, the newest first. A layer without any is as one
    that never was: so says AWS, too."""
    name = asked.names["name"]
    answer = await asked.call("lambda", "ListLayerVersions", LayerName=name, **_slice(asked))
    rows = [row(name, one) for one in answer["LayerVersions"]]
    model = {"rows": rows, "layer": name, "after": answer.get("NextMarker", "")}
    return Shown("layers.html", model, title=f"Layer {name}")


def row(name: str, version: Mapping[str, Any]) -> Row:
    """`version`: a LayerVersionsListItem."""
    return Row(
        name=name,
        version=version["Version"],
        arn=version["LayerVersionArn"],
        description=version.get("Description", ""),
        runtimes=", ".join(version.get("CompatibleRuntimes") or ()) or "any",
        architectures=", ".join(version.get("CompatibleArchitectures") or ()) or "any",
        license=version.get("LicenseInfo", ""),
        created=version["CreatedDate"][:19].replace("T", " "),
    )


def _slice(asked: Asked) -> dict[str, Any]:
    after = asked.query.get("after", "")
    return {"MaxItems": PAGE, **({"Marker": after} if after else {})}

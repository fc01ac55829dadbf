"""A stage of a REST API as it is served: a deployment, made ready for requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stoker.core.rest.requests import Stage
from stoker.core.rest.routing import Router
from stoker.core.rest.velocity_nodes import Node
from stoker.core.rest.velocity_words import read

Doc = Mapping[str, Any]


@dataclass(slots=True)
class ServedStage:
    stage: Stage
    content: Doc  # of the deployment
    disabled: bool  # not by names that end in execute-api…
    router: Router
    schemas: Mapping[str, Any]  # of the models
    _templates: dict[str, tuple[Node, ...]] = field(default_factory=dict)

    @property
    def binary_types(self) -> list[str]:
        return list(self.content["api"].get("binaryMediaTypes") or ())

    def template(self, source: str) -> tuple[Node, ...]:
        """Read once. Raise BadTemplate."""
        nodes = self._templates.get(source)
        if nodes is None:
            nodes = self._templates[source] = read(source)
        return nodes


def served(account: str, region: str, doc: Doc, name: str, content: Doc) -> ServedStage:
    told = doc["stages"][name]
    stage = Stage(
        account, region, doc["api"]["id"], name, told["deploymentId"], told.get("variables") or {}
    )
    disabled = bool(doc["api"].get("disableExecuteApiEndpoint"))
    return ServedStage(
        stage, content, disabled, Router(content["resources"]), _schemas(content["models"])
    )


def _schemas(models: Mapping[str, Doc]) -> dict[str, Any]:
    found = {}
    for name, model in models.items():
        if model.get("contentType") == "application/json" and model.get("schema"):
            try:
                found[name] = json.loads(model["schema"])
            except (ValueError, RecursionError):
                continue
    return found

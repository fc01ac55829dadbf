"""Deployments of a REST API, which are copies of it, and stages, which serve one."""

import copy
import re
from typing import Any

from stoker.core.errors import BadRequestException, ConflictException, NotImplementedException
from stoker.core.rest import patches
from stoker.core.rest.records import (
    API_SERVED,
    PARTS,
    Asked,
    Doc,
    Facts,
    check_room,
    found,
    kept,
)

_STAGE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,@]*", re.ASCII)
_STAGE_MEMBERS = (
    *("deploymentId", "description", "cacheClusterEnabled", "cacheClusterSize", "variables"),
    *("documentationVersion", "canarySettings", "tracingEnabled", "tags"),
)
CANARY = "Stoker has not built canary releases (canarySettings) yet."


def deployed(doc: Doc, asked: Asked, facts: Facts) -> tuple[Doc, Doc]:
    """The deployment, and what it serves; its stage, if one is named, serves it from now on."""
    check_room(doc, "deployments")
    methods = [
        method
        for resource in doc["resources"].values()
        for method in (resource.get("resourceMethods") or {}).values()
    ]
    if not methods:
        raise BadRequestException("The REST API doesn't contain any methods")
    if not all(method.get("methodIntegration") for method in methods):
        raise BadRequestException("No integration defined for method")
    name = asked.get("stageName")
    if name:
        check_stage_name(name)
    deployment = {
        "id": facts.short(),
        "createdDate": facts.now,
        **kept(asked, ("description",)),
    }
    doc["deployments"][deployment["id"]] = deployment
    if name and name in doc["stages"]:
        stage = doc["stages"][name]
        stage |= {"deploymentId": deployment["id"], "lastUpdatedDate": facts.now}
        if asked.get("variables"):
            stage["variables"] = {**(stage.get("variables") or {}), **asked["variables"]}
            _check_variables(stage)
    elif name:
        description = (
            {"description": asked["stageDescription"]} if asked.get("stageDescription") else {}
        )
        told = {key: value for key, value in asked.items() if key != "description"}
        add_stage(doc, {**told, **description, "deploymentId": deployment["id"]}, facts)
    return deployment, served(doc)


def served(doc: Doc) -> Doc:
    """What a deployment keeps."""
    api = {name: doc["api"][name] for name in API_SERVED if name in doc["api"]}
    return {"api": api, **{part: copy.deepcopy(doc[part]) for part in PARTS}}


def summary(served_: Doc) -> Doc:
    """A deployment's apiSummary: what its methods ask for."""
    return {
        resource["path"]: {
            name: {
                "authorizationType": method.get("authorizationType", "NONE"),
                "apiKeyRequired": method.get("apiKeyRequired", False),
            }
            for name, method in (resource.get("resourceMethods") or {}).items()
        }
        for resource in served_["resources"].values()
        if resource.get("resourceMethods")
    }


def update_deployment(doc: Doc, key: str, operations: list[Asked]) -> Doc:
    changed = patches.patched(
        found(doc, "deployments", key, "Deployment"), patches.DEPLOYMENT, operations
    )
    doc["deployments"][key] = changed
    return changed


def remove_deployment(doc: Doc, key: str) -> None:
    found(doc, "deployments", key, "Deployment")
    if any(stage["deploymentId"] == key for stage in doc["stages"].values()):
        raise BadRequestException(
            "Active stages pointing to this deployment must be moved or deleted"
        )
    del doc["deployments"][key]


# ---- stages ----


def check_stage_name(name: str) -> None:
    if not _STAGE_NAME.fullmatch(name):
        raise BadRequestException("Stage name only allows a-zA-Z0-9_-")


def add_stage(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    name = asked["stageName"]
    check_stage_name(name)
    check_room(doc, "stages")
    if name in doc["stages"]:
        raise ConflictException("Stage already exists")
    found(doc, "deployments", asked["deploymentId"], "Deployment")
    if asked.get("canarySettings"):
        raise NotImplementedException(CANARY)
    stage: dict[str, Any] = {
        "stageName": name,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "createdDate": facts.now,
        "lastUpdatedDate": facts.now,
        **kept(asked, _STAGE_MEMBERS),
    }
    _check_variables(stage)
    doc["stages"][name] = stage
    return stage


def _check_variables(stage: Doc) -> None:
    for name, value in (stage.get("variables") or {}).items():
        if not re.fullmatch(r"[a-zA-Z0-9_]+", name, re.ASCII) or not _VALUE.fullmatch(value):
            raise BadRequestException(
                "Stage variable names only allow a-zA-Z0-9_; values must match "
                "[A-Za-z0-9-._~:/?#&=,]+"
            )


def update_stage(doc: Doc, name: str, operations: list[Asked], now: int) -> Doc:
    stage = dict(found(doc, "stages", name, "stage"))
    rest = []
    for operation in operations:
        path = patches.segments(operation.get("path") or "")
        op, value = operation.get("op", "replace"), operation.get("value") or ""
        if path[:1] == ["canarySettings"] and op != "remove":
            raise NotImplementedException(CANARY)
        if not patches.method_setting(stage, op, path, value):
            rest.append(operation)
    stage = patches.patched(stage, patches.STAGE, rest)
    found(doc, "deployments", stage.get("deploymentId", ""), "Deployment")
    _check_variables(stage)
    stage["lastUpdatedDate"] = now
    doc["stages"][name] = stage
    return stage

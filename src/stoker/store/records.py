"""Functions and versions as they are kept: one JSON text each."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from stoker.core.invocation import LogSettings
from stoker.core.model import (
    Code,
    Configuration,
    Function,
    FunctionKey,
    Layer,
    State,
    UpdateStatus,
)
from stoker.core.versions import Version, VersionKey


def dump(function: Function) -> str:
    record = {
        "latest": _configuration(function.latest),
        # Most functions serve what they show: then it is kept once.
        "serving": (
            "latest"
            if function.serving == function.latest
            else function.serving and _configuration(function.serving)
        ),
        "state": function.state,
        "state_reason": function.state_reason,
        "state_reason_code": function.state_reason_code,
        "update_status": function.update_status,
        "update_reason": function.update_reason,
        "update_reason_code": function.update_reason_code,
        "last_modified": function.last_modified,
        "tags": dict(function.tags),
        "policy": function.policy,
        "reserved": function.reserved,
    }
    return orjson.dumps(record).decode()


def load(key: FunctionKey, revision: str, text: str) -> Function:
    record: dict[str, Any] = orjson.loads(text)
    latest = _read_configuration(record["latest"])
    serving = record["serving"]
    status = record["update_status"]
    return Function(
        key=key,
        latest=latest,
        serving=latest if serving == "latest" else serving and _read_configuration(serving),
        state=State(record["state"]),
        state_reason=record["state_reason"],
        state_reason_code=record["state_reason_code"],
        update_status=status and UpdateStatus(status),
        update_reason=record["update_reason"],
        update_reason_code=record["update_reason_code"],
        revision_id=revision,
        last_modified=record["last_modified"],
        tags=record["tags"],
        policy=record.get("policy", ""),
        reserved=record.get("reserved"),
    )


def dump_version(version: Version) -> str:
    record = {
        "configuration": _configuration(version.configuration),
        "published_as": version.published_as,
        "state": version.state,
        "state_reason": version.state_reason,
        "state_reason_code": version.state_reason_code,
        "last_modified": version.last_modified,
        "policy": version.policy,
    }
    return orjson.dumps(record).decode()


def load_version(key: VersionKey, revision: str, text: str) -> Version:
    record: dict[str, Any] = orjson.loads(text)
    return Version(
        key,
        revision_id=revision,
        **{
            **record,
            "configuration": _read_configuration(record["configuration"]),
            "state": State(record["state"]),
        },
    )


def _configuration(c: Configuration) -> dict[str, object]:
    return {
        "runtime": c.runtime,
        "handler": c.handler,
        "role": c.role,
        "code": asdict(c.code),
        "log": {
            "group": c.log.group,
            "format": c.log.format,
            "application_level": c.log.application_level,
            "system_level": c.log.system_level,
        },
        "description": c.description,
        "memory_mb": c.memory_mb,
        "timeout_s": c.timeout_s,
        "ephemeral_mb": c.ephemeral_mb,
        "environment": None if c.environment is None else dict(c.environment),
        "tracing": c.tracing,
        "snap_start": c.snap_start,
        "architecture": c.architecture,
        "package_type": c.package_type,
        "creation": c.creation,
        "kept": dict(c.kept),
        "layers": [asdict(layer) for layer in c.layers],
        "per_tenant": c.per_tenant,
    }


def _read_configuration(record: Mapping[str, Any]) -> Configuration:
    environment = record["environment"]
    return Configuration(
        **{
            **record,
            "code": Code(**record["code"]),
            "log": LogSettings(**record["log"]),
            "environment": None if environment is None else tuple(sorted(environment.items())),
            "layers": tuple(
                Layer(layer["arn"], Code(**layer["code"])) for layer in record.get("layers", ())
            ),
        }
    )

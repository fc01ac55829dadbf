"""Create and update rules beyond the service model's constraints, in AWS's words.

A request becomes `Changes`: what it asks for, None for what it leaves alone. `created` and
`updated` turn changes into a `Configuration`, or refuse. The model's own constraints (patterns,
enumerations, required members) have been checked before, by api/codec.py.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeVar

from stoker.core import limits, tenancy
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    RequestEntityTooLargeException,
    ValidationException,
)
from stoker.core.invocation import LogSettings
from stoker.core.model import Code, Configuration, Layer
from stoker.core.quotas import AWS, Quotas

T = TypeVar("T")

_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+", re.ASCII)
_NEW_NAME = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)
_SNAP_START_SINCE = {"python": [3, 12], "java": [11], "dotnet": [8]}
_UNABLE = (
    "Lambda was unable to configure your environment variables because the environment "
    "variables you have provided"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a request asks for. None: not mentioned."""

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    memory_mb: int | None = None
    timeout_s: int | None = None
    ephemeral_mb: int | None = None
    environment: Mapping[str, str] | None = None
    tracing: str | None = None
    snap_start: bool | None = None
    log_format: str | None = None
    log_group: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    architecture: str | None = None
    layers: tuple[Layer, ...] | None = None
    per_tenant: bool | None = None  # of CreateFunction alone
    kept: Mapping[str, object] = field(default_factory=dict)  # a value of None removes


def created(name: str, changes: Changes, code: Code, quotas: Quotas = AWS) -> Configuration:
    """The first configuration of a function, defaults filled in."""
    if not changes.runtime or not changes.handler or not changes.role:
        raise InvalidParameterValueException(
            "Runtime and Handler are mandatory parameters for functions created with "
            "deployment packages."
        )
    blank = Configuration(
        runtime=changes.runtime,
        handler=changes.handler,
        role=changes.role,
        code=code,
        log=LogSettings(group=f"/aws/lambda/{name}"),
        memory_mb=limits.MEMORY_DEFAULT_MB,
        timeout_s=limits.TIMEOUT_DEFAULT_S,
        ephemeral_mb=limits.EPHEMERAL_DEFAULT_MB,
    )
    return updated(blank, changes, quotas)


def updated(before: Configuration, changes: Changes, quotas: Quotas = AWS) -> Configuration:
    """The configuration with the changes applied, every rule checked on what changes."""
    if changes.runtime is not None:
        check_runtime(changes.runtime)
    _check_range("memorySize", changes.memory_mb, limits.MEMORY_MB.start, quotas.memory_mb)
    _check_range("timeout", changes.timeout_s, limits.TIMEOUT_S.start, quotas.timeout_s)
    least = limits.EPHEMERAL_MB.start
    _check_range("ephemeralStorage.size", changes.ephemeral_mb, least, quotas.ephemeral_mb)
    environment = before.environment
    if changes.environment is not None:
        check_environment(changes.environment, quotas)
        environment = tuple(sorted(changes.environment.items()))
    kept = {**before.kept, **changes.kept}
    layers = _or(changes.layers, before.layers)
    check_unpacked_size(before.code, layers, quotas)
    after = replace(
        before,
        runtime=_or(changes.runtime, before.runtime),
        handler=_or(changes.handler, before.handler),
        role=_or(changes.role, before.role),
        description=_or(changes.description, before.description),
        memory_mb=_or(changes.memory_mb, before.memory_mb),
        timeout_s=_or(changes.timeout_s, before.timeout_s),
        ephemeral_mb=_or(changes.ephemeral_mb, before.ephemeral_mb),
        environment=environment,
        tracing=_or(changes.tracing, before.tracing),
        snap_start=_or(changes.snap_start, before.snap_start),
        log=_log_settings(before.log, changes),
        architecture=_or(changes.architecture, before.architecture),
        layers=layers,
        per_tenant=_or(changes.per_tenant, before.per_tenant),
        kept={name: value for name, value in kept.items() if value is not None},
    )
    if after.snap_start:
        check_snap_start(after)
    return after


def check_new_name(name: str) -> None:
    """A bare name is shorter and plainer than what the FunctionName parameter accepts."""
    if len(name) > limits.FUNCTION_NAME_LENGTH:
        _violates(name, "functionName", "Member must have length less than or equal to 64")
    if not _NEW_NAME.fullmatch(name):
        _violates(
            name,
            "functionName",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+",
        )


def check_runtime(name: str) -> None:
    runtime = limits.RUNTIMES.get(name)
    if runtime is None:
        known = ", ".join(r.name for r in limits.RUNTIMES.values() if not r.blocked)
        raise InvalidParameterValueException(
            f"Value {name} at 'runtime' failed to satisfy constraint: Member must satisfy enum "
            f"value set: [{known}] or be a valid ARN"
        )
    if runtime.blocked:
        raise InvalidParameterValueException(
            f"The runtime parameter of {name} is no longer supported for creating or updating "
            "AWS Lambda functions. We recommend you use a supported runtime while creating or "
            "updating functions."
        )


def check_snap_start(configuration: Configuration) -> None:
    """What AWS has SnapStart for (developer guide, "Improving startup performance with Lambda
    SnapStart"); of that, what is built here."""
    if configuration.per_tenant:
        raise tenancy.unsupported("SnapStart")
    runtime = configuration.runtime
    language = re.match("[a-z]*", runtime)
    since = _SNAP_START_SINCE.get(language[0] if language else "")
    if since is None or _numbers(runtime) < since:
        raise InvalidParameterValueException(
            f"{runtime} is not supported for SnapStart enabled functions."
        )
    if configuration.ephemeral_mb > limits.EPHEMERAL_DEFAULT_MB:
        raise InvalidParameterValueException(
            f"Ephemeral storage of more than {limits.EPHEMERAL_DEFAULT_MB} MB is not supported for "
            "SnapStart enabled functions."
        )
    if configuration.kept.get("FileSystemConfigs"):
        raise InvalidParameterValueException(
            "FileSystemConfigs are not supported for SnapStart enabled functions."
        )
    if limits.RUNTIMES[runtime].family not in (limits.Family.PYTHON, limits.Family.JAVA):
        raise NotImplementedException(
            f"Stoker has not built SnapStart of {runtime} (CreateFunction and "
            "UpdateFunctionConfiguration) yet: only Python's and Java's."
        )


def check_environment(variables: Mapping[str, str], quotas: Quotas = AWS) -> None:
    if not all(_VARIABLE.fullmatch(key) for key in variables):
        raise ValidationException(
            "1 validation error detected: Value at 'environment.variables' failed to satisfy "
            "constraint: Map keys must satisfy constraint: [Member must satisfy regular "
            "expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
        )
    if reserved := sorted(variables.keys() & limits.RESERVED_VARIABLES):
        raise InvalidParameterValueException(
            f"{_UNABLE} contains reserved keys that are currently not supported for "
            f"modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    # AWS measures the map as it is stored, names, quotes and braces included
    # (developer guide, "Troubleshoot configuration issues in Lambda").
    measured = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
    if len(measured.encode(errors="replace")) > quotas.environment_bytes:
        raise InvalidParameterValueException(
            f"{_UNABLE} exceeded the {quotas.environment_bytes // 1024}KB limit. String measured: "
            f"{measured}"
        )
    if any("\0" in value for value in variables.values()):
        raise InvalidParameterValueException(
            f"{_UNABLE} contains a value with a NUL character, which no process can be given."
        )


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > limits.TAGS:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")


def check_new_tags(tags: Mapping[str, str]) -> None:
    """Of TagResource, in AWS's words (recorded Nov 2023)."""
    if not tags:
        raise InvalidParameterValueException(
            "An error occurred and the request cannot be processed."
        )


def check_zip_size(size_bytes: int, operation: str, quotas: Quotas = AWS) -> None:
    """A package that comes in the request itself. AWS names the size of the base64 text."""
    if size_bytes > quotas.zip_bytes:
        raise RequestEntityTooLargeException(
            f"Request must be smaller than {quotas.base64_bytes} bytes for the {operation} "
            "operation"
        )


def check_unpacked_size(code: Code, layers: tuple[Layer, ...], quotas: Quotas = AWS) -> None:
    """Function and layers together; a package alone is checked when it is looked into."""
    size = sum(each.unpacked_bytes for each in (code, *(layer.code for layer in layers)))
    if layers and size > quotas.unzipped_bytes:
        raise InvalidParameterValueException(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{quotas.unzipped_bytes} bytes. The actual size is {size} bytes."
        )


def _log_settings(before: LogSettings, changes: Changes) -> LogSettings:
    format_ = _or(changes.log_format, before.format)
    levels = (changes.application_log_level, changes.system_log_level)
    if format_ != "JSON" and any(level is not None for level in levels):
        raise InvalidParameterValueException(
            "ApplicationLogLevel and SystemLogLevel can only be set if LogFormat is JSON."
        )
    if format_ != "JSON":  # levels are JSON's: who comes back to it begins with the defaults
        return LogSettings(group=_or(changes.log_group, before.group))
    return LogSettings(
        group=_or(changes.log_group, before.group),
        format=format_,
        application_level=_or(changes.application_log_level, before.application_level),
        system_level=_or(changes.system_log_level, before.system_level),
    )


def _numbers(runtime: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", runtime)]


def _check_range(member: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        return
    if value > most:
        _violates(value, member, f"Member must have value less than or equal to {most}")
    if value < least:
        _violates(value, member, f"Member must have value greater than or equal to {least}")


def _violates(value: object, member: str, constraint: str) -> NoReturn:
    raise ValidationException(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy "
        f"constraint: {constraint}"
    )


def _or(change: T | None, before: T) -> T:
    return before if change is None else change

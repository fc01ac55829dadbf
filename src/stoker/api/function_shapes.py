"""Functions between AWS's shapes and ours: what a request asks for, what an answer shows."""

import base64
from collections.abc import Mapping
from typing import Any

from stoker.api.shapes.lambda_ import (
    CreateFunctionInput,
    DeadLetterConfig,
    EnvironmentResponse,
    EphemeralStorage,
    FileSystemConfig,
    FunctionConfiguration,
    ImageConfig,
    ImageConfigResponse,
    Layer,
    LoggingConfig,
    RuntimeVersionConfig,
    S3FilesConfig,
    SnapStartResponse,
    TenancyConfig,
    TracingConfigResponse,
    UpdateFunctionCodeInput,
    UpdateFunctionConfigurationInput,
    VpcConfig,
    VpcConfigResponse,
)
from stoker.core.errors import NotImplementedException
from stoker.core.invocation import LogSettings
from stoker.core.model import Configuration, Function, FunctionKey, State, UpdateStatus
from stoker.core.names import LATEST, function_arn, runtime_version_arn
from stoker.core.tenancy import MODE
from stoker.core.validation import Changes
from stoker.core.versions import Version

Input = CreateFunctionInput | UpdateFunctionCodeInput | UpdateFunctionConfigurationInput

_ON_PUBLISHED = "PublishedVersions"

# Members of the inputs whose effect is not built: to keep them would be to pretend.
_UNBUILT = {
    "publish_to": "PublishTo",
    "capacity_provider_config": "CapacityProviderConfig",
    "durable_config": "DurableConfig",
    "runtime_config": "RuntimeConfig",
    "accelerator_config": "AcceleratorConfig",
    "source_kms_key_arn": "SourceKMSKeyArn",
}


def refuse_unbuilt(asked: Input) -> None:
    """Raise NotImplementedException, naming the member."""
    operation = type(asked).__name__.removesuffix("Input")
    found = [shown for name, shown in _UNBUILT.items() if getattr(asked, name, None)]
    if isinstance(asked, CreateFunctionInput):
        if asked.package_type == "Image" or asked.code.image_uri:
            found.append("PackageType Image")
        if asked.code.source_kms_key_arn:
            found.append("SourceKMSKeyArn")
    if found:
        raise NotImplementedException(
            f"Stoker has not built {', '.join(found)} of {operation} yet."
        )


def asked_changes(asked: Input) -> Changes:
    """What the request asks to be different."""
    architecture = None
    if not isinstance(asked, UpdateFunctionConfigurationInput) and asked.architectures:
        (architecture,) = asked.architectures
    if isinstance(asked, UpdateFunctionCodeInput):
        return Changes(architecture=architecture)
    logging = asked.logging_config or LoggingConfig()
    storage, environment, tracing = (
        asked.ephemeral_storage,
        asked.environment,
        asked.tracing_config,
    )
    return Changes(
        runtime=asked.runtime,
        handler=asked.handler,
        role=asked.role,
        description=asked.description,
        memory_mb=asked.memory_size,
        timeout_s=asked.timeout,
        ephemeral_mb=None if storage is None else storage.size,
        environment=None if environment is None else environment.variables or {},
        tracing=None if tracing is None else tracing.mode,
        snap_start=(
            None
            if asked.snap_start is None or asked.snap_start.apply_on is None
            else asked.snap_start.apply_on == _ON_PUBLISHED
        ),
        log_format=logging.log_format,
        log_group=logging.log_group,
        application_log_level=logging.application_log_level,
        system_log_level=logging.system_log_level,
        architecture=architecture,
        per_tenant=True if getattr(asked, "tenancy_config", None) else None,
        kept=dict(_kept(asked)),
    )


def described(
    function: Function, qualifier: str | None = None, *, listed: bool = False
) -> FunctionConfiguration:
    """$LATEST as AWS shows it. `listed`: without what AWS leaves out of lists."""
    key = function.key
    states: dict[str, Any] = {
        "state": function.state.value,
        "state_reason": function.state_reason,
        "state_reason_code": function.state_reason_code,
        "last_update_status": function.update_status and function.update_status.value,
        "last_update_status_reason": function.update_reason,
        "last_update_status_reason_code": function.update_reason_code,
        "runtime_version_config": _runtime_version(key, function.latest),
    }
    return FunctionConfiguration(
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
        version=LATEST,
        last_modified=function.last_modified,
        revision_id=function.revision_id,
        snap_start=_snap_start(function.latest),
        **_described(key, function.latest),
        **({} if listed else states),
    )


def described_version(
    version: Version, qualifier: str | None = None, *, listed: bool = False
) -> FunctionConfiguration:
    """A version as AWS shows it, by its number or by an alias."""
    key, number = version.key.function, str(version.key.number)
    status = {State.ACTIVE: UpdateStatus.SUCCESSFUL.value, State.FAILED: UpdateStatus.FAILED.value}
    states: dict[str, Any] = {
        "state": version.state.value,
        "state_reason": version.state_reason,
        "state_reason_code": version.state_reason_code,
        "last_update_status": status.get(version.state),
        "runtime_version_config": _runtime_version(key, version.configuration),
    }
    return FunctionConfiguration(
        function_arn=function_arn(key.region, key.account, key.name, qualifier or number),
        version=number,
        last_modified=version.last_modified,
        revision_id=version.revision_id,
        snap_start=_snap_start(version.configuration, ready=version.state is State.ACTIVE),
        **_described(key, version.configuration),
        **({} if listed else states),
    )


def _described(key: FunctionKey, configuration: Configuration) -> dict[str, Any]:
    return {
        "function_name": key.name,
        "runtime": configuration.runtime,
        "role": configuration.role,
        "handler": configuration.handler,
        "code_size": configuration.code.size_bytes,
        "code_sha256": base64.b64encode(bytes.fromhex(configuration.code.sha256)).decode(),
        "description": configuration.description,
        "timeout": configuration.timeout_s,
        "memory_size": configuration.memory_mb,
        "environment": (
            None
            if configuration.environment is None
            else EnvironmentResponse(variables=dict(configuration.environment))
        ),
        "tracing_config": TracingConfigResponse(mode=configuration.tracing),
        "package_type": configuration.package_type,
        "architectures": (configuration.architecture,),
        "ephemeral_storage": EphemeralStorage(size=configuration.ephemeral_mb),
        "logging_config": _logging(configuration.log),
        "layers": tuple(
            Layer(arn=layer.arn, code_size=layer.code.size_bytes) for layer in configuration.layers
        )
        or None,
        "tenancy_config": (
            TenancyConfig(tenant_isolation_mode=MODE) if configuration.per_tenant else None
        ),
        **_show_kept(configuration.kept),
    }


def _snap_start(configuration: Configuration, ready: bool = False) -> SnapStartResponse:
    """`ready`: there is a snapshot, of which environments are copies."""
    on = configuration.snap_start
    return SnapStartResponse(
        apply_on=_ON_PUBLISHED if on else "None",
        optimization_status="On" if on and ready else "Off",
    )


def _runtime_version(key: FunctionKey, configuration: Configuration) -> RuntimeVersionConfig:
    version = runtime_version_arn(key.region, configuration.runtime)
    return RuntimeVersionConfig(runtime_version_arn=version)


def _logging(settings: LogSettings) -> LoggingConfig:
    json = settings.format == "JSON"
    return LoggingConfig(
        log_format=settings.format,
        log_group=settings.group,
        application_log_level=settings.application_level if json else None,
        system_log_level=settings.system_level if json else None,
    )


def _kept(
    asked: CreateFunctionInput | UpdateFunctionConfigurationInput,
) -> Mapping[str, object]:
    """Settings that are kept and shown, in AWS's shape; None removes one, as an empty value
    does on AWS."""
    kept: dict[str, object] = {}
    if asked.vpc_config is not None:
        kept["VpcConfig"] = _vpc(asked.vpc_config)
    if asked.dead_letter_config is not None:
        arn = asked.dead_letter_config.target_arn
        kept["DeadLetterConfig"] = {"TargetArn": arn} if arn else None
    if asked.kms_key_arn is not None:
        kept["KMSKeyArn"] = asked.kms_key_arn or None
    if asked.file_system_configs is not None:
        kept["FileSystemConfigs"] = [_file_system(f) for f in asked.file_system_configs] or None
    if asked.image_config is not None:
        kept["ImageConfig"] = _image(asked.image_config)
    return kept


def _vpc(asked: VpcConfig) -> dict[str, object] | None:
    if not asked.subnet_ids and not asked.security_group_ids:
        return None
    return {
        "SubnetIds": list(asked.subnet_ids or ()),
        "SecurityGroupIds": list(asked.security_group_ids or ()),
        "Ipv6AllowedForDualStack": bool(asked.ipv6_allowed_for_dual_stack),
    }


def _image(asked: ImageConfig) -> dict[str, object] | None:
    """Of a function that has no image: AWS's answer to that is not documented."""
    shape = {
        "EntryPoint": asked.entry_point and list(asked.entry_point),
        "Command": asked.command and list(asked.command),
        "WorkingDirectory": asked.working_directory,
    }
    return {name: value for name, value in shape.items() if value} or None


def _file_system(asked: FileSystemConfig) -> dict[str, object]:
    shape: dict[str, object] = {"Arn": asked.arn, "LocalMountPath": asked.local_mount_path}
    if asked.s3_files_config is not None:
        shape["S3FilesConfig"] = {"DirectS3Read": asked.s3_files_config.direct_s3_read}
    return shape


def _show_kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"kms_key_arn": kept.get("KMSKeyArn")}
    if vpc := kept.get("VpcConfig"):
        shown["vpc_config"] = VpcConfigResponse(
            subnet_ids=tuple(vpc["SubnetIds"]),
            security_group_ids=tuple(vpc["SecurityGroupIds"]),
            vpc_id="",  # which network a subnet belongs to is not known here
            ipv6_allowed_for_dual_stack=vpc["Ipv6AllowedForDualStack"],
        )
    if queue := kept.get("DeadLetterConfig"):
        shown["dead_letter_config"] = DeadLetterConfig(target_arn=queue["TargetArn"])
    if systems := kept.get("FileSystemConfigs"):
        shown["file_system_configs"] = tuple(map(_show_file_system, systems))
    if image := kept.get("ImageConfig"):
        own = ImageConfig(
            entry_point=tuple(image["EntryPoint"]) if "EntryPoint" in image else None,
            command=tuple(image["Command"]) if "Command" in image else None,
            working_directory=image.get("WorkingDirectory"),
        )
        shown["image_config_response"] = ImageConfigResponse(image_config=own)
    return shown


def _show_file_system(kept: Mapping[str, Any]) -> FileSystemConfig:
    s3 = kept.get("S3FilesConfig")
    return FileSystemConfig(
        arn=kept["Arn"],
        local_mount_path=kept["LocalMountPath"],
        s3_files_config=s3 and S3FilesConfig(direct_s3_read=s3["DirectS3Read"]),
    )

# Generated from botocore's model of lambda by generate_shapes.py. Do not edit.
"""AWS Lambda: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeInput:
    function_name: str
    invocation_type: str | None = None
    log_type: str | None = None
    client_context: str | None = None
    durable_execution_name: str | None = None
    payload: bytes | None = None
    qualifier: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvocationResponse:
    status_code: int | None = None
    function_error: str | None = None
    log_result: str | None = None
    payload: bytes | None = None
    executed_version: str | None = None
    durable_execution_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeWithResponseStreamInput:
    function_name: str
    log_type: str | None = None
    client_context: str | None = None
    qualifier: str | None = None
    payload: bytes | None = None
    tenant_id: str | None = None
    invocation_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeResponseStreamUpdate:
    payload: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeWithResponseStreamCompleteEvent:
    error_code: str | None = None
    error_details: str | None = None
    log_result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeWithResponseStreamResponseEvent:
    payload_chunk: InvokeResponseStreamUpdate | None = None
    invoke_complete: InvokeWithResponseStreamCompleteEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeWithResponseStreamResponse:
    status_code: int | None = None
    executed_version: str | None = None
    event_stream: InvokeWithResponseStreamResponseEvent | None = None
    response_stream_content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeAsyncInput:
    function_name: str
    invoke_args: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeAsyncResponse:
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCode:
    zip_file: bytes | None = None
    s3_bucket: str | None = None
    s3_key: str | None = None
    s3_object_version: str | None = None
    s3_object_storage_mode: str | None = None
    image_uri: str | None = None
    source_kms_key_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcConfig:
    subnet_ids: tuple[str, ...] | None = None
    security_group_ids: tuple[str, ...] | None = None
    ipv6_allowed_for_dual_stack: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterConfig:
    target_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConfig:
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralStorage:
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapStart:
    apply_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    log_format: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenancyConfig:
    tenant_isolation_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaManagedInstancesCapacityProviderConfig:
    capacity_provider_arn: str
    per_execution_environment_max_concurrency: int | None = None
    execution_environment_memory_gi_b_per_v_cpu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderConfig:
    lambda_managed_instances_capacity_provider_config: LambdaManagedInstancesCapacityProviderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableConfig:
    kms_key_arn: str | None = None
    retention_period_in_days: int | None = None
    execution_timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRuntimeConfig:
    runtime_arn: str
    runtime_alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceleratorConfig:
    accelerator_memory_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class S3FilesConfig:
    direct_s3_read: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemConfig:
    arn: str
    local_mount_path: str
    s3_files_config: S3FilesConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFunctionInput:
    function_name: str
    runtime: str | None = None
    role: str
    handler: str | None = None
    code: FunctionCode
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    publish: bool | None = None
    publish_to: str | None = None
    vpc_config: VpcConfig | None = None
    package_type: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    environment: Environment | None = None
    kms_key_arn: str | None = None
    tracing_config: TracingConfig | None = None
    tags: Mapping[str, str] | None = None
    layers: tuple[str, ...] | None = None
    file_system_configs: tuple[FileSystemConfig, ...] | None = None
    code_signing_config_arn: str | None = None
    image_config: ImageConfig | None = None
    architectures: tuple[str, ...] | None = None
    ephemeral_storage: EphemeralStorage | None = None
    snap_start: SnapStart | None = None
    logging_config: LoggingConfig | None = None
    tenancy_config: TenancyConfig | None = None
    capacity_provider_config: CapacityProviderConfig | None = None
    durable_config: DurableConfig | None = None
    runtime_config: FunctionRuntimeConfig | None = None
    accelerator_config: AcceleratorConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcConfigResponse:
    subnet_ids: tuple[str, ...] | None = None
    security_group_ids: tuple[str, ...] | None = None
    vpc_id: str | None = None
    ipv6_allowed_for_dual_stack: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentError:
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentResponse:
    variables: Mapping[str, str] | None = None
    error: EnvironmentError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingConfigResponse:
    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfigError:
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfigResponse:
    image_config: ImageConfig | None = None
    error: ImageConfigError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapStartResponse:
    apply_on: str | None = None
    optimization_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeVersionError:
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeVersionConfig:
    runtime_version_arn: str | None = None
    error: RuntimeVersionError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    arn: str | None = None
    code_size: int | None = None
    signing_profile_version_arn: str | None = None
    signing_job_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfiguration:
    function_name: str | None = None
    function_arn: str | None = None
    runtime: str | None = None
    role: str | None = None
    handler: str | None = None
    code_size: int | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    last_modified: str | None = None
    code_sha256: str | None = None
    version: str | None = None
    vpc_config: VpcConfigResponse | None = None
    dead_letter_config: DeadLetterConfig | None = None
    environment: EnvironmentResponse | None = None
    kms_key_arn: str | None = None
    tracing_config: TracingConfigResponse | None = None
    master_arn: str | None = None
    revision_id: str | None = None
    layers: tuple[Layer, ...] | None = None
    state: str | None = None
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str | None = None
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    file_system_configs: tuple[FileSystemConfig, ...] | None = None
    signing_profile_version_arn: str | None = None
    signing_job_arn: str | None = None
    package_type: str | None = None
    image_config_response: ImageConfigResponse | None = None
    architectures: tuple[str, ...] | None = None
    ephemeral_storage: EphemeralStorage | None = None
    snap_start: SnapStartResponse | None = None
    runtime_version_config: RuntimeVersionConfig | None = None
    logging_config: LoggingConfig | None = None
    tenancy_config: TenancyConfig | None = None
    capacity_provider_config: CapacityProviderConfig | None = None
    config_sha256: str | None = None
    durable_config: DurableConfig | None = None
    runtime_config: FunctionRuntimeConfig | None = None
    accelerator_config: AcceleratorConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionsInput:
    master_region: str | None = None
    function_version: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionsResponse:
    next_marker: str | None = None
    functions: tuple[FunctionConfiguration, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedS3Object:
    s3_bucket: str | None = None
    s3_key: str | None = None
    s3_object_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCodeLocationError:
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCodeLocation:
    repository_type: str | None = None
    location: str | None = None
    image_uri: str | None = None
    resolved_image_uri: str | None = None
    resolved_s3_object: ResolvedS3Object | None = None
    source_kms_key_arn: str | None = None
    error: FunctionCodeLocationError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsError:
    error_code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    reserved_concurrent_executions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionResponse:
    configuration: FunctionConfiguration | None = None
    code: FunctionCodeLocation | None = None
    tags: Mapping[str, str] | None = None
    tags_error: TagsError | None = None
    concurrency: Concurrency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionResponse:
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionConfigurationInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctionConfigurationInput:
    function_name: str
    role: str | None = None
    handler: str | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    vpc_config: VpcConfig | None = None
    environment: Environment | None = None
    runtime: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    kms_key_arn: str | None = None
    tracing_config: TracingConfig | None = None
    revision_id: str | None = None
    layers: tuple[str, ...] | None = None
    file_system_configs: tuple[FileSystemConfig, ...] | None = None
    image_config: ImageConfig | None = None
    ephemeral_storage: EphemeralStorage | None = None
    snap_start: SnapStart | None = None
    logging_config: LoggingConfig | None = None
    capacity_provider_config: CapacityProviderConfig | None = None
    durable_config: DurableConfig | None = None
    runtime_config: FunctionRuntimeConfig | None = None
    accelerator_config: AcceleratorConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctionCodeInput:
    function_name: str
    zip_file: bytes | None = None
    s3_bucket: str | None = None
    s3_key: str | None = None
    s3_object_version: str | None = None
    s3_object_storage_mode: str | None = None
    image_uri: str | None = None
    architectures: tuple[str, ...] | None = None
    publish: bool | None = None
    publish_to: str | None = None
    dry_run: bool | None = None
    revision_id: str | None = None
    source_kms_key_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishVersionInput:
    function_name: str
    code_sha256: str | None = None
    description: str | None = None
    revision_id: str | None = None
    publish_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersionsByFunctionInput:
    function_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersionsByFunctionResponse:
    next_marker: str | None = None
    versions: tuple[FunctionConfiguration, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRoutingConfiguration:
    additional_version_weights: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAliasInput:
    function_name: str
    name: str
    function_version: str
    description: str | None = None
    routing_config: AliasRoutingConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasConfiguration:
    alias_arn: str | None = None
    name: str | None = None
    function_version: str | None = None
    description: str | None = None
    routing_config: AliasRoutingConfiguration | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAliasInput:
    function_name: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAliasesInput:
    function_name: str
    function_version: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAliasesResponse:
    next_marker: str | None = None
    aliases: tuple[AliasConfiguration, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAliasInput:
    function_name: str
    name: str
    function_version: str | None = None
    description: str | None = None
    routing_config: AliasRoutingConfiguration | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAliasInput:
    function_name: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermissionInput:
    function_name: str
    statement_id: str
    action: str
    principal: str
    source_arn: str | None = None
    function_url_auth_type: str | None = None
    invoked_via_function_url: bool | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    qualifier: str | None = None
    revision_id: str | None = None
    principal_org_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermissionResponse:
    statement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePermissionInput:
    function_name: str
    statement_id: str
    qualifier: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicyResponse:
    policy: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResourcePolicyInput:
    resource_arn: str
    policy: str
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResourcePolicyResponse:
    policy: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourcePolicyInput:
    resource_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourcePolicyResponse:
    policy: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteResourcePolicyInput:
    resource_arn: str
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceInput:
    resource: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceInput:
    resource: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsInput:
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsResponse:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionConcurrencyInput:
    function_name: str
    reserved_concurrent_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionConcurrencyInput:
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionConcurrencyResponse:
    reserved_concurrent_executions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionConcurrencyInput:
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSuccess:
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationConfig:
    on_success: OnSuccess | None = None
    on_failure: OnFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionEventInvokeConfigInput:
    function_name: str
    qualifier: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None
    destination_config: DestinationConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionEventInvokeConfig:
    last_modified: datetime | None = None
    function_arn: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None
    destination_config: DestinationConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctionEventInvokeConfigInput:
    function_name: str
    qualifier: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None
    destination_config: DestinationConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionEventInvokeConfigInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionEventInvokeConfigsInput:
    function_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionEventInvokeConfigsResponse:
    function_event_invoke_configs: tuple[FunctionEventInvokeConfig, ...] | None = None
    next_marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionEventInvokeConfigInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterCriteria:
    filters: tuple[Filter, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMappingMetricsConfig:
    metrics: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMappingLoggingConfig:
    system_log_level: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingConfig:
    maximum_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfManagedEventSource:
    endpoints: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSchemaRegistryAccessConfig:
    type: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSchemaValidationConfig:
    attribute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSchemaRegistryConfig:
    schema_registry_uri: str | None = None
    event_record_format: str | None = None
    access_configs: tuple[KafkaSchemaRegistryAccessConfig, ...] | None = None
    schema_validation_configs: tuple[KafkaSchemaValidationConfig, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonManagedKafkaEventSourceConfig:
    consumer_group_id: str | None = None
    schema_registry_config: KafkaSchemaRegistryConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfManagedKafkaEventSourceConfig:
    consumer_group_id: str | None = None
    schema_registry_config: KafkaSchemaRegistryConfig | None = None
    consumption_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDBEventSourceConfig:
    database_name: str | None = None
    collection_name: str | None = None
    full_document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedPollerConfig:
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    poller_group_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAccessConfiguration:
    type: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEventSourceMappingInput:
    event_source_arn: str | None = None
    function_name: str
    enabled: bool | None = None
    batch_size: int | None = None
    filter_criteria: FilterCriteria | None = None
    kms_key_arn: str | None = None
    metrics_config: EventSourceMappingMetricsConfig | None = None
    logging_config: EventSourceMappingLoggingConfig | None = None
    scaling_config: ScalingConfig | None = None
    maximum_batching_window_in_seconds: int | None = None
    parallelization_factor: int | None = None
    starting_position: str | None = None
    starting_position_timestamp: datetime | None = None
    destination_config: DestinationConfig | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tags: Mapping[str, str] | None = None
    tumbling_window_in_seconds: int | None = None
    topics: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    source_access_configurations: tuple[SourceAccessConfiguration, ...] | None = None
    self_managed_event_source: SelfManagedEventSource | None = None
    function_response_types: tuple[str, ...] | None = None
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None
    document_db_event_source_config: DocumentDBEventSourceConfig | None = None
    provisioned_poller_config: ProvisionedPollerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterCriteriaError:
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMappingConfiguration:
    uuid: str | None = None
    starting_position: str | None = None
    starting_position_timestamp: datetime | None = None
    batch_size: int | None = None
    maximum_batching_window_in_seconds: int | None = None
    parallelization_factor: int | None = None
    event_source_arn: str | None = None
    filter_criteria: FilterCriteria | None = None
    filter_criteria_error: FilterCriteriaError | None = None
    kms_key_arn: str | None = None
    metrics_config: EventSourceMappingMetricsConfig | None = None
    logging_config: EventSourceMappingLoggingConfig | None = None
    scaling_config: ScalingConfig | None = None
    function_arn: str | None = None
    last_modified: datetime | None = None
    last_processing_result: str | None = None
    state: str | None = None
    state_transition_reason: str | None = None
    destination_config: DestinationConfig | None = None
    topics: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    source_access_configurations: tuple[SourceAccessConfiguration, ...] | None = None
    self_managed_event_source: SelfManagedEventSource | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tumbling_window_in_seconds: int | None = None
    function_response_types: tuple[str, ...] | None = None
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None
    document_db_event_source_config: DocumentDBEventSourceConfig | None = None
    event_source_mapping_arn: str | None = None
    provisioned_poller_config: ProvisionedPollerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEventSourceMappingInput:
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventSourceMappingsInput:
    event_source_arn: str | None = None
    function_name: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventSourceMappingsResponse:
    next_marker: str | None = None
    event_source_mappings: tuple[EventSourceMappingConfiguration, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEventSourceMappingInput:
    uuid: str
    function_name: str | None = None
    enabled: bool | None = None
    batch_size: int | None = None
    filter_criteria: FilterCriteria | None = None
    kms_key_arn: str | None = None
    metrics_config: EventSourceMappingMetricsConfig | None = None
    logging_config: EventSourceMappingLoggingConfig | None = None
    scaling_config: ScalingConfig | None = None
    maximum_batching_window_in_seconds: int | None = None
    parallelization_factor: int | None = None
    destination_config: DestinationConfig | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tumbling_window_in_seconds: int | None = None
    source_access_configurations: tuple[SourceAccessConfiguration, ...] | None = None
    function_response_types: tuple[str, ...] | None = None
    amazon_managed_kafka_event_source_config: AmazonManagedKafkaEventSourceConfig | None = None
    self_managed_kafka_event_source_config: SelfManagedKafkaEventSourceConfig | None = None
    document_db_event_source_config: DocumentDBEventSourceConfig | None = None
    provisioned_poller_config: ProvisionedPollerConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEventSourceMappingInput:
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFunctionUrlConfigInput:
    function_name: str
    qualifier: str | None = None
    auth_type: str
    cors: Cors | None = None
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFunctionUrlConfigResponse:
    function_url: str
    function_arn: str
    auth_type: str
    cors: Cors | None = None
    creation_time: str
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionUrlConfigInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionUrlConfigResponse:
    function_url: str
    function_arn: str
    auth_type: str
    cors: Cors | None = None
    creation_time: str
    last_modified_time: str
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctionUrlConfigInput:
    function_name: str
    qualifier: str | None = None
    auth_type: str | None = None
    cors: Cors | None = None
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateFunctionUrlConfigResponse:
    function_url: str
    function_arn: str
    auth_type: str
    cors: Cors | None = None
    creation_time: str
    last_modified_time: str
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionUrlConfigInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionUrlConfigsInput:
    function_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrlConfig:
    function_url: str
    function_arn: str
    creation_time: str
    last_modified_time: str
    cors: Cors | None = None
    auth_type: str
    invoke_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionUrlConfigsResponse:
    function_url_configs: tuple[FunctionUrlConfig, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRuntimeManagementConfigInput:
    function_name: str
    qualifier: str | None = None
    update_runtime_on: str
    runtime_version_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRuntimeManagementConfigResponse:
    update_runtime_on: str
    function_arn: str
    runtime_version_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRuntimeManagementConfigInput:
    function_name: str
    qualifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRuntimeManagementConfigResponse:
    update_runtime_on: str | None = None
    function_arn: str | None = None
    runtime_version_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionRecursionConfigInput:
    function_name: str
    recursive_loop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionRecursionConfigResponse:
    recursive_loop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionRecursionConfigInput:
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionRecursionConfigResponse:
    recursive_loop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedPublishers:
    signing_profile_version_arns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSigningPolicies:
    untrusted_artifact_on_deployment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCodeSigningConfigInput:
    description: str | None = None
    allowed_publishers: AllowedPublishers
    code_signing_policies: CodeSigningPolicies | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSigningConfig:
    code_signing_config_id: str
    code_signing_config_arn: str
    description: str | None = None
    allowed_publishers: AllowedPublishers
    code_signing_policies: CodeSigningPolicies
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCodeSigningConfigResponse:
    code_signing_config: CodeSigningConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCodeSigningConfigInput:
    code_signing_config_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCodeSigningConfigResponse:
    code_signing_config: CodeSigningConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCodeSigningConfigInput:
    code_signing_config_arn: str
    description: str | None = None
    allowed_publishers: AllowedPublishers | None = None
    code_signing_policies: CodeSigningPolicies | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCodeSigningConfigResponse:
    code_signing_config: CodeSigningConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCodeSigningConfigInput:
    code_signing_config_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCodeSigningConfigResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCodeSigningConfigsInput:
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCodeSigningConfigsResponse:
    next_marker: str | None = None
    code_signing_configs: tuple[CodeSigningConfig, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionsByCodeSigningConfigInput:
    code_signing_config_arn: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionsByCodeSigningConfigResponse:
    next_marker: str | None = None
    function_arns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionCodeSigningConfigInput:
    code_signing_config_arn: str
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionCodeSigningConfigResponse:
    code_signing_config_arn: str
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionCodeSigningConfigInput:
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionCodeSigningConfigResponse:
    code_signing_config_arn: str
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFunctionCodeSigningConfigInput:
    function_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutProvisionedConcurrencyConfigInput:
    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutProvisionedConcurrencyConfigResponse:
    requested_provisioned_concurrent_executions: int | None = None
    allocated_provisioned_concurrent_executions: int | None = None
    available_provisioned_concurrent_executions: int | None = None
    status: str | None = None
    status_reason: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProvisionedConcurrencyConfigInput:
    function_name: str
    qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProvisionedConcurrencyConfigResponse:
    requested_provisioned_concurrent_executions: int | None = None
    available_provisioned_concurrent_executions: int | None = None
    allocated_provisioned_concurrent_executions: int | None = None
    status: str | None = None
    status_reason: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProvisionedConcurrencyConfigsInput:
    function_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedConcurrencyConfigListItem:
    function_arn: str | None = None
    requested_provisioned_concurrent_executions: int | None = None
    available_provisioned_concurrent_executions: int | None = None
    allocated_provisioned_concurrent_executions: int | None = None
    status: str | None = None
    status_reason: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProvisionedConcurrencyConfigsResponse:
    provisioned_concurrency_configs: tuple[ProvisionedConcurrencyConfigListItem, ...] | None = None
    next_marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProvisionedConcurrencyConfigInput:
    function_name: str
    qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderVpcConfig:
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderPermissionsConfig:
    capacity_provider_operator_role_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRequirements:
    architectures: tuple[str, ...] | None = None
    allowed_instance_types: tuple[str, ...] | None = None
    excluded_instance_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingScalingPolicy:
    predefined_metric_type: str
    target_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderScalingConfig:
    max_v_cpu_count: int | None = None
    scaling_mode: str | None = None
    scaling_policies: tuple[TargetTrackingScalingPolicy, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropagateTags:
    mode: str | None = None
    explicit_tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderLoggingConfig:
    system_log_level: str | None = None
    log_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProviderTelemetryConfig:
    logging_config: CapacityProviderLoggingConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCapacityProviderInput:
    capacity_provider_name: str
    vpc_config: CapacityProviderVpcConfig
    permissions_config: CapacityProviderPermissionsConfig
    instance_requirements: InstanceRequirements | None = None
    capacity_provider_scaling_config: CapacityProviderScalingConfig | None = None
    kms_key_arn: str | None = None
    tags: Mapping[str, str] | None = None
    propagate_tags: PropagateTags | None = None
    telemetry_config: CapacityProviderTelemetryConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProvider:
    capacity_provider_arn: str
    state: str
    vpc_config: CapacityProviderVpcConfig
    permissions_config: CapacityProviderPermissionsConfig
    instance_requirements: InstanceRequirements | None = None
    capacity_provider_scaling_config: CapacityProviderScalingConfig | None = None
    kms_key_arn: str | None = None
    last_modified: str | None = None
    propagate_tags: PropagateTags | None = None
    telemetry_config: CapacityProviderTelemetryConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCapacityProviderResponse:
    capacity_provider: CapacityProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapacityProviderInput:
    capacity_provider_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCapacityProviderResponse:
    capacity_provider: CapacityProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCapacityProvidersInput:
    state: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCapacityProvidersResponse:
    capacity_providers: tuple[CapacityProvider, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCapacityProviderInput:
    capacity_provider_name: str
    capacity_provider_scaling_config: CapacityProviderScalingConfig | None = None
    propagate_tags: PropagateTags | None = None
    telemetry_config: CapacityProviderTelemetryConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCapacityProviderResponse:
    capacity_provider: CapacityProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCapacityProviderInput:
    capacity_provider_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCapacityProviderResponse:
    capacity_provider: CapacityProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionVersionsByCapacityProviderInput:
    capacity_provider_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersionsByCapacityProviderListItem:
    function_arn: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFunctionVersionsByCapacityProviderResponse:
    capacity_provider_arn: str
    function_versions: tuple[FunctionVersionsByCapacityProviderListItem, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionScalingConfig:
    min_execution_environments: int | None = None
    max_execution_environments: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionScalingConfigInput:
    function_name: str
    qualifier: str
    function_scaling_config: FunctionScalingConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutFunctionScalingConfigResponse:
    function_state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionScalingConfigInput:
    function_name: str
    qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFunctionScalingConfigResponse:
    function_arn: str | None = None
    applied_function_scaling_config: FunctionScalingConfig | None = None
    requested_function_scaling_config: FunctionScalingConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersionContentInput:
    s3_bucket: str | None = None
    s3_key: str | None = None
    s3_object_version: str | None = None
    s3_object_storage_mode: str | None = None
    zip_file: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishLayerVersionInput:
    layer_name: str
    description: str | None = None
    content: LayerVersionContentInput
    compatible_architectures: tuple[str, ...] | None = None
    compatible_runtimes: tuple[str, ...] | None = None
    license_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersionContentOutput:
    location: str | None = None
    code_sha256: str | None = None
    code_size: int | None = None
    signing_profile_version_arn: str | None = None
    signing_job_arn: str | None = None
    resolved_s3_object: ResolvedS3Object | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishLayerVersionResponse:
    content: LayerVersionContentOutput | None = None
    layer_arn: str | None = None
    layer_version_arn: str | None = None
    description: str | None = None
    created_date: str | None = None
    version: int | None = None
    compatible_architectures: tuple[str, ...] | None = None
    compatible_runtimes: tuple[str, ...] | None = None
    license_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLayerVersionInput:
    layer_name: str
    version_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLayerVersionResponse:
    content: LayerVersionContentOutput | None = None
    layer_arn: str | None = None
    layer_version_arn: str | None = None
    description: str | None = None
    created_date: str | None = None
    version: int | None = None
    compatible_architectures: tuple[str, ...] | None = None
    compatible_runtimes: tuple[str, ...] | None = None
    license_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLayerVersionByArnInput:
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLayerVersionsInput:
    compatible_architecture: str | None = None
    compatible_runtime: str | None = None
    layer_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersionsListItem:
    layer_version_arn: str | None = None
    version: int | None = None
    description: str | None = None
    created_date: str | None = None
    compatible_architectures: tuple[str, ...] | None = None
    compatible_runtimes: tuple[str, ...] | None = None
    license_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLayerVersionsResponse:
    next_marker: str | None = None
    layer_versions: tuple[LayerVersionsListItem, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLayersInput:
    compatible_architecture: str | None = None
    compatible_runtime: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersListItem:
    layer_name: str | None = None
    layer_arn: str | None = None
    latest_matching_version: LayerVersionsListItem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLayersResponse:
    next_marker: str | None = None
    layers: tuple[LayersListItem, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLayerVersionInput:
    layer_name: str
    version_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLayerVersionPermissionInput:
    layer_name: str
    version_number: int
    statement_id: str
    action: str
    principal: str
    organization_id: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLayerVersionPermissionResponse:
    statement: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLayerVersionPolicyInput:
    layer_name: str
    version_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLayerVersionPolicyResponse:
    policy: str | None = None
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLayerVersionPermissionInput:
    layer_name: str
    version_number: int
    statement_id: str
    revision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountSettingsInput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimit:
    total_code_size: int | None = None
    code_size_unzipped: int | None = None
    code_size_zipped: int | None = None
    concurrent_executions: int | None = None
    unreserved_concurrent_executions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUsage:
    total_code_size: int | None = None
    function_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountSettingsResponse:
    account_limit: AccountLimit | None = None
    account_usage: AccountUsage | None = None

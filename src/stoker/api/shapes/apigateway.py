# Generated from botocore's model of apigateway by generate_shapes.py. Do not edit.
"""Amazon API Gateway: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfiguration:
    types: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    vpc_endpoint_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRestApiInput:
    name: str
    description: str | None = None
    version: str | None = None
    clone_from: str | None = None
    binary_media_types: tuple[str, ...] | None = None
    minimum_compression_size: int | None = None
    api_key_source: str | None = None
    endpoint_configuration: EndpointConfiguration | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    disable_execute_api_endpoint: bool | None = None
    security_policy: str | None = None
    endpoint_access_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestApi:
    id: str | None = None
    name: str | None = None
    description: str | None = None
    created_date: datetime | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None
    binary_media_types: tuple[str, ...] | None = None
    minimum_compression_size: int | None = None
    api_key_source: str | None = None
    endpoint_configuration: EndpointConfiguration | None = None
    policy: str | None = None
    tags: Mapping[str, str] | None = None
    disable_execute_api_endpoint: bool | None = None
    root_resource_id: str | None = None
    security_policy: str | None = None
    endpoint_access_mode: str | None = None
    api_status: str | None = None
    api_status_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRestApiInput:
    fail_on_warnings: bool | None = None
    parameters: Mapping[str, str] | None = None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRestApiInput:
    rest_api_id: str
    mode: str | None = None
    fail_on_warnings: bool | None = None
    parameters: Mapping[str, str] | None = None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRestApiInput:
    rest_api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRestApisInput:
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestApis:
    position: str | None = None
    items: tuple[RestApi, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchOperation:
    op: str | None = None
    path: str | None = None
    value: str | None = None
    from_: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRestApiInput:
    rest_api_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRestApiInput:
    rest_api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResourceInput:
    rest_api_id: str
    parent_id: str
    path_part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    insecure_skip_verification: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationResponse:
    status_code: str | None = None
    selection_pattern: str | None = None
    response_parameters: Mapping[str, str] | None = None
    response_templates: Mapping[str, str] | None = None
    content_handling: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    type: str | None = None
    http_method: str | None = None
    uri: str | None = None
    connection_type: str | None = None
    connection_id: str | None = None
    credentials: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    passthrough_behavior: str | None = None
    content_handling: str | None = None
    timeout_in_millis: int | None = None
    cache_namespace: str | None = None
    cache_key_parameters: tuple[str, ...] | None = None
    integration_responses: Mapping[str, IntegrationResponse] | None = None
    tls_config: TlsConfig | None = None
    response_transfer_mode: str | None = None
    integration_target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResponse:
    status_code: str | None = None
    response_parameters: Mapping[str, bool] | None = None
    response_models: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    http_method: str | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    api_key_required: bool | None = None
    request_validator_id: str | None = None
    operation_name: str | None = None
    request_parameters: Mapping[str, bool] | None = None
    request_models: Mapping[str, str] | None = None
    method_responses: Mapping[str, MethodResponse] | None = None
    method_integration: Integration | None = None
    authorization_scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    id: str | None = None
    parent_id: str | None = None
    path_part: str | None = None
    path: str | None = None
    resource_methods: Mapping[str, Method] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourceInput:
    rest_api_id: str
    resource_id: str
    embed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResourcesInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None
    embed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    position: str | None = None
    items: tuple[Resource, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResourceInput:
    rest_api_id: str
    resource_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteResourceInput:
    rest_api_id: str
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMethodInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    authorization_type: str
    authorizer_id: str | None = None
    api_key_required: bool | None = None
    operation_name: str | None = None
    request_parameters: Mapping[str, bool] | None = None
    request_models: Mapping[str, str] | None = None
    request_validator_id: str | None = None
    authorization_scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMethodInput:
    rest_api_id: str
    resource_id: str
    http_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMethodInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMethodInput:
    rest_api_id: str
    resource_id: str
    http_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMethodResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    response_parameters: Mapping[str, bool] | None = None
    response_models: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMethodResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMethodResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMethodResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutIntegrationInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    type: str
    integration_http_method: str | None = None
    uri: str | None = None
    connection_type: str | None = None
    connection_id: str | None = None
    credentials: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    passthrough_behavior: str | None = None
    cache_namespace: str | None = None
    cache_key_parameters: tuple[str, ...] | None = None
    content_handling: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfig | None = None
    response_transfer_mode: str | None = None
    integration_target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationInput:
    rest_api_id: str
    resource_id: str
    http_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateIntegrationInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteIntegrationInput:
    rest_api_id: str
    resource_id: str
    http_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutIntegrationResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    selection_pattern: str | None = None
    response_parameters: Mapping[str, str] | None = None
    response_templates: Mapping[str, str] | None = None
    content_handling: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateIntegrationResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteIntegrationResponseInput:
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtAdditionalClaim:
    claim_name: str
    format: str
    required: bool | None = None
    expected_values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuerInput:
    issuer: str
    audiences: tuple[str, ...]
    additional_claims: tuple[JwtAdditionalClaim, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtConfigurationInput:
    issuers: tuple[JwtIssuerInput, ...]
    default_algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAuthorizerInput:
    rest_api_id: str
    name: str
    type: str
    provider_arns: tuple[str, ...] | None = None
    auth_type: str | None = None
    authorizer_uri: str | None = None
    authorizer_credentials: str | None = None
    identity_source: str | None = None
    identity_validation_expression: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    jwt_configuration: JwtConfigurationInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuer:
    issuer: str | None = None
    audiences: tuple[str, ...] | None = None
    additional_claims: tuple[JwtAdditionalClaim, ...] | None = None
    jwks_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtConfiguration:
    issuers: tuple[JwtIssuer, ...] | None = None
    default_algorithms: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    id: str | None = None
    name: str | None = None
    type: str | None = None
    provider_arns: tuple[str, ...] | None = None
    auth_type: str | None = None
    authorizer_uri: str | None = None
    authorizer_credentials: str | None = None
    identity_source: str | None = None
    identity_validation_expression: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    jwt_configuration: JwtConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizerInput:
    rest_api_id: str
    authorizer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizersInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizers:
    position: str | None = None
    items: tuple[Authorizer, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAuthorizerInput:
    rest_api_id: str
    authorizer_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAuthorizerInput:
    rest_api_id: str
    authorizer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateModelInput:
    rest_api_id: str
    name: str
    description: str | None = None
    schema: str | None = None
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    id: str | None = None
    name: str | None = None
    description: str | None = None
    schema: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetModelInput:
    rest_api_id: str
    model_name: str
    flatten: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetModelsInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    position: str | None = None
    items: tuple[Model, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateModelInput:
    rest_api_id: str
    model_name: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteModelInput:
    rest_api_id: str
    model_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequestValidatorInput:
    rest_api_id: str
    name: str | None = None
    validate_request_body: bool | None = None
    validate_request_parameters: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestValidator:
    id: str | None = None
    name: str | None = None
    validate_request_body: bool | None = None
    validate_request_parameters: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRequestValidatorInput:
    rest_api_id: str
    request_validator_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRequestValidatorsInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestValidators:
    position: str | None = None
    items: tuple[RequestValidator, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequestValidatorInput:
    rest_api_id: str
    request_validator_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRequestValidatorInput:
    rest_api_id: str
    request_validator_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutGatewayResponseInput:
    rest_api_id: str
    response_type: str
    status_code: str | None = None
    response_parameters: Mapping[str, str] | None = None
    response_templates: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    response_type: str | None = None
    status_code: str | None = None
    response_parameters: Mapping[str, str] | None = None
    response_templates: Mapping[str, str] | None = None
    default_response: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGatewayResponseInput:
    rest_api_id: str
    response_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGatewayResponsesInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponses:
    position: str | None = None
    items: tuple[GatewayResponse, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGatewayResponseInput:
    rest_api_id: str
    response_type: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGatewayResponseInput:
    rest_api_id: str
    response_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentCanarySettings:
    percent_traffic: float | None = None
    stage_variable_overrides: Mapping[str, str] | None = None
    use_stage_cache: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDeploymentInput:
    rest_api_id: str
    stage_name: str | None = None
    stage_description: str | None = None
    description: str | None = None
    cache_cluster_enabled: bool | None = None
    cache_cluster_size: str | None = None
    variables: Mapping[str, str] | None = None
    canary_settings: DeploymentCanarySettings | None = None
    tracing_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSnapshot:
    authorization_type: str | None = None
    api_key_required: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    id: str | None = None
    description: str | None = None
    created_date: datetime | None = None
    api_summary: Mapping[str, Mapping[str, MethodSnapshot]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentInput:
    rest_api_id: str
    deployment_id: str
    embed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentsInput:
    rest_api_id: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    position: str | None = None
    items: tuple[Deployment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeploymentInput:
    rest_api_id: str
    deployment_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeploymentInput:
    rest_api_id: str
    deployment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySettings:
    percent_traffic: float | None = None
    deployment_id: str | None = None
    stage_variable_overrides: Mapping[str, str] | None = None
    use_stage_cache: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStageInput:
    rest_api_id: str
    stage_name: str
    deployment_id: str
    description: str | None = None
    cache_cluster_enabled: bool | None = None
    cache_cluster_size: str | None = None
    variables: Mapping[str, str] | None = None
    documentation_version: str | None = None
    canary_settings: CanarySettings | None = None
    tracing_enabled: bool | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogSettings:
    format: str | None = None
    destination_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSetting:
    metrics_enabled: bool | None = None
    logging_level: str | None = None
    data_trace_enabled: bool | None = None
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None
    caching_enabled: bool | None = None
    cache_ttl_in_seconds: int | None = None
    cache_data_encrypted: bool | None = None
    require_authorization_for_cache_control: bool | None = None
    unauthorized_cache_control_header_strategy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    deployment_id: str | None = None
    client_certificate_id: str | None = None
    stage_name: str | None = None
    description: str | None = None
    cache_cluster_enabled: bool | None = None
    cache_cluster_size: str | None = None
    cache_cluster_status: str | None = None
    method_settings: Mapping[str, MethodSetting] | None = None
    variables: Mapping[str, str] | None = None
    documentation_version: str | None = None
    access_log_settings: AccessLogSettings | None = None
    canary_settings: CanarySettings | None = None
    tracing_enabled: bool | None = None
    web_acl_arn: str | None = None
    tags: Mapping[str, str] | None = None
    created_date: datetime | None = None
    last_updated_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStageInput:
    rest_api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStagesInput:
    rest_api_id: str
    deployment_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    item: tuple[Stage, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStageInput:
    rest_api_id: str
    stage_name: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStageInput:
    rest_api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushStageAuthorizersCacheInput:
    rest_api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceInput:
    resource_arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceInput:
    resource_arn: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTagsInput:
    resource_arn: str
    position: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountInput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleSettings:
    burst_limit: int | None = None
    rate_limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    cloudwatch_role_arn: str | None = None
    throttle_settings: ThrottleSettings | None = None
    features: tuple[str, ...] | None = None
    api_key_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccountInput:
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageKey:
    rest_api_id: str | None = None
    stage_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKeyInput:
    name: str | None = None
    description: str | None = None
    enabled: bool | None = None
    generate_distinct_id: bool | None = None
    value: str | None = None
    stage_keys: tuple[StageKey, ...] | None = None
    customer_id: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: str | None = None
    value: str | None = None
    name: str | None = None
    customer_id: str | None = None
    description: str | None = None
    enabled: bool | None = None
    created_date: datetime | None = None
    last_updated_date: datetime | None = None
    stage_keys: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApiKeyInput:
    api_key: str
    include_value: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApiKeysInput:
    position: str | None = None
    limit: int | None = None
    name_query: str | None = None
    customer_id: str | None = None
    include_values: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    warnings: tuple[str, ...] | None = None
    position: str | None = None
    items: tuple[ApiKey, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateApiKeyInput:
    api_key: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApiKeyInput:
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSettings:
    limit: int | None = None
    offset: int | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStage:
    api_id: str | None = None
    stage: str | None = None
    throttle: Mapping[str, ThrottleSettings] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUsagePlanInput:
    name: str
    description: str | None = None
    api_stages: tuple[ApiStage, ...] | None = None
    throttle: ThrottleSettings | None = None
    quota: QuotaSettings | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlan:
    id: str | None = None
    name: str | None = None
    description: str | None = None
    api_stages: tuple[ApiStage, ...] | None = None
    throttle: ThrottleSettings | None = None
    quota: QuotaSettings | None = None
    product_code: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsagePlanInput:
    usage_plan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsagePlansInput:
    position: str | None = None
    key_id: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlans:
    position: str | None = None
    items: tuple[UsagePlan, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateUsagePlanInput:
    usage_plan_id: str
    patch_operations: tuple[PatchOperation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUsagePlanInput:
    usage_plan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUsagePlanKeyInput:
    usage_plan_id: str
    key_id: str
    key_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlanKey:
    id: str | None = None
    type: str | None = None
    value: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsagePlanKeyInput:
    usage_plan_id: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsagePlanKeysInput:
    usage_plan_id: str
    position: str | None = None
    limit: int | None = None
    name_query: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePlanKeys:
    position: str | None = None
    items: tuple[UsagePlanKey, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteUsagePlanKeyInput:
    usage_plan_id: str
    key_id: str

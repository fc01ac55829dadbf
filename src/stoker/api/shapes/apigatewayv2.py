# Generated from botocore's model of apigatewayv2 by generate_shapes.py. Do not edit.
"""AmazonApiGatewayV2: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiInput:
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    credentials_arn: str | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    ip_address_type: str | None = None
    name: str
    protocol_type: str
    route_key: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    target: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiResponse:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str | None = None
    protocol_type: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApiInput:
    api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApiResponse:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str | None = None
    protocol_type: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApisInput:
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str
    protocol_type: str
    route_selection_expression: str
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetApisResponse:
    items: tuple[Api, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateApiInput:
    api_id: str
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    credentials_arn: str | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    ip_address_type: str | None = None
    name: str | None = None
    route_key: str | None = None
    route_selection_expression: str | None = None
    target: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateApiResponse:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str | None = None
    protocol_type: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteApiInput:
    api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCorsConfigurationInput:
    api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportApiInput:
    basepath: str | None = None
    body: str
    fail_on_warnings: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportApiResponse:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str | None = None
    protocol_type: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReimportApiInput:
    api_id: str
    basepath: str | None = None
    body: str
    fail_on_warnings: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReimportApiResponse:
    api_endpoint: str | None = None
    api_gateway_managed: bool | None = None
    api_id: str | None = None
    api_key_selection_expression: str | None = None
    cors_configuration: Cors | None = None
    created_date: datetime | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool | None = None
    import_info: tuple[str, ...] | None = None
    ip_address_type: str | None = None
    name: str | None = None
    protocol_type: str | None = None
    route_selection_expression: str | None = None
    tags: Mapping[str, str] | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterConstraints:
    required: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRouteInput:
    api_id: str
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_key: str
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRouteResult:
    api_gateway_managed: bool | None = None
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_id: str | None = None
    route_key: str | None = None
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRouteInput:
    api_id: str
    route_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRouteResult:
    api_gateway_managed: bool | None = None
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_id: str | None = None
    route_key: str | None = None
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRoutesInput:
    api_id: str
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    api_gateway_managed: bool | None = None
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_id: str | None = None
    route_key: str
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRoutesResponse:
    items: tuple[Route, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRouteInput:
    api_id: str
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_id: str
    route_key: str | None = None
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRouteResult:
    api_gateway_managed: bool | None = None
    api_key_required: bool | None = None
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: Mapping[str, str] | None = None
    request_parameters: Mapping[str, ParameterConstraints] | None = None
    route_id: str | None = None
    route_key: str | None = None
    route_response_selection_expression: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRouteInput:
    api_id: str
    route_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfigInput:
    server_name_to_verify: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIntegrationInput:
    api_id: str
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_method: str | None = None
    integration_subtype: str | None = None
    integration_type: str
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfigInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    server_name_to_verify: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIntegrationResult:
    api_gateway_managed: bool | None = None
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_id: str | None = None
    integration_method: str | None = None
    integration_response_selection_expression: str | None = None
    integration_subtype: str | None = None
    integration_type: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationInput:
    api_id: str
    integration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationResult:
    api_gateway_managed: bool | None = None
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_id: str | None = None
    integration_method: str | None = None
    integration_response_selection_expression: str | None = None
    integration_subtype: str | None = None
    integration_type: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationsInput:
    api_id: str
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    api_gateway_managed: bool | None = None
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_id: str | None = None
    integration_method: str | None = None
    integration_response_selection_expression: str | None = None
    integration_subtype: str | None = None
    integration_type: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetIntegrationsResponse:
    items: tuple[Integration, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateIntegrationInput:
    api_id: str
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_id: str
    integration_method: str | None = None
    integration_subtype: str | None = None
    integration_type: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfigInput | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateIntegrationResult:
    api_gateway_managed: bool | None = None
    connection_id: str | None = None
    connection_type: str | None = None
    content_handling_strategy: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_id: str | None = None
    integration_method: str | None = None
    integration_response_selection_expression: str | None = None
    integration_subtype: str | None = None
    integration_type: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: str | None = None
    payload_format_version: str | None = None
    request_parameters: Mapping[str, str] | None = None
    request_templates: Mapping[str, str] | None = None
    response_parameters: Mapping[str, Mapping[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int | None = None
    tls_config: TlsConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteIntegrationInput:
    api_id: str
    integration_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JWTConfiguration:
    audience: tuple[str, ...] | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAuthorizerInput:
    api_id: str
    authorizer_credentials_arn: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...]
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAuthorizerResponse:
    authorizer_credentials_arn: str | None = None
    authorizer_id: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizerInput:
    api_id: str
    authorizer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizerResponse:
    authorizer_credentials_arn: str | None = None
    authorizer_id: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizersInput:
    api_id: str
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    authorizer_credentials_arn: str | None = None
    authorizer_id: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuthorizersResponse:
    items: tuple[Authorizer, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAuthorizerInput:
    api_id: str
    authorizer_credentials_arn: str | None = None
    authorizer_id: str
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAuthorizerResponse:
    authorizer_credentials_arn: str | None = None
    authorizer_id: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_type: str | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JWTConfiguration | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAuthorizerInput:
    api_id: str
    authorizer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetAuthorizersCacheInput:
    api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLogSettings:
    destination_arn: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSettings:
    data_trace_enabled: bool | None = None
    detailed_metrics_enabled: bool | None = None
    logging_level: str | None = None
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStageInput:
    access_log_settings: AccessLogSettings | None = None
    api_id: str
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str
    stage_variables: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStageResponse:
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    created_date: datetime | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None
    last_updated_date: datetime | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str | None = None
    stage_variables: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStageInput:
    api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStageResponse:
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    created_date: datetime | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None
    last_updated_date: datetime | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str | None = None
    stage_variables: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStagesInput:
    api_id: str
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    created_date: datetime | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None
    last_updated_date: datetime | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str
    stage_variables: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStagesResponse:
    items: tuple[Stage, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStageInput:
    access_log_settings: AccessLogSettings | None = None
    api_id: str
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str
    stage_variables: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStageResponse:
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    created_date: datetime | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None
    last_updated_date: datetime | None = None
    route_settings: Mapping[str, RouteSettings] | None = None
    stage_name: str | None = None
    stage_variables: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStageInput:
    api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccessLogSettingsInput:
    api_id: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRouteSettingsInput:
    api_id: str
    route_key: str
    stage_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDeploymentInput:
    api_id: str
    description: str | None = None
    stage_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDeploymentResponse:
    auto_deployed: bool | None = None
    created_date: datetime | None = None
    deployment_id: str | None = None
    deployment_status: str | None = None
    deployment_status_message: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentInput:
    api_id: str
    deployment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentResponse:
    auto_deployed: bool | None = None
    created_date: datetime | None = None
    deployment_id: str | None = None
    deployment_status: str | None = None
    deployment_status_message: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentsInput:
    api_id: str
    max_results: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    auto_deployed: bool | None = None
    created_date: datetime | None = None
    deployment_id: str | None = None
    deployment_status: str | None = None
    deployment_status_message: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeploymentsResponse:
    items: tuple[Deployment, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeploymentInput:
    api_id: str
    deployment_id: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeploymentResponse:
    auto_deployed: bool | None = None
    created_date: datetime | None = None
    deployment_id: str | None = None
    deployment_status: str | None = None
    deployment_status_message: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDeploymentInput:
    api_id: str
    deployment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTagsInput:
    resource_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTagsResponse:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceInput:
    resource_arn: str
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceInput:
    resource_arn: str
    tag_keys: tuple[str, ...]

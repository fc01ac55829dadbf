"""Everything a client can ask, on one page: which service, where it is, who answers.

Path, method and status are AWS's (tests/conformance/test_service_model.py compares them with
botocore's model). `inside`: may be called from within an execution environment, over its own
listener; everything else there is AccessDenied. An operation of the model that has no row here
answers a typed 501 that names it. RESERVED are the paths that are ours and not AWS's.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stoker.api import (
    account,
    aliases,
    capacity_providers,
    code,
    code_signing,
    concurrency,
    event_invoke,
    event_sources,
    function_settings,
    function_urls,
    functions,
    health,
    http_api_parts,
    http_api_stages,
    http_api_tags,
    http_apis,
    introspection,
    invoke_async,
    layer_policies,
    layers,
    logs,
    policies,
    provisioned,
    queue_messages,
    queues,
    scalable_targets,
    scaling_policies,
    scheduled_actions,
    tags,
    versions,
)
from stoker.api.control import Control
from stoker.core.limits import ASYNC_PAYLOAD_BYTES, MIB, SYNC_PAYLOAD_BYTES
from stoker.core.quotas import Quotas
from stoker.http.base import Exchange

Handler = Callable[..., Awaitable[object]]  # (control, Call[<Name>Input]) -> the model's output

REQUEST_BYTES = 10 * MIB  # ours; the largest batch of PutLogEvents, 1 MiB, may be escaped JSON


@dataclass(frozen=True, slots=True)
class Operation:
    service: str  # botocore's name of the service
    name: str
    method: str
    path: str
    status: int
    handler: Handler | None  # None: the two that invoke, in api/invocations.py
    inside: bool = False
    waits: bool = False  # as long as its caller does, and no longer
    body_bytes: int = REQUEST_BYTES  # a longer request is answered 413
    code: bool = False  # brings a package, whose size is a quota

    def most_bytes(self, quotas: Quotas) -> int:
        return quotas.code_request_bytes if self.code else self.body_bytes


@dataclass(frozen=True, slots=True)
class Reserved:
    prefix: str  # of the path
    answer: Callable[[Control, Exchange], Awaitable[None]]
    inside: bool = False


OPERATIONS = (
    Operation("lambda", "Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", 200, None, inside=True, body_bytes=SYNC_PAYLOAD_BYTES),
    Operation("lambda", "InvokeWithResponseStream", "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 200, None, inside=True, body_bytes=SYNC_PAYLOAD_BYTES),
    Operation("lambda", "InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", 202, invoke_async.invoke_async, inside=True, body_bytes=ASYNC_PAYLOAD_BYTES),
    Operation("lambda", "CreateFunction", "POST", "/2015-03-31/functions", 201, functions.create_function, code=True),
    Operation("lambda", "ListFunctions", "GET", "/2015-03-31/functions", 200, functions.list_functions),
    Operation("lambda", "GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", 200, functions.get_function),
    Operation("lambda", "DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", 200, functions.delete_function),
    Operation("lambda", "GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", 200, functions.get_function_configuration),
    Operation("lambda", "UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", 200, functions.update_function_configuration),
    Operation("lambda", "UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", 200, functions.update_function_code, code=True),
    Operation("lambda", "PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", 201, versions.publish_version),
    Operation("lambda", "ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", 200, versions.list_versions_by_function),
    Operation("lambda", "CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", 201, aliases.create_alias),
    Operation("lambda", "GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200, aliases.get_alias),
    Operation("lambda", "ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", 200, aliases.list_aliases),
    Operation("lambda", "UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200, aliases.update_alias),
    Operation("lambda", "DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204, aliases.delete_alias),
    Operation("lambda", "AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", 201, policies.add_permission),
    Operation("lambda", "RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 204, policies.remove_permission),
    Operation("lambda", "GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", 200, policies.get_policy),
    Operation("lambda", "PutResourcePolicy", "PUT", "/2026-07-09/resource-policy/{ResourceArn}", 200, policies.put_resource_policy),
    Operation("lambda", "GetResourcePolicy", "GET", "/2026-07-09/resource-policy/{ResourceArn}", 200, policies.get_resource_policy),
    Operation("lambda", "DeleteResourcePolicy", "DELETE", "/2026-07-09/resource-policy/{ResourceArn}", 204, policies.delete_resource_policy),
    Operation("lambda", "TagResource", "POST", "/2017-03-31/tags/{Resource}", 204, tags.tag_resource),
    Operation("lambda", "UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", 204, tags.untag_resource),
    Operation("lambda", "ListTags", "GET", "/2017-03-31/tags/{Resource}", 200, tags.list_tags),
    Operation("lambda", "PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 200, concurrency.put_function_concurrency),
    Operation("lambda", "GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 200, concurrency.get_function_concurrency),
    Operation("lambda", "DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 204, concurrency.delete_function_concurrency),
    Operation("lambda", "PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200, event_invoke.put_function_event_invoke_config),
    Operation("lambda", "UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200, event_invoke.update_function_event_invoke_config),
    Operation("lambda", "GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200, event_invoke.get_function_event_invoke_config),
    Operation("lambda", "ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 200, event_invoke.list_function_event_invoke_configs),
    Operation("lambda", "DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204, event_invoke.delete_function_event_invoke_config),
    Operation("lambda", "CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", 202, event_sources.create_event_source_mapping),
    Operation("lambda", "GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", 200, event_sources.get_event_source_mapping),
    Operation("lambda", "ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", 200, event_sources.list_event_source_mappings),
    Operation("lambda", "UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", 202, event_sources.update_event_source_mapping),
    Operation("lambda", "DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", 202, event_sources.delete_event_source_mapping),
    Operation("lambda", "CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", 201, function_urls.create_function_url_config),
    Operation("lambda", "GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", 200, function_urls.get_function_url_config),
    Operation("lambda", "UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", 200, function_urls.update_function_url_config),
    Operation("lambda", "DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", 204, function_urls.delete_function_url_config),
    Operation("lambda", "ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls", 200, function_urls.list_function_url_configs),
    Operation("lambda", "PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200, function_settings.put_runtime_management_config),
    Operation("lambda", "GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200, function_settings.get_runtime_management_config),
    Operation("lambda", "PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", 200, function_settings.put_function_recursion_config),
    Operation("lambda", "GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", 200, function_settings.get_function_recursion_config),
    Operation("lambda", "CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", 201, code_signing.create_code_signing_config),
    Operation("lambda", "GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200, code_signing.get_code_signing_config),
    Operation("lambda", "UpdateCodeSigningConfig", "PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 200, code_signing.update_code_signing_config),
    Operation("lambda", "DeleteCodeSigningConfig", "DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", 204, code_signing.delete_code_signing_config),
    Operation("lambda", "ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", 200, code_signing.list_code_signing_configs),
    Operation("lambda", "ListFunctionsByCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", 200, code_signing.list_functions_by_code_signing_config),
    Operation("lambda", "PutFunctionCodeSigningConfig", "PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200, code_signing.put_function_code_signing_config),
    Operation("lambda", "GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200, code_signing.get_function_code_signing_config),
    Operation("lambda", "DeleteFunctionCodeSigningConfig", "DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", 204, code_signing.delete_function_code_signing_config),
    Operation("lambda", "PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202, provisioned.put_provisioned_concurrency_config),
    Operation("lambda", "GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 200, provisioned.get_provisioned_concurrency_config),
    Operation("lambda", "ListProvisionedConcurrencyConfigs", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", 200, provisioned.list_provisioned_concurrency_configs),
    Operation("lambda", "DeleteProvisionedConcurrencyConfig", "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 204, provisioned.delete_provisioned_concurrency_config),
    Operation("lambda", "CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers", 202, capacity_providers.create_capacity_provider),
    Operation("lambda", "GetCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", 200, capacity_providers.get_capacity_provider),
    Operation("lambda", "ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", 200, capacity_providers.list_capacity_providers),
    Operation("lambda", "UpdateCapacityProvider", "PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", 202, capacity_providers.update_capacity_provider),
    Operation("lambda", "DeleteCapacityProvider", "DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", 202, capacity_providers.delete_capacity_provider),
    Operation("lambda", "ListFunctionVersionsByCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", 200, capacity_providers.list_function_versions_by_capacity_provider),
    Operation("lambda", "PutFunctionScalingConfig", "PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", 202, capacity_providers.put_function_scaling_config),
    Operation("lambda", "GetFunctionScalingConfig", "GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", 200, capacity_providers.get_function_scaling_config),
    Operation("lambda", "PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", 201, layers.publish_layer_version, code=True),
    Operation("lambda", "GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", 200, layers.get_layer_version),
    Operation("lambda", "GetLayerVersionByArn", "GET", "/2018-10-31/layers?find=LayerVersion", 200, layers.get_layer_version_by_arn),
    Operation("lambda", "ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", 200, layers.list_layer_versions),
    Operation("lambda", "ListLayers", "GET", "/2018-10-31/layers", 200, layers.list_layers),
    Operation("lambda", "DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", 204, layers.delete_layer_version),
    Operation("lambda", "AddLayerVersionPermission", "POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 201, layer_policies.add_layer_version_permission),
    Operation("lambda", "GetLayerVersionPolicy", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", 200, layer_policies.get_layer_version_policy),
    Operation("lambda", "RemoveLayerVersionPermission", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", 204, layer_policies.remove_layer_version_permission),
    Operation("lambda", "GetAccountSettings", "GET", "/2016-08-19/account-settings", 200, account.get_account_settings),
    Operation("logs", "CreateLogGroup", "POST", "/", 200, logs.create_log_group, inside=True),
    Operation("logs", "DeleteLogGroup", "POST", "/", 200, logs.delete_log_group, inside=True),
    Operation("logs", "DescribeLogGroups", "POST", "/", 200, logs.describe_log_groups, inside=True),
    Operation("logs", "CreateLogStream", "POST", "/", 200, logs.create_log_stream, inside=True),
    Operation("logs", "DeleteLogStream", "POST", "/", 200, logs.delete_log_stream, inside=True),
    Operation("logs", "DescribeLogStreams", "POST", "/", 200, logs.describe_log_streams, inside=True),
    Operation("logs", "PutLogEvents", "POST", "/", 200, logs.put_log_events, inside=True),
    Operation("logs", "GetLogEvents", "POST", "/", 200, logs.get_log_events, inside=True),
    Operation("logs", "FilterLogEvents", "POST", "/", 200, logs.filter_log_events, inside=True),
    Operation("logs", "PutRetentionPolicy", "POST", "/", 200, logs.put_retention_policy, inside=True),
    Operation("logs", "DeleteRetentionPolicy", "POST", "/", 200, logs.delete_retention_policy, inside=True),
    Operation("logs", "ListTagsLogGroup", "POST", "/", 200, logs.list_tags_log_group, inside=True),
    Operation("logs", "TagLogGroup", "POST", "/", 200, logs.tag_log_group, inside=True),
    Operation("logs", "UntagLogGroup", "POST", "/", 200, logs.untag_log_group, inside=True),
    Operation("logs", "ListTagsForResource", "POST", "/", 200, logs.list_tags_for_resource, inside=True),
    Operation("logs", "TagResource", "POST", "/", 200, logs.tag_resource, inside=True),
    Operation("logs", "UntagResource", "POST", "/", 200, logs.untag_resource, inside=True),
    Operation("application-autoscaling", "RegisterScalableTarget", "POST", "/", 200, scalable_targets.register_scalable_target),
    Operation("application-autoscaling", "DescribeScalableTargets", "POST", "/", 200, scalable_targets.describe_scalable_targets),
    Operation("application-autoscaling", "DeregisterScalableTarget", "POST", "/", 200, scalable_targets.deregister_scalable_target),
    Operation("application-autoscaling", "PutScalingPolicy", "POST", "/", 200, scaling_policies.put_scaling_policy),
    Operation("application-autoscaling", "DescribeScalingPolicies", "POST", "/", 200, scaling_policies.describe_scaling_policies),
    Operation("application-autoscaling", "DeleteScalingPolicy", "POST", "/", 200, scaling_policies.delete_scaling_policy),
    Operation("application-autoscaling", "PutScheduledAction", "POST", "/", 200, scheduled_actions.put_scheduled_action),
    Operation("application-autoscaling", "DescribeScheduledActions", "POST", "/", 200, scheduled_actions.describe_scheduled_actions),
    Operation("application-autoscaling", "DeleteScheduledAction", "POST", "/", 200, scheduled_actions.delete_scheduled_action),
    Operation("application-autoscaling", "DescribeScalingActivities", "POST", "/", 200, scalable_targets.describe_scaling_activities),
    Operation("apigatewayv2", "CreateApi", "POST", "/v2/apis", 201, http_apis.create_api),
    Operation("apigatewayv2", "GetApi", "GET", "/v2/apis/{apiId}", 200, http_apis.get_api),
    Operation("apigatewayv2", "GetApis", "GET", "/v2/apis", 200, http_apis.get_apis),
    Operation("apigatewayv2", "UpdateApi", "PATCH", "/v2/apis/{apiId}", 200, http_apis.update_api),
    Operation("apigatewayv2", "DeleteApi", "DELETE", "/v2/apis/{apiId}", 204, http_apis.delete_api),
    Operation("apigatewayv2", "DeleteCorsConfiguration", "DELETE", "/v2/apis/{apiId}/cors", 204, http_apis.delete_cors_configuration),
    Operation("apigatewayv2", "CreateRoute", "POST", "/v2/apis/{apiId}/routes", 201, http_api_parts.create_route),
    Operation("apigatewayv2", "GetRoute", "GET", "/v2/apis/{apiId}/routes/{routeId}", 200, http_api_parts.get_route),
    Operation("apigatewayv2", "GetRoutes", "GET", "/v2/apis/{apiId}/routes", 200, http_api_parts.get_routes),
    Operation("apigatewayv2", "UpdateRoute", "PATCH", "/v2/apis/{apiId}/routes/{routeId}", 200, http_api_parts.update_route),
    Operation("apigatewayv2", "DeleteRoute", "DELETE", "/v2/apis/{apiId}/routes/{routeId}", 204, http_api_parts.delete_route),
    Operation("apigatewayv2", "CreateIntegration", "POST", "/v2/apis/{apiId}/integrations", 201, http_api_parts.create_integration),
    Operation("apigatewayv2", "GetIntegration", "GET", "/v2/apis/{apiId}/integrations/{integrationId}", 200, http_api_parts.get_integration),
    Operation("apigatewayv2", "GetIntegrations", "GET", "/v2/apis/{apiId}/integrations", 200, http_api_parts.get_integrations),
    Operation("apigatewayv2", "UpdateIntegration", "PATCH", "/v2/apis/{apiId}/integrations/{integrationId}", 200, http_api_parts.update_integration),
    Operation("apigatewayv2", "DeleteIntegration", "DELETE", "/v2/apis/{apiId}/integrations/{integrationId}", 204, http_api_parts.delete_integration),
    Operation("apigatewayv2", "CreateAuthorizer", "POST", "/v2/apis/{apiId}/authorizers", 201, http_api_parts.create_authorizer),
    Operation("apigatewayv2", "GetAuthorizer", "GET", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200, http_api_parts.get_authorizer),
    Operation("apigatewayv2", "GetAuthorizers", "GET", "/v2/apis/{apiId}/authorizers", 200, http_api_parts.get_authorizers),
    Operation("apigatewayv2", "UpdateAuthorizer", "PATCH", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200, http_api_parts.update_authorizer),
    Operation("apigatewayv2", "DeleteAuthorizer", "DELETE", "/v2/apis/{apiId}/authorizers/{authorizerId}", 204, http_api_parts.delete_authorizer),
    Operation("apigatewayv2", "ResetAuthorizersCache", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/cache/authorizers", 204, http_api_parts.reset_authorizers_cache),
    Operation("apigatewayv2", "CreateStage", "POST", "/v2/apis/{apiId}/stages", 201, http_api_stages.create_stage),
    Operation("apigatewayv2", "GetStage", "GET", "/v2/apis/{apiId}/stages/{stageName}", 200, http_api_stages.get_stage),
    Operation("apigatewayv2", "GetStages", "GET", "/v2/apis/{apiId}/stages", 200, http_api_stages.get_stages),
    Operation("apigatewayv2", "UpdateStage", "PATCH", "/v2/apis/{apiId}/stages/{stageName}", 200, http_api_stages.update_stage),
    Operation("apigatewayv2", "DeleteStage", "DELETE", "/v2/apis/{apiId}/stages/{stageName}", 204, http_api_stages.delete_stage),
    Operation("apigatewayv2", "DeleteAccessLogSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/accesslogsettings", 204, http_api_stages.delete_access_log_settings),
    Operation("apigatewayv2", "DeleteRouteSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/routesettings/{routeKey}", 204, http_api_stages.delete_route_settings),
    Operation("apigatewayv2", "CreateDeployment", "POST", "/v2/apis/{apiId}/deployments", 201, http_api_stages.create_deployment),
    Operation("apigatewayv2", "GetDeployment", "GET", "/v2/apis/{apiId}/deployments/{deploymentId}", 200, http_api_stages.get_deployment),
    Operation("apigatewayv2", "GetDeployments", "GET", "/v2/apis/{apiId}/deployments", 200, http_api_stages.get_deployments),
    Operation("apigatewayv2", "UpdateDeployment", "PATCH", "/v2/apis/{apiId}/deployments/{deploymentId}", 200, http_api_stages.update_deployment),
    Operation("apigatewayv2", "DeleteDeployment", "DELETE", "/v2/apis/{apiId}/deployments/{deploymentId}", 204, http_api_stages.delete_deployment),
    Operation("apigatewayv2", "GetTags", "GET", "/v2/tags/{resource-arn}", 200, http_api_tags.get_tags),
    Operation("apigatewayv2", "TagResource", "POST", "/v2/tags/{resource-arn}", 201, http_api_tags.tag_resource),
    Operation("apigatewayv2", "UntagResource", "DELETE", "/v2/tags/{resource-arn}", 204, http_api_tags.untag_resource),
    Operation("sqs", "CreateQueue", "POST", "/", 200, queues.create_queue, inside=True),
    Operation("sqs", "GetQueueUrl", "POST", "/", 200, queues.get_queue_url, inside=True),
    Operation("sqs", "ListQueues", "POST", "/", 200, queues.list_queues, inside=True),
    Operation("sqs", "DeleteQueue", "POST", "/", 200, queues.delete_queue, inside=True),
    Operation("sqs", "PurgeQueue", "POST", "/", 200, queues.purge_queue, inside=True),
    Operation("sqs", "GetQueueAttributes", "POST", "/", 200, queues.get_queue_attributes, inside=True),
    Operation("sqs", "SetQueueAttributes", "POST", "/", 200, queues.set_queue_attributes, inside=True),
    Operation("sqs", "ListDeadLetterSourceQueues", "POST", "/", 200, queues.list_dead_letter_source_queues, inside=True),
    Operation("sqs", "ListQueueTags", "POST", "/", 200, queues.list_queue_tags, inside=True),
    Operation("sqs", "TagQueue", "POST", "/", 200, queues.tag_queue, inside=True),
    Operation("sqs", "UntagQueue", "POST", "/", 200, queues.untag_queue, inside=True),
    Operation("sqs", "SendMessage", "POST", "/", 200, queue_messages.send_message, inside=True),
    Operation("sqs", "SendMessageBatch", "POST", "/", 200, queue_messages.send_message_batch, inside=True),
    Operation("sqs", "ReceiveMessage", "POST", "/", 200, queue_messages.receive_message, inside=True, waits=True),
    Operation("sqs", "DeleteMessage", "POST", "/", 200, queue_messages.delete_message, inside=True),
    Operation("sqs", "DeleteMessageBatch", "POST", "/", 200, queue_messages.delete_message_batch, inside=True),
    Operation("sqs", "ChangeMessageVisibility", "POST", "/", 200, queue_messages.change_message_visibility, inside=True),
    Operation("sqs", "ChangeMessageVisibilityBatch", "POST", "/", 200, queue_messages.change_message_visibility_batch, inside=True),
)  # fmt: skip

RESERVED = (
    Reserved(code.PATH, code.download),
    Reserved("/_stoker/health", health.health, inside=True),
    Reserved("/_localstack/health", health.health, inside=True),
    Reserved("/_stoker/api/environments", introspection.environments),
    Reserved("/_stoker/api/events", introspection.events),
    Reserved("/_stoker/api/traces", introspection.traces),
)

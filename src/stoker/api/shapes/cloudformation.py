# Generated from botocore's model of cloudformation by generate_shapes.py. Do not edit.
"""AWS CloudFormation: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTrigger:
    arn: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackConfiguration:
    rollback_triggers: tuple[RollbackTrigger, ...] | None = None
    monitoring_time_in_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    mode: str | None = None
    disable_rollback: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    parameter_key: str | None = None
    parameter_value: str | None = None
    use_previous_value: bool | None = None
    resolved_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStackInput:
    stack_name: str
    template_body: str | None = None
    template_url: str | None = None
    parameters: tuple[Parameter, ...] | None = None
    disable_rollback: bool | None = None
    rollback_configuration: RollbackConfiguration | None = None
    timeout_in_minutes: int | None = None
    notification_arns: tuple[str, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    resource_types: tuple[str, ...] | None = None
    role_arn: str | None = None
    on_failure: str | None = None
    stack_policy_body: str | None = None
    stack_policy_url: str | None = None
    tags: tuple[Tag, ...] | None = None
    client_request_token: str | None = None
    enable_termination_protection: bool | None = None
    retain_except_on_create: bool | None = None
    deployment_config: DeploymentConfig | None = None
    disable_validation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStackOutput:
    stack_id: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStackInput:
    stack_name: str
    template_body: str | None = None
    template_url: str | None = None
    use_previous_template: bool | None = None
    stack_policy_during_update_body: str | None = None
    stack_policy_during_update_url: str | None = None
    parameters: tuple[Parameter, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    resource_types: tuple[str, ...] | None = None
    role_arn: str | None = None
    rollback_configuration: RollbackConfiguration | None = None
    stack_policy_body: str | None = None
    stack_policy_url: str | None = None
    notification_arns: tuple[str, ...] | None = None
    tags: tuple[Tag, ...] | None = None
    disable_rollback: bool | None = None
    client_request_token: str | None = None
    retain_except_on_create: bool | None = None
    deployment_config: DeploymentConfig | None = None
    disable_validation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStackOutput:
    stack_id: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStackInput:
    stack_name: str
    retain_resources: tuple[str, ...] | None = None
    role_arn: str | None = None
    client_request_token: str | None = None
    deletion_mode: str | None = None
    deployment_config: DeploymentConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelUpdateStackInput:
    stack_name: str
    client_request_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueUpdateRollbackInput:
    stack_name: str
    role_arn: str | None = None
    resources_to_skip: tuple[str, ...] | None = None
    client_request_token: str | None = None
    force_rollback: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueUpdateRollbackOutput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTerminationProtectionInput:
    enable_termination_protection: bool
    stack_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTerminationProtectionOutput:
    stack_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStacksInput:
    stack_name: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDriftInformation:
    stack_drift_status: str
    last_check_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    output_key: str | None = None
    output_value: str | None = None
    description: str | None = None
    export_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEntry:
    operation_type: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    stack_id: str | None = None
    stack_name: str
    change_set_id: str | None = None
    description: str | None = None
    parameters: tuple[Parameter, ...] | None = None
    creation_time: datetime
    deletion_time: datetime | None = None
    last_updated_time: datetime | None = None
    rollback_configuration: RollbackConfiguration | None = None
    stack_status: str
    stack_status_reason: str | None = None
    disable_rollback: bool | None = None
    deployment_config: DeploymentConfig | None = None
    notification_arns: tuple[str, ...] | None = None
    timeout_in_minutes: int | None = None
    capabilities: tuple[str, ...] | None = None
    outputs: tuple[Output, ...] | None = None
    role_arn: str | None = None
    tags: tuple[Tag, ...] | None = None
    enable_termination_protection: bool | None = None
    parent_id: str | None = None
    root_id: str | None = None
    drift_information: StackDriftInformation | None = None
    retain_except_on_create: bool | None = None
    deletion_mode: str | None = None
    detailed_status: str | None = None
    last_operations: tuple[OperationEntry, ...] | None = None
    alias_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStacksOutput:
    stacks: tuple[Stack, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStacksInput:
    next_token: str | None = None
    stack_status_filter: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDriftInformationSummary:
    stack_drift_status: str
    last_check_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSummary:
    stack_id: str | None = None
    stack_name: str
    template_description: str | None = None
    creation_time: datetime
    last_updated_time: datetime | None = None
    deletion_time: datetime | None = None
    stack_status: str
    stack_status_reason: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    drift_information: StackDriftInformationSummary | None = None
    last_operations: tuple[OperationEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStacksOutput:
    stack_summaries: tuple[StackSummary, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackEventsInput:
    stack_name: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    stack_id: str
    event_id: str
    stack_name: str
    operation_id: str | None = None
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None
    resource_type: str | None = None
    timestamp: datetime
    resource_status: str | None = None
    resource_status_reason: str | None = None
    resource_properties: str | None = None
    client_request_token: str | None = None
    hook_type: str | None = None
    hook_status: str | None = None
    hook_status_reason: str | None = None
    hook_invocation_point: str | None = None
    hook_invocation_id: str | None = None
    hook_failure_mode: str | None = None
    detailed_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackEventsOutput:
    stack_events: tuple[StackEvent, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackResourceInput:
    stack_name: str
    logical_resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResourceDriftInformation:
    stack_resource_drift_status: str
    last_check_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleInfo:
    type_hierarchy: str | None = None
    logical_id_hierarchy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResourceDetail:
    stack_name: str | None = None
    stack_id: str | None = None
    logical_resource_id: str
    physical_resource_id: str | None = None
    resource_type: str
    last_updated_timestamp: datetime
    resource_status: str
    resource_status_reason: str | None = None
    description: str | None = None
    metadata: str | None = None
    drift_information: StackResourceDriftInformation | None = None
    module_info: ModuleInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackResourceOutput:
    stack_resource_detail: StackResourceDetail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackResourcesInput:
    stack_name: str | None = None
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    stack_name: str | None = None
    stack_id: str | None = None
    logical_resource_id: str
    physical_resource_id: str | None = None
    resource_type: str
    timestamp: datetime
    resource_status: str
    resource_status_reason: str | None = None
    description: str | None = None
    drift_information: StackResourceDriftInformation | None = None
    module_info: ModuleInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStackResourcesOutput:
    stack_resources: tuple[StackResource, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStackResourcesInput:
    stack_name: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResourceDriftInformationSummary:
    stack_resource_drift_status: str
    last_check_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResourceSummary:
    logical_resource_id: str
    physical_resource_id: str | None = None
    resource_type: str
    last_updated_timestamp: datetime
    resource_status: str
    resource_status_reason: str | None = None
    drift_information: StackResourceDriftInformationSummary | None = None
    module_info: ModuleInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStackResourcesOutput:
    stack_resource_summaries: tuple[StackResourceSummary, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExportsInput:
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    exporting_stack_id: str | None = None
    name: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExportsOutput:
    exports: tuple[Export, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImportsInput:
    export_name: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImportsOutput:
    imports: tuple[str, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceToImport:
    resource_type: str
    logical_resource_id: str
    resource_identifier: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChangeSetInput:
    stack_name: str
    template_body: str | None = None
    template_url: str | None = None
    use_previous_template: bool | None = None
    parameters: tuple[Parameter, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    resource_types: tuple[str, ...] | None = None
    role_arn: str | None = None
    rollback_configuration: RollbackConfiguration | None = None
    notification_arns: tuple[str, ...] | None = None
    tags: tuple[Tag, ...] | None = None
    change_set_name: str
    client_token: str | None = None
    description: str | None = None
    change_set_type: str | None = None
    resources_to_import: tuple[ResourceToImport, ...] | None = None
    include_nested_stacks: bool | None = None
    on_stack_failure: str | None = None
    import_existing_resources: bool | None = None
    deployment_mode: str | None = None
    deployment_config: DeploymentConfig | None = None
    disable_validation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateChangeSetOutput:
    id: str | None = None
    stack_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeChangeSetInput:
    change_set_name: str
    stack_name: str | None = None
    next_token: str | None = None
    include_property_values: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDriftIgnoredAttribute:
    path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResourceDrift:
    previous_value: str | None = None
    actual_value: str | None = None
    drift_detection_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTargetDefinition:
    attribute: str | None = None
    name: str | None = None
    requires_recreation: str | None = None
    path: str | None = None
    before_value: str | None = None
    after_value: str | None = None
    before_value_from: str | None = None
    after_value_from: str | None = None
    drift: LiveResourceDrift | None = None
    attribute_change_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChangeDetail:
    target: ResourceTargetDefinition | None = None
    evaluation: str | None = None
    change_source: str | None = None
    causing_entity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    policy_action: str | None = None
    action: str | None = None
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None
    resource_type: str | None = None
    replacement: str | None = None
    scope: tuple[str, ...] | None = None
    resource_drift_status: str | None = None
    resource_drift_ignored_attributes: tuple[ResourceDriftIgnoredAttribute, ...] | None = None
    details: tuple[ResourceChangeDetail, ...] | None = None
    change_set_id: str | None = None
    module_info: ModuleInfo | None = None
    before_context: str | None = None
    after_context: str | None = None
    previous_deployment_context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    type: str | None = None
    hook_invocation_count: int | None = None
    resource_change: ResourceChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeChangeSetOutput:
    change_set_name: str | None = None
    change_set_id: str | None = None
    stack_id: str | None = None
    stack_name: str | None = None
    description: str | None = None
    parameters: tuple[Parameter, ...] | None = None
    creation_time: datetime | None = None
    execution_status: str | None = None
    status: str | None = None
    status_reason: str | None = None
    stack_drift_status: str | None = None
    notification_arns: tuple[str, ...] | None = None
    rollback_configuration: RollbackConfiguration | None = None
    capabilities: tuple[str, ...] | None = None
    tags: tuple[Tag, ...] | None = None
    changes: tuple[Change, ...] | None = None
    next_token: str | None = None
    include_nested_stacks: bool | None = None
    parent_change_set_id: str | None = None
    root_change_set_id: str | None = None
    on_stack_failure: str | None = None
    import_existing_resources: bool | None = None
    deployment_mode: str | None = None
    deployment_config: DeploymentConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteChangeSetInput:
    change_set_name: str
    stack_name: str | None = None
    client_request_token: str | None = None
    disable_rollback: bool | None = None
    retain_except_on_create: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteChangeSetOutput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteChangeSetInput:
    change_set_name: str
    stack_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteChangeSetOutput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChangeSetsInput:
    stack_name: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSetSummary:
    stack_id: str | None = None
    stack_name: str | None = None
    change_set_id: str | None = None
    change_set_name: str | None = None
    execution_status: str | None = None
    status: str | None = None
    status_reason: str | None = None
    creation_time: datetime | None = None
    description: str | None = None
    include_nested_stacks: bool | None = None
    parent_change_set_id: str | None = None
    root_change_set_id: str | None = None
    import_existing_resources: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChangeSetsOutput:
    summaries: tuple[ChangeSetSummary, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTemplateInput:
    stack_name: str | None = None
    change_set_name: str | None = None
    template_stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTemplateOutput:
    template_body: str | None = None
    stages_available: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSummaryConfig:
    treat_unrecognized_resource_types_as_warnings: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTemplateSummaryInput:
    template_body: str | None = None
    template_url: str | None = None
    stack_name: str | None = None
    stack_set_name: str | None = None
    call_as: str | None = None
    template_summary_config: TemplateSummaryConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warnings:
    unrecognized_resource_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterConstraints:
    allowed_values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDeclaration:
    parameter_key: str | None = None
    default_value: str | None = None
    parameter_type: str | None = None
    no_echo: bool | None = None
    description: str | None = None
    parameter_constraints: ParameterConstraints | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceIdentifierSummary:
    resource_type: str | None = None
    logical_resource_ids: tuple[str, ...] | None = None
    resource_identifiers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTemplateSummaryOutput:
    parameters: tuple[ParameterDeclaration, ...] | None = None
    description: str | None = None
    capabilities: tuple[str, ...] | None = None
    capabilities_reason: str | None = None
    resource_types: tuple[str, ...] | None = None
    version: str | None = None
    metadata: str | None = None
    declared_transforms: tuple[str, ...] | None = None
    resource_identifier_summaries: tuple[ResourceIdentifierSummary, ...] | None = None
    warnings: Warnings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateTemplateInput:
    template_body: str | None = None
    template_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateParameter:
    parameter_key: str | None = None
    default_value: str | None = None
    no_echo: bool | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateTemplateOutput:
    parameters: tuple[TemplateParameter, ...] | None = None
    description: str | None = None
    capabilities: tuple[str, ...] | None = None
    capabilities_reason: str | None = None
    declared_transforms: tuple[str, ...] | None = None

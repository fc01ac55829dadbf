"""A stack of types that keep, send and run: made, changed in place, replaced and deleted."""

import json
import uuid
from contextlib import closing
from typing import Any

from tests.running import PYTHON, StokerProcess

Json = dict[str, Any]
SOON = {"Delay": 0.1, "MaxAttempts": 600}
ROLE = "arn:aws:iam::000000000000:role/any"
PROFILE = "arn:aws:signer:eu-central-1:000000000000:/signing-profiles/p/abcdefghij"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
REPLACED = {"Table", "Provider"}


def alarm(change: int) -> Json:
    return {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Topic"}}],
        "Statistic": "Sum",
        "Period": "60",
        "EvaluationPeriods": 1,
        "Threshold": change,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [{"Ref": "Topic"}],
        "Tags": [{"Key": "change", "Value": str(change)}],
    }


def template(key: str, change: int, provider: str) -> str:
    """`change` is in place, `key` and `provider` need another resource."""
    table: Json = {
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if change == 1:
        table["BillingMode"] = "PROVISIONED"
        table["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    resources = {
        "Table": ("DynamoDB::Table", table),
        "Queue": ("SQS::Queue", {}),
        "Topic": ("SNS::Topic", {"DisplayName": f"d{change}"}),
        "Subscription": (
            "SNS::Subscription",
            {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FilterPolicy": {"change": [str(change)]},
            },
        ),
        "Alarm": ("CloudWatch::Alarm", alarm(change)),
        "Stream": ("Kinesis::Stream", {"ShardCount": 1, "RetentionPeriodHours": 24 * change}),
        "Machine": (
            "StepFunctions::StateMachine",
            {"RoleArn": ROLE, "DefinitionString": PASS + " " * change},
        ),
        "Schedule": (
            "Scheduler::Schedule",
            {
                "ScheduleExpression": f"rate({change + 1} days)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "RoleArn": ROLE},
            },
        ),
        "Signing": (
            "Lambda::CodeSigningConfig",
            {
                "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
                "Description": f"d{change}",
            },
        ),
        "Provider": (
            "Lambda::CapacityProvider",
            {
                "CapacityProviderName": provider,
                "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
            },
        ),
    }
    made = {
        name: {"Type": f"AWS::{kind}", "Properties": it} for name, (kind, it) in resources.items()
    }
    return json.dumps({"Resources": made})


def ids(cloudformation: Any, name: str) -> dict[str, str]:
    found = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def test_a_stack_of_many_types_is_made_changed_replaced_and_deleted(server: StokerProcess) -> None:
    name = f"k-{uuid.uuid4().hex[:8]}"
    with closing(server.client("cloudformation")) as cloudformation:

        def wait(state: str, of: str = name) -> None:
            cloudformation.get_waiter(f"stack_{state}").wait(StackName=of, WaiterConfig=SOON)

        def update(key: str, change: int, provider: str) -> dict[str, str]:
            cloudformation.update_stack(
                StackName=name, TemplateBody=template(key, change, provider)
            )
            wait("update_complete")
            return ids(cloudformation, name)

        made = cloudformation.create_stack(
            StackName=name, TemplateBody=template("id", 1, name + "-a")
        )
        wait("create_complete")
        before = ids(cloudformation, name)
        assert update("id", 2, name + "-a") == before, "all of it in place"
        with closing(server.client("dynamodb")) as tables:
            shown = tables.describe_table(TableName=before["Table"])["Table"]
            assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        with closing(server.client("cloudwatch")) as cloudwatch:
            (watch,) = cloudwatch.describe_alarms(AlarmNames=[before["Alarm"]])["MetricAlarms"]
            assert (watch["Threshold"], watch["AlarmActions"]) == (2.0, [before["Topic"]])
            tags = cloudwatch.list_tags_for_resource(ResourceARN=watch["AlarmArn"])["Tags"]
            assert {"Key": "change", "Value": "2"} in tags
        with closing(server.client("kinesis")) as streams:
            stream = streams.describe_stream_summary(StreamName=before["Stream"])
            assert stream["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48
        after = update("at", 2, name + "-b")
        assert {key for key in after if after[key] != before[key]} == REPLACED
        cloudformation.delete_stack(StackName=name)
        wait("delete_complete", made["StackId"])
    with closing(server.client("cloudwatch")) as cloudwatch:
        assert cloudwatch.describe_alarms(AlarmNames=[before["Alarm"]])["MetricAlarms"] == []
    with closing(server.client("dynamodb")) as tables:
        left = set(tables.list_tables()["TableNames"])
        assert not left.intersection({before["Table"], after["Table"]})


def of_functions() -> dict[str, tuple[str, Json]]:
    """The types that hang on a function, a role, a topic, a stream or a bus."""
    code = {"ZipFile": "def handler(event, context): pass"}
    fn, topic = {"Fn::GetAtt": ["Fn", "Arn"]}, {"Ref": "Topic"}
    actions = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    allowed = {"Version": "2012-10-17", "Statement": [actions]}
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    told = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    invoked = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": fn,
    }
    return {
        "Role": ("IAM::Role", {"AssumeRolePolicyDocument": {**allowed, "Statement": [trust]}}),
        "Inline": (
            "IAM::Policy",
            {"PolicyName": "p", "PolicyDocument": allowed, "Roles": [{"Ref": "Role"}]},
        ),
        "Managed": ("IAM::ManagedPolicy", {"PolicyDocument": allowed, "Roles": [{"Ref": "Role"}]}),
        "Fn": (
            "Lambda::Function",
            {"Code": code, "Runtime": PYTHON, "Handler": "index.handler", "Role": ROLE},
        ),
        "Retries": (
            "Lambda::EventInvokeConfig",
            {"FunctionName": {"Ref": "Fn"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
        ),
        "Rights": (
            "Lambda::ResourcePolicy",
            {"ResourceArn": fn, "PolicyDocument": {**allowed, "Statement": [invoked]}},
        ),
        "Topic": ("SNS::Topic", {}),
        "Telling": (
            "SNS::TopicPolicy",
            {"Topics": [topic], "PolicyDocument": {**allowed, "Statement": [told]}},
        ),
        "Stream": ("Kinesis::Stream", {"ShardCount": 1}),
        "Reader": (
            "Kinesis::StreamConsumer",
            {"ConsumerName": "reader", "StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}},
        ),
        "Bus": ("Events::EventBus", {"Name": {"Fn::Sub": "bus-of-${AWS::StackName}"}}),
        "Rule": (
            "Events::Rule",
            {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {"source": ["shop"]},
                "Targets": [{"Id": "fn", "Arn": fn}],
            },
        ),
        "Times": ("Scheduler::ScheduleGroup", {"Name": {"Fn::Sub": "of-${AWS::StackName}"}}),
        "Group": ("Logs::LogGroup", {}),
        "Lines": ("Logs::LogStream", {"LogGroupName": {"Ref": "Group"}}),
        "Images": ("ECR::Repository", {}),
    }


def of_apis() -> dict[str, tuple[str, Json]]:
    """The types that a REST API has, and those that have nothing to do."""
    api = {"RestApiId": {"Ref": "Api"}}
    root = {**api, "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "HttpMethod": "GET"}
    path = "lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"
    uri = {"Fn::Sub": f"arn:aws:apigateway:${{AWS::Region}}:{path}"}
    return {
        "Api": ("ApiGateway::RestApi", {"Name": "api"}),
        "Books": (
            "ApiGateway::Resource",
            {**api, "ParentId": root["ResourceId"], "PathPart": "books"},
        ),
        "Book": ("ApiGateway::Model", {**api, "ContentType": "application/json", "Schema": {}}),
        "Check": ("ApiGateway::RequestValidator", {**api, "ValidateRequestBody": True}),
        "Guard": (
            "ApiGateway::Authorizer",
            {
                **api,
                "Name": "guard",
                "Type": "TOKEN",
                "AuthorizerUri": uri,
                "IdentitySource": "method.request.header.Authorization",
            },
        ),
        "Sorry": ("ApiGateway::GatewayResponse", {**api, "ResponseType": "DEFAULT_4XX"}),
        "Get": (
            "ApiGateway::Method",
            {**root, "AuthorizationType": "NONE", "Integration": {"Type": "MOCK"}},
        ),
        "Account": ("ApiGateway::Account", {}),
        "Live": ("ApiGateway::Deployment", api),
        "Stage": (
            "ApiGateway::Stage",
            {**api, "DeploymentId": {"Ref": "Live"}, "StageName": "live"},
        ),
        "Waits": ("CloudFormation::WaitConditionHandle", {}),
        "Library": ("CDK::Metadata", {"Analytics": "v2"}),
    }


def test_what_hangs_on_functions_and_apis_is_made_and_goes_with_the_stack(
    server: StokerProcess,
) -> None:
    name = f"k-{uuid.uuid4().hex[:8]}"
    made: Json = {
        logical: {"Type": f"AWS::{kind}", "Properties": it}
        for logical, (kind, it) in {**of_functions(), **of_apis()}.items()
    }
    made["Live"]["DependsOn"] = "Get"
    template = json.dumps({"Resources": made})
    with closing(server.client("cloudformation")) as cloudformation:
        id = cloudformation.create_stack(
            StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"]
        )["StackId"]
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=SOON)
        assert ids(cloudformation, name).keys() == made.keys()
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=id, WaiterConfig=SOON)
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=id)
        told = [event for page in pages for event in page["StackEvents"]]
    gone = {one["LogicalResourceId"] for one in told if one["ResourceStatus"] == "DELETE_COMPLETE"}
    assert gone == {*made, name}

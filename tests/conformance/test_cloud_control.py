"""Cloud Control's GetResource: resources of a stack, and of nobody's, read back."""

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import PYTHON, StokerProcess

ANSWER = "def handler(event, context): return 'hi'"
Read = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def control(server: StokerProcess) -> Any:
    with closing(server.client("cloudcontrol")) as client:
        yield client


@pytest.fixture
def read(control: Any) -> Read:
    def properties(kind: str, identifier: str) -> dict[str, Any]:
        answer = control.get_resource(TypeName=kind, Identifier=identifier)
        assert answer["TypeName"] == kind
        found = answer["ResourceDescription"]
        assert found["Identifier"] == identifier
        said: dict[str, Any] = json.loads(found["Properties"])
        return said

    return properties


def refused(control: Any, kind: str, identifier: str, **more: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        control.get_resource(TypeName=kind, Identifier=identifier, **more)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_function_and_what_hangs_on_it_are_read_as_a_template_has_them(
    control: Any, lambda_client: Any, create: Callable[..., str], read: Read
) -> None:
    name = create(
        ANSWER, Environment={"Variables": {"KEY": "b"}}, Tags={"team": "x"}, MemorySize=256,
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    )  # fmt: skip
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    function = read("AWS::Lambda::Function", name)
    arn = function["Arn"]
    assert arn.endswith(f":function:{name}")
    assert function["Environment"] == {"Variables": {"KEY": "b"}}
    assert function["Tags"] == [{"Key": "team", "Value": "x"}]
    assert "VpcId" not in function["VpcConfig"]
    assert (function["MemorySize"], function["Runtime"]) == (256, PYTHON)
    assert function["ReservedConcurrentExecutions"] == 3

    version = lambda_client.publish_version(FunctionName=name, Description="one")["FunctionArn"]
    found = read("AWS::Lambda::Version", version)
    assert (found["Version"], found["Description"]) == ("1", "one")
    alias = lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    found = read("AWS::Lambda::Alias", alias["AliasArn"])
    assert (found["FunctionName"], found["Name"], found["FunctionVersion"]) == (name, "live", "1")
    url = lambda_client.create_function_url_config(
        FunctionName=name, Qualifier="live", AuthType="NONE"
    )
    assert read("AWS::Lambda::Url", url["FunctionArn"]) == {
        "AuthType": "NONE",
        "FunctionArn": alias["AliasArn"],
        "FunctionUrl": url["FunctionUrl"],
        "InvokeMode": "BUFFERED",
        "Qualifier": "live",
        "TargetFunctionArn": arn,
    }
    lambda_client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    by_name = control.get_resource(TypeName="AWS::Lambda::Url", Identifier=name)
    assert by_name["ResourceDescription"]["Identifier"] == arn  # as SAM asks for it


def test_queues_mappings_and_log_groups_are_read(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str], read: Read
) -> None:
    name, other = create(ANSWER), f"q-{uuid.uuid4().hex[:8]}"
    with closing(server.client("sqs")) as queues, closing(server.client("logs")) as logs:
        url = queues.create_queue(QueueName=other, Attributes={"VisibilityTimeout": "60"})
        queue = read("AWS::SQS::Queue", url["QueueUrl"])
        assert (queue["QueueName"], queue["VisibilityTimeout"]) == (other, 60)
        mapping = lambda_client.create_event_source_mapping(
            FunctionName=name, EventSourceArn=queue["Arn"], BatchSize=3
        )
        found = read("AWS::Lambda::EventSourceMapping", mapping["UUID"])
        assert (found["Id"], found["BatchSize"]) == (mapping["UUID"], 3)
        assert (found["Enabled"], found["EventSourceArn"]) == (True, queue["Arn"])
        lambda_client.delete_event_source_mapping(UUID=mapping["UUID"])
        queues.delete_queue(QueueUrl=url["QueueUrl"])
        logs.create_log_group(logGroupName=f"/{other}/b")
        logs.create_log_group(logGroupName=f"/{other}")
        logs.put_retention_policy(logGroupName=f"/{other}", retentionInDays=7)
        group = read("AWS::Logs::LogGroup", f"/{other}")
        assert (group["LogGroupName"], group["RetentionInDays"]) == (f"/{other}", 7)
        for group_name in (f"/{other}", f"/{other}/b"):
            logs.delete_log_group(logGroupName=group_name)


def test_what_is_not_there_or_not_served_is_said_so(
    control: Any, create: Callable[..., str], lambda_client: Any
) -> None:
    name = create(ANSWER)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    missing = "ResourceNotFoundException"
    for kind, identifier in (
        ("AWS::Lambda::Function", "nobody-has-this"),
        ("AWS::Lambda::Url", arn),
        ("AWS::Lambda::Version", f"{arn}:7"),
        ("AWS::Lambda::Version", arn),
        ("AWS::Lambda::Alias", f"{arn}:live"),
        ("AWS::Lambda::EventSourceMapping", str(uuid.uuid4())),
        ("AWS::Logs::LogGroup", "/nobody/has/this"),
        ("AWS::SQS::Queue", "http://127.0.0.1/000000000000/nobody-has-this"),
    ):
        code, said = refused(control, kind, identifier)
        assert (code, f"'{kind}' with identifier '{identifier}'" in said) == (missing, True), said
    assert refused(control, "AWS::Lambda::Function", "a b")[0] == "InvalidRequestException"
    assert refused(control, "AWS::Lambda::Alias", "nonsense")[0] == "InvalidRequestException"
    code, said = refused(control, "AWS::EC2::VPC", "v")
    assert (code, "AWS::Lambda::Url" in said) == ("NotImplementedException", True)
    code, _ = refused(control, "AWS::Lambda::Function", name, TypeVersionId="1")
    assert code == "NotImplementedException"
    with pytest.raises(ClientError, match="does not implement cloudcontrol:ListResources"):
        control.list_resources(TypeName="AWS::Lambda::Function")

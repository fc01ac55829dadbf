"""What stacks have of others: exports, and snippets that lie in S3. And what is left of one."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.conformance.test_stacks import MAY, Json, body, events, ids, refused, resource, wait
from tests.running import StokerProcess


@pytest.fixture
def cloudformation(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("cloudformation")) as client:
        yield client


@pytest.fixture
def name(cloudformation: Any) -> Iterator[str]:
    """The first part of the names of stacks, which are deleted after the test: importers first."""
    name = f"s-{uuid.uuid4().hex[:8]}"
    yield name
    for suffix in ("-c", "-b", "-a"):
        with suppress(ClientError):
            found = cloudformation.describe_stacks(StackName=name + suffix)["Stacks"][0]
            cloudformation.delete_stack(StackName=name + suffix)
            wait(cloudformation, "delete_complete", found["StackId"])


def exporting(name: str, export: str | None, wait_s: int = 30, queue: str | None = None) -> str:
    named = {} if queue is None else {"QueueName": queue}
    output: Json = {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}}
    if export is not None:
        output["Export"] = {"Name": export}
    there = resource("AWS::SQS::Queue", VisibilityTimeout=wait_s, **named)
    return body({"Queue": there}, Outputs={"Name": output})


def importing(export: str, *more: str, count: int = 1) -> str:
    """A parameter of SSM's that says what was exported."""
    value = {"Fn::Sub": ["${It}-" + "x" * count, {"It": {"Fn::ImportValue": export}}]}
    resources = {"Said": resource("AWS::SSM::Parameter", Type="String", Value=value)}
    if more:  # one that cannot be made
        resources["Bad"] = resource("AWS::SQS::Queue", "Said", VisibilityTimeout=-1)
    return body(resources)


def made(cloudformation: Any, name: str, template: str) -> Json:
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=MAY)
    return wait(cloudformation, "create_complete", name)


def statuses(cloudformation: Any, name: str) -> tuple[str, str]:
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack["StackStatus"], stack.get("StackStatusReason", "")


def test_what_one_stack_exports_another_imports_and_so_it_stays(
    cloudformation: Any, server: StokerProcess, name: str
) -> None:
    one, two, three, export = f"{name}-a", f"{name}-b", f"{name}-c", f"{name}:queue"
    id = made(cloudformation, one, exporting(one, export))["StackId"]
    value = ids(cloudformation, one)["Queue"].rpartition("/")[2]
    said = refused(cloudformation.list_imports, ExportName=export)
    assert said == ("ValidationError", f"Export '{export}' is not imported by any stack.")
    made(cloudformation, two, importing(export))
    made(cloudformation, three, importing(export))
    with closing(server.client("ssm")) as ssm:
        there = ssm.get_parameter(Name=ids(cloudformation, two)["Said"])["Parameter"]["Value"]
    assert there == f"{value}-x"
    exports = {it["Name"]: it for it in cloudformation.list_exports()["Exports"]}
    assert (exports[export]["Value"], exports[export]["ExportingStackId"]) == (value, id)
    assert cloudformation.list_imports(ExportName=export)["Imports"] == [three, two]

    # Nobody else has that name.
    other = f"{name}-d"
    cloudformation.create_stack(
        StackName=other, TemplateBody=exporting(other, export), OnFailure="DELETE"
    )
    with suppress(ClientError):  # gone already
        wait(cloudformation, "delete_complete", other)
    (gone,) = (
        it
        for it in cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])[
            "StackSummaries"
        ]
        if it["StackName"] == other
    )
    reasons = [reason for _, _, reason in events(cloudformation, gone["StackId"])]
    assert any(f"{export} is already exported by stack {one}" in reason for reason in reasons)

    # It is neither deleted, nor taken back, nor changed.
    used = f"as it is in use by {three} and {two}"
    cloudformation.delete_stack(StackName=one)
    kept = (f"Export {export} cannot be deleted {used}", "CREATE_COMPLETE")
    assert statuses(cloudformation, one)[::-1] == kept
    assert events(cloudformation, one)[-2:] == [
        (one, "DELETE_IN_PROGRESS", "User Initiated"),
        (one, "CREATE_COMPLETE", kept[0]),
    ]
    for template, verb in (
        (exporting(one, None), "deleted"),
        (exporting(one, export, queue=f"{name}-other"), "updated"),
    ):
        cloudformation.update_stack(StackName=one, TemplateBody=template)
        with pytest.raises(WaiterError):
            wait(cloudformation, "update_complete", one)
        wait(cloudformation, "rollback_complete", one)
        told = dict(it[1:] for it in events(cloudformation, one))
        assert told["UPDATE_ROLLBACK_IN_PROGRESS"] == f"Export {export} cannot be {verb} {used}"
        assert ids(cloudformation, one)["Queue"].endswith(value)

    # What keeps its value may change beside it.
    cloudformation.update_stack(StackName=one, TemplateBody=exporting(one, export, wait_s=40))
    wait(cloudformation, "update_complete", one)
    for importer in (two, three):
        cloudformation.delete_stack(StackName=importer)
        with suppress(ClientError):
            wait(cloudformation, "delete_complete", importer)
    cloudformation.delete_stack(StackName=one)
    wait(cloudformation, "delete_complete", id)
    lacking = cloudformation.create_stack(StackName=three, TemplateBody=importing(export))
    with pytest.raises(WaiterError):
        wait(cloudformation, "create_complete", three)
    reasons = [reason for _, _, reason in events(cloudformation, lacking["StackId"])]
    assert f"No export named {export} found." in reasons


def test_who_imports_still_does_after_an_update_that_was_taken_back(
    cloudformation: Any, name: str
) -> None:
    one, two, export = f"{name}-a", f"{name}-b", f"{name}:queue"
    made(cloudformation, one, exporting(one, export))
    made(cloudformation, two, importing(export))
    cloudformation.update_stack(StackName=two, TemplateBody=importing(export, "bad", count=2))
    with pytest.raises(WaiterError):
        wait(cloudformation, "update_complete", two)
    wait(cloudformation, "rollback_complete", two)
    assert cloudformation.list_imports(ExportName=export)["Imports"] == [two]
    own = body({"Said": resource("AWS::SSM::Parameter", Type="String", Value="of its own")})
    cloudformation.update_stack(StackName=two, TemplateBody=own)
    wait(cloudformation, "update_complete", two)
    assert refused(cloudformation.list_imports, ExportName=export)[0] == "ValidationError"


def test_a_deleted_stack_shows_by_its_id_what_it_had(cloudformation: Any, name: str) -> None:
    kept = {**resource("AWS::SSM::Parameter", Type="String", Value="v"), "DeletionPolicy": "Retain"}
    stack = f"{name}-a"
    template = body({"Queue": resource("AWS::SQS::Queue"), "Kept": kept})
    id = made(cloudformation, stack, template)["StackId"]
    had = ids(cloudformation, stack)
    cloudformation.delete_stack(StackName=stack)
    wait(cloudformation, "delete_complete", id)
    for by_name in (cloudformation.list_stack_resources, cloudformation.describe_stack_resources):
        said = refused(by_name, StackName=stack)
        assert said == ("ValidationError", f"Stack with id {stack} does not exist")
    assert ids(cloudformation, id) == had
    told = cloudformation.describe_stack_resources(StackName=id)["StackResources"]
    now = {it["LogicalResourceId"]: it["ResourceStatus"] for it in told}
    assert now == {"Queue": "DELETE_COMPLETE", "Kept": "DELETE_SKIPPED"}
    (one,) = cloudformation.describe_stack_resources(StackName=id, LogicalResourceId="Queue")[
        "StackResources"
    ]
    assert one["PhysicalResourceId"] == had["Queue"]
    detail = cloudformation.describe_stack_resource(StackName=id, LogicalResourceId="Queue")
    assert detail["StackResourceDetail"]["ResourceStatus"] == "DELETE_COMPLETE"


def test_the_name_of_a_change_set_that_was_executed_is_free(cloudformation: Any, name: str) -> None:
    """`aws cloudformation deploy` names its own by the second, and two deployments are faster."""
    stack = f"{name}-a"
    asked = {"StackName": stack, "ChangeSetName": "same"}

    def bring(wait_s: int, **kind: str) -> tuple[str, str]:
        queue = body({"Queue": resource("AWS::SQS::Queue", VisibilityTimeout=wait_s)})
        cloudformation.create_change_set(**asked, **kind, TemplateBody=queue)
        found = cloudformation.describe_change_set(**asked)
        return found["ChangeSetId"], found["Status"]

    first = bring(30, ChangeSetType="CREATE")
    with pytest.raises(ClientError, match="ChangeSet same already exists"):
        bring(30, ChangeSetType="CREATE")
    cloudformation.execute_change_set(**asked)
    wait(cloudformation, "create_complete", stack)
    second = bring(30)
    assert (first[1], second[1]) == ("CREATE_COMPLETE", "FAILED"), "and the same changes nothing"
    assert first[0] != second[0]
    assert len(cloudformation.list_change_sets(StackName=stack)["Summaries"]) == 1
    cloudformation.delete_change_set(**asked)
    assert bring(31)[1] == "CREATE_COMPLETE"


def test_a_template_includes_what_lies_in_s3(
    cloudformation: Any, server: StokerProcess, name: str
) -> None:
    stack = f"{name}-a"
    mock = {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
    paths = {"/hello": {"get": {"x-amazon-apigateway-integration": mock}}}
    document = {"openapi": "3.0.1", "info": {"title": "it", "version": "1"}, "paths": paths}
    with closing(server.client("s3")) as s3:
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        s3.put_object(Bucket=name, Key="api.json", Body=json.dumps(document))
        s3.put_object(Bucket=name, Key="more.yaml", Body="More:\n  Type: AWS::SQS::Queue\n")

        def include(key: str) -> Json:
            location = {"Fn::Sub": "s3://${Bucket}/" + key}
            return {"Name": "AWS::Include", "Parameters": {"Location": location}}

        api = {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "StageName": "v",
                "DefinitionBody": {"Fn::Transform": include("api.json")},
            },
        }
        template = body(
            {"Api": api, "Fn::Transform": include("more.yaml")},
            Transform="AWS::Serverless-2016-10-31",
            Parameters={"Bucket": {"Type": "String"}},
        )
        asked = {
            "StackName": stack,
            "TemplateBody": template,
            "Parameters": [{"ParameterKey": "Bucket", "ParameterValue": name}],
        }
        said = refused(cloudformation.create_stack, **asked)
        assert said[1] == "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
        cloudformation.create_stack(**asked, Capabilities=MAY)
        wait(cloudformation, "create_complete", stack)
        summary = cloudformation.get_template_summary(TemplateBody=template)
        assert summary["DeclaredTransforms"] == ["AWS::Serverless-2016-10-31", "AWS::Include"]
        assert summary["ResourceTypes"] == ["AWS::Serverless::Api"]
        there = ids(cloudformation, stack)
        assert "More" in there
        with closing(server.client("apigateway")) as gateway:
            found = gateway.get_resources(restApiId=there["Api"])["items"]
        assert "/hello" in [one["path"] for one in found]
        processed = cloudformation.get_template(StackName=stack, TemplateStage="Processed")
        assert processed["TemplateBody"]["Resources"]["More"] == {"Type": "AWS::SQS::Queue"}

        # Another snippet is another template; one that is not there is none.
        changed = "More:\n  Type: AWS::SQS::Queue\n  Properties: {VisibilityTimeout: 50}\n"
        s3.put_object(Bucket=name, Key="more.yaml", Body=changed)
        cloudformation.update_stack(**asked, Capabilities=MAY)
        wait(cloudformation, "update_complete", stack)
        with closing(server.client("sqs")) as sqs:
            facts = sqs.get_queue_attributes(QueueUrl=there["More"], AttributeNames=["All"])
        assert facts["Attributes"]["VisibilityTimeout"] == "50"
        for key in ("more.yaml", "api.json"):
            s3.delete_object(Bucket=name, Key=key)
        said = refused(cloudformation.update_stack, **asked, Capabilities=MAY)
        assert said[1].startswith("Transform AWS::Include failed with: S3 error:")
        s3.delete_bucket(Bucket=name)

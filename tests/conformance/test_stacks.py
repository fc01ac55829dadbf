"""CloudFormation as its users see it: boto3, its waiters, and what is there afterwards."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from stoker.stacks.watching import PATIENCE_S
from tests.running import PYTHON, StokerProcess, make_zip
from tests.user import call

Json = dict[str, Any]
SOON = {"Delay": 0.1, "MaxAttempts": 600}
MAY = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}

# Without a Version, as SAM's policy templates are.
OF_2008 = {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}


@pytest.fixture
def cloudformation(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("cloudformation")) as client:
        yield client


@pytest.fixture
def name(cloudformation: Any) -> Iterator[str]:
    """Of a stack, which is deleted after the test."""
    name = f"s-{uuid.uuid4().hex[:8]}"
    yield name
    with suppress(ClientError):
        id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=id, WaiterConfig=SOON)


def resource(kind: str, *after: str, **properties: Any) -> Json:
    made: Json = {"Type": kind, "Properties": properties}
    return {**made, "DependsOn": list(after)} if after else made


def function(text: str, role: Any = "arn:aws:iam::000000000000:role/any", **more: Any) -> Json:
    base = {"Runtime": PYTHON, "Handler": "index.handler", "Role": role, "Timeout": 20}
    return resource("AWS::Lambda::Function", Code={"ZipFile": text}, **{**base, **more})


def body(resources: Json, **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def wait(cloudformation: Any, state: str, name: str) -> Json:
    cloudformation.get_waiter(f"stack_{state}").wait(StackName=name, WaiterConfig=SOON)
    found: Json = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return found


def events(cloudformation: Any, name: str) -> list[tuple[str, str, str]]:
    """The earliest first."""
    found = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
        for one in reversed(found)
    ]


def ids(cloudformation: Any, name: str) -> dict[str, str]:
    found = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def project(timeout: int = 20, **queue: Any) -> Json:
    """A function with a role, that a queue feeds."""
    text = "import os\ndef handler(event, context): return os.environ['QUEUE']"
    return {
        "Role": resource(
            "AWS::IAM::Role", AssumeRolePolicyDocument=TRUST,
            Policies=[{"PolicyName": "own", "PolicyDocument": OF_2008}],
        ),
        "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=60, **queue),
        "Fn": function(
            text, {"Fn::GetAtt": ["Role", "Arn"]}, Timeout=timeout,
            Environment={"Variables": {"QUEUE": {"Ref": "Queue"}}},
        ),
        "Mapping": resource(
            "AWS::Lambda::EventSourceMapping", FunctionName={"Ref": "Fn"},
            EventSourceArn={"Fn::GetAtt": "Queue.Arn"},
        ),
    }  # fmt: skip


def with_output(name: str, resources: Json) -> str:
    output = {"Value": {"Fn::GetAtt": ["Fn", "Arn"]}, "Export": {"Name": f"{name}-arn"}}
    return body(resources, Outputs={"Arn": output})


def deployed(cloudformation: Any, name: str, template: str) -> Json:
    """By a change set, as tools do: looked at before it is done."""
    asked = {"StackName": name, "ChangeSetName": "first", "Capabilities": MAY}
    cloudformation.create_change_set(**asked, TemplateBody=template, ChangeSetType="CREATE")
    planned = cloudformation.describe_change_set(StackName=name, ChangeSetName="first")
    assert planned["Status"] == "CREATE_COMPLETE"
    changes = [one["ResourceChange"] for one in planned["Changes"]]
    actions = {one["LogicalResourceId"]: one["Action"] for one in changes}
    assert actions == dict.fromkeys(("Role", "Queue", "Fn", "Mapping"), "Add")
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first")
    return wait(cloudformation, "create_complete", name)


def updated(cloudformation: Any, name: str, resources: Json) -> dict[str, str]:
    """Its resources after that."""
    template = with_output(name, resources)
    cloudformation.update_stack(StackName=name, TemplateBody=template, Capabilities=MAY)
    wait(cloudformation, "update_complete", name)
    return ids(cloudformation, name)


def test_a_stack_is_made_and_the_same_again_changes_nothing(
    cloudformation: Any, lambda_client: Any, name: str
) -> None:
    template = with_output(name, project())
    stack = deployed(cloudformation, name, template)
    made = ids(cloudformation, name)
    (output,) = stack["Outputs"]
    assert output["OutputValue"].endswith(f":function:{made['Fn']}")
    assert call(lambda_client, made["Fn"])[0] == made["Queue"]
    told = events(cloudformation, name)
    assert told[0][:2] == (name, "REVIEW_IN_PROGRESS")
    assert told[-1][:2] == (name, "CREATE_COMPLETE")
    of_queue = [one[1] for one in told if one[0] == "Queue"]
    assert of_queue == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]

    asked = {"StackName": name, "TemplateBody": template, "Capabilities": MAY}
    cloudformation.create_change_set(**asked, ChangeSetName="again")
    again = cloudformation.describe_change_set(StackName=name, ChangeSetName="again")
    assert again["Status"] == "FAILED"
    assert "The submitted information didn't contain changes." in again["StatusReason"]
    said = refused(cloudformation.update_stack, **asked)
    assert said == ("ValidationError", "No updates are to be performed.")
    assert ids(cloudformation, name) == made


def test_a_stack_is_changed_taken_back_and_deleted(
    cloudformation: Any, lambda_client: Any, server: StokerProcess, name: str
) -> None:
    template = with_output(name, project())
    asked = {"StackName": name, "TemplateBody": template, "Capabilities": MAY}
    id = cloudformation.create_stack(**asked)["StackId"]
    wait(cloudformation, "create_complete", name)
    made = ids(cloudformation, name)

    # In place: the same function, with another timeout.
    assert updated(cloudformation, name, project(timeout=25)) == made
    assert lambda_client.get_function_configuration(FunctionName=made["Fn"])["Timeout"] == 25

    # Replacement: a queue with a name of its own is another queue, and all who use it follow.
    now = updated(cloudformation, name, project(timeout=25, QueueName=f"{name}-q"))
    assert now["Queue"].endswith(f"/{name}-q")
    assert call(lambda_client, now["Fn"])[0] == now["Queue"]
    with closing(server.client("sqs")) as sqs:
        assert refused(sqs.get_queue_attributes, QueueUrl=made["Queue"])[0].endswith("Queue")

    # An update that fails midway is taken back, and says why.
    broken = project(timeout=30, QueueName=f"{name}-q")
    broken["Last"] = {**function("", MemorySize=1), "DependsOn": "Fn"}
    with pytest.raises(WaiterError):
        updated(cloudformation, name, broken)
    wait(cloudformation, "rollback_complete", name)
    assert ids(cloudformation, name) == now
    assert lambda_client.get_function_configuration(FunctionName=now["Fn"])["Timeout"] == 25
    reasons = [one[2] for one in events(cloudformation, name) if one[0] == "Last" and one[2]]
    assert any("memorySize" in reason for reason in reasons)

    # What is gone is gone.
    cloudformation.delete_stack(StackName=name)
    wait(cloudformation, "delete_complete", id)
    said = refused(cloudformation.describe_stacks, StackName=name)
    assert said == ("ValidationError", f"Stack with id {name} does not exist")
    code, _ = refused(lambda_client.get_function, FunctionName=now["Fn"])
    assert code == "ResourceNotFoundException"


def test_one_template_gives_three_functions_the_same_layer(
    cloudformation: Any, lambda_client: Any, server: StokerProcess, name: str
) -> None:
    """And the same permissions, with the functions made by SAM's transform."""
    layer = make_zip({"python/shared.py": "WORD = 'of the layer'"})
    with closing(server.client("s3")) as s3:
        s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        s3.put_object(Bucket=name, Key="layer.zip", Body=layer)
        code = make_zip({"index.py": "import shared\ndef handler(e, c): return shared.WORD"})
        s3.put_object(Bucket=name, Key="code.zip", Body=code)
        one = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": f"s3://{name}/code.zip", "Policies": ["AWSLambdaBasicExecutionRole"],
            },
        }  # fmt: skip
        resources = {f"F{number}": one for number in "123"}
        resources["Shared"] = {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": f"s3://{name}/layer.zip", "RetentionPolicy": "Delete"},
        }
        every = {"Runtime": PYTHON, "Handler": "index.handler", "Layers": [{"Ref": "Shared"}]}
        template = json.dumps(
            {
                "Transform": "AWS::Serverless-2016-10-31",
                "Globals": {"Function": every},
                "Resources": resources,
            }
        )
        cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=MAY)
        wait(cloudformation, "create_complete", name)
        there = cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]
        made = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in there}
        (arn,) = (
            one["PhysicalResourceId"]
            for one in there
            if one["ResourceType"] == "AWS::Lambda::LayerVersion"
        )
        for number in "123":
            function = made[f"F{number}"]
            facts = lambda_client.get_function_configuration(FunctionName=function)
            assert [one["Arn"] for one in facts["Layers"]] == [arn]
            assert call(lambda_client, function)[0] == "of the layer"
        assert len([key for key in made if key.endswith("Role")]) == 3
        original = cloudformation.get_template(StackName=name)["TemplateBody"]
        assert original["Globals"]["Function"]["Runtime"] == PYTHON
        processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")
        kinds = {one["Type"] for one in processed["TemplateBody"]["Resources"].values()}
        assert kinds == {"AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::IAM::Role"}
        for key in ("layer.zip", "code.zip"):
            s3.delete_object(Bucket=name, Key=key)
        s3.delete_bucket(Bucket=name)


CUSTOM = """\
import json, urllib.request
def handler(event, context):
    kind, given = event["RequestType"], event["ResourceProperties"]
    answer = {"Status": "FAILED" if given["Word"] == "bad" else "SUCCESS", "Reason": "a bad word",
              "PhysicalResourceId": "the-thing", "Data": {"Said": given["Word"] + "!"}}
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        answer[key] = event[key]
    text = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], text, method="PUT")
    print(kind, urllib.request.urlopen(request).status)
"""


def test_a_function_makes_a_custom_resource(cloudformation: Any, name: str) -> None:
    def template(word: str, count: int = 1) -> str:
        thing = {"ServiceToken": {"Fn::GetAtt": ["Fn", "Arn"]}, "Word": word, "Count": count}
        resources = {"Fn": function(CUSTOM), "Thing": resource("Custom::Thing", **thing)}
        return body(resources, Outputs={"Said": {"Value": {"Fn::GetAtt": ["Thing", "Said"]}}})

    cloudformation.create_stack(StackName=name, TemplateBody=template("hello"))
    begun = time.monotonic()
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    in_time = stack["StackStatus"] == "CREATE_COMPLETE"
    assert in_time or time.monotonic() - begun >= PATIENCE_S, "whoever asks is kept waiting"
    stack = wait(cloudformation, "create_complete", name)
    assert stack["Outputs"][0]["OutputValue"] == "hello!"
    assert ids(cloudformation, name)["Thing"] == "the-thing"
    cloudformation.update_stack(StackName=name, TemplateBody=template("bad"))
    with pytest.raises(WaiterError):
        wait(cloudformation, "update_complete", name)
    wait(cloudformation, "rollback_complete", name)
    assert any("a bad word" in one[2] for one in events(cloudformation, name))
    said = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    assert said[0]["OutputValue"] == "hello!"


def test_a_stack_is_a_resource_of_another(
    cloudformation: Any, server: StokerProcess, name: str
) -> None:
    inner = {
        "Parameters": {"Wait": {"Type": "Number"}},
        "Resources": {"Queue": resource("AWS::SQS::Queue", VisibilityTimeout={"Ref": "Wait"})},
        "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
    }
    with closing(server.client("s3")) as s3:
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        s3.put_object(Bucket=name, Key="inner.json", Body=json.dumps(inner))
        url = f"https://s3.eu-central-1.amazonaws.com/{name}/inner.json"
        nested = resource("AWS::CloudFormation::Stack", TemplateURL=url, Parameters={"Wait": "45"})
        output = {"Url": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Url"]}}}
        cloudformation.create_stack(
            StackName=name, TemplateBody=body({"Inner": nested}, Outputs=output)
        )
        stack = wait(cloudformation, "create_complete", name)
        s3.delete_object(Bucket=name, Key="inner.json")
        s3.delete_bucket(Bucket=name)
    child = cloudformation.describe_stacks(StackName=ids(cloudformation, name)["Inner"])["Stacks"][
        0
    ]
    assert child["ParentId"] == stack["StackId"]
    assert stack["Outputs"][0]["OutputValue"] == child["Outputs"][0]["OutputValue"]
    cloudformation.delete_stack(StackName=name)
    wait(cloudformation, "delete_complete", stack["StackId"])
    after = cloudformation.describe_stacks(StackName=child["StackId"])["Stacks"][0]
    assert after["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_that_nests_itself_fails_with_the_reason(
    cloudformation: Any, server: StokerProcess, name: str
) -> None:
    url = f"https://s3.eu-central-1.amazonaws.com/{name}/self.json"
    template = body({"Self": resource("AWS::CloudFormation::Stack", TemplateURL=url)})
    with closing(server.client("s3")) as s3:
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        s3.put_object(Bucket=name, Key="self.json", Body=template)
        made = cloudformation.create_stack(StackName=name, TemplateBody=template)
        with pytest.raises(WaiterError):
            wait(cloudformation, "create_complete", name)
        s3.delete_object(Bucket=name, Key="self.json")
        s3.delete_bucket(Bucket=name)
    told = events(cloudformation, made["StackId"])
    (reason,) = [why for _, status, why in told if status == "CREATE_FAILED"]
    assert reason.startswith("Embedded stack arn:aws:cloudformation:")
    assert reason.endswith(" was not successfully made: Stacks may be nested 5 deep")


def test_what_cannot_be_is_refused_in_aws_words(cloudformation: Any, name: str) -> None:
    queue = body({"Queue": resource("AWS::SQS::Queue")})
    create = cloudformation.create_stack
    unknown = refused(create, StackName=name, TemplateBody=body({"V": resource("AWS::EC2::VPC")}))
    assert "Unrecognized resource types: [AWS::EC2::VPC]" in unknown[1]
    assert "AWS::Lambda::Function" in unknown[1], "and what is served"
    role = body({"Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)})
    assert refused(create, StackName=name, TemplateBody=role) == (
        "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]",
    )  # fmt: skip
    queues = {"Q${N}": {**resource("AWS::SQS::Queue"), "Metadata": {"Text": "x" * 4000}}}
    loop = {"Fn::ForEach::Queues": ["N", [f"n{number}" for number in range(400)], queues]}
    large = body(loop, Transform="AWS::LanguageExtensions")
    said = refused(create, StackName=name, TemplateBody=large, Capabilities=MAY)
    assert "after its transforms" in said[1]
    missing = "https://s3.amazonaws.com/nobody-has-this/t.json"
    assert refused(create, StackName=name, TemplateURL=missing)[0] == "ValidationError"
    assert refused(create, StackName="1-bad", TemplateBody=queue)[0] == "ValidationError"
    code, _ = refused(create, StackName=name, TemplateBody=queue, StackPolicyBody="{}")
    assert code == "NotImplementedException"
    assert refused(cloudformation.delete_change_set, ChangeSetName="x", StackName=name)[1] == (
        f"Stack with id {name} does not exist"
    )
    cloudformation.delete_stack(StackName=name)  # nothing, and no error
    create(StackName=name, TemplateBody=queue)
    assert refused(create, StackName=name, TemplateBody=queue)[0] == "AlreadyExistsException"
    wait(cloudformation, "create_complete", name)
    assert refused(
        cloudformation.describe_change_set, ChangeSetName="none", StackName=name
    )[0] in ("ChangeSetNotFound", "ChangeSetNotFoundException")  # fmt: skip
    # One that cannot be made leaves nothing behind, whatever of it was there already.
    bad = {
        "Queue": resource("AWS::SQS::Queue"),
        "Fn": {**function(""), "DependsOn": "Queue"},
    }
    bad["Fn"]["Properties"]["Code"] = {"S3Bucket": "nobody-has-this", "S3Key": "code.zip"}
    other = f"{name}-b"
    id = create(StackName=other, TemplateBody=body(bad), OnFailure="DELETE")["StackId"]
    wait(cloudformation, "delete_complete", id)
    told = {one[:2]: one[2] for one in events(cloudformation, id)}
    assert told["Fn", "CREATE_FAILED"]
    assert ("Queue", "DELETE_COMPLETE") in told


def test_a_stack_is_deleted_while_it_is_created(cloudformation: Any, name: str) -> None:
    """A custom resource of which nobody hears would take an hour."""
    silent = function("def handler(event, context): pass")
    thing = resource("Custom::Silent", ServiceToken={"Fn::GetAtt": ["Fn", "Arn"]}, Word="x")
    thing["DeletionPolicy"] = "Retain"
    template = body({"Fn": silent, "Thing": thing})
    id = cloudformation.create_stack(StackName=name, TemplateBody=template)["StackId"]
    assert refused(cloudformation.update_stack, StackName=name, TemplateBody=template)[1] == (
        f"Stack:{id} is in CREATE_IN_PROGRESS state and can not be updated."
    )
    cloudformation.delete_stack(StackName=name)
    wait(cloudformation, "delete_complete", id)


def test_both_kinds_of_api_lead_to_a_function(
    cloudformation: Any, server: StokerProcess, name: str
) -> None:
    """As SAM writes them: an HTTP API by an OpenAPI document, a REST API as well."""
    paths = {kind: {"Type": kind, "Properties": {"Path": "/hello", "Method": "get"}}
             for kind in ("HttpApi", "Api")}  # fmt: skip
    text = "def handler(event, context): return {'statusCode': 200, 'body': 'hi'}"
    one = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "InlineCode": text, "Runtime": PYTHON, "Handler": "index.handler", "Events": paths,
        },
    }  # fmt: skip
    template = json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": one}})
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=MAY)
    wait(cloudformation, "create_complete", name)
    made = ids(cloudformation, name)
    for id in (made["ServerlessHttpApi"] + "/$default", made["ServerlessRestApi"] + "/Prod"):
        with urllib.request.urlopen(f"{server.url}/_aws/execute-api/{id}/hello") as answer:
            assert answer.read() == b"hi"
    one["Properties"]["Events"] = {"Api": paths["Api"]}
    paths["Api"]["Properties"]["Path"] = "/bye"
    template = json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": one}})
    cloudformation.update_stack(StackName=name, TemplateBody=template, Capabilities=MAY)
    wait(cloudformation, "update_complete", name)
    now = ids(cloudformation, name)
    assert "ServerlessHttpApi" not in now
    api = now["ServerlessRestApi"]
    assert api == made["ServerlessRestApi"], "changed in place, with another deployment"
    with urllib.request.urlopen(f"{server.url}/_aws/execute-api/{api}/Prod/bye") as answer:
        assert answer.read() == b"hi"


def test_the_transform_tells_what_is_wrong(cloudformation: Any, name: str) -> None:
    template = json.dumps(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": {}}},
        }
    )
    asked = {"StackName": name, "ChangeSetName": "c", "ChangeSetType": "CREATE"}
    cloudformation.create_change_set(**asked, TemplateBody=template)
    found = cloudformation.describe_change_set(StackName=name, ChangeSetName="c")
    assert found["Status"] == "FAILED"
    assert "Resource with id [F] is invalid" in found["StatusReason"]
    said = cloudformation.validate_template(TemplateBody=template)
    assert said["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert said["DeclaredTransforms"] == ["AWS::Serverless-2016-10-31"]


def test_inline_code_is_a_zip_with_what_answers_cloudformation(
    cloudformation: Any, lambda_client: Any, name: str
) -> None:
    text = "import cfnresponse\ndef handler(event, context): return cfnresponse.SUCCESS"
    cloudformation.create_stack(StackName=name, TemplateBody=body({"Fn": function(text)}))
    wait(cloudformation, "create_complete", name)
    function_name = ids(cloudformation, name)["Fn"]
    assert call(lambda_client, function_name)[0] == "SUCCESS"

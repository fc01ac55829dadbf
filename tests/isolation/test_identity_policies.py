"""What a function may do in its role's name: as much as the role's policies allow, and no more."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.running import REGION, StokerProcess
from tests.user import call

pytestmark = pytest.mark.root
ACCOUNT = "000000000000"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
CODE = """
import http.client, os
from urllib.parse import urlsplit
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
clients = {}


def handler(event, context):
    return [tried(*one) for one in event]


def tried(service, operation, given):
    if operation == "raw":
        return raw(service, **given)
    if service not in clients:
        clients[service] = boto3.client(service, config=once)
    try:
        getattr(clients[service], operation)(**given)
    except ClientError as error:
        told = error.response["Error"]
        return told["Code"] + ": " + told["Message"]
    return "done"


def raw(service, body="", method="POST", target="/", headers={}):
    at = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    scope = f"Credential=x/20260101/us-east-1/{service}/aws4_request"
    said = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    link = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    link.request(method, target, body, {**said, **headers})
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    return "done" if answer.status < 300 else f"{answer.status}: {text}"
"""


def trust(**principal: str) -> str:
    one = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


@dataclass
class Stranger:
    """A function, and the role that says what it may."""

    name: str
    role: str
    arn: str  # the role's
    iam: Any
    functions: Any

    def may(self, *statements: dict[str, Any]) -> None:
        """This, and nothing else, from now on."""
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.iam.put_role_policy(RoleName=self.role, PolicyName="own", PolicyDocument=text)

    def tries(self, service: str, operation: str, **given: Any) -> str:
        return self.all_of((service, operation, given))[0]

    def all_of(self, *wishes: tuple[str, str, dict[str, Any]]) -> list[str]:
        said: list[str]
        said, response = call(self.functions, self.name, wishes)
        assert "FunctionError" not in response, said
        return said


@pytest.fixture
def roles(server: StokerProcess) -> Iterator[Callable[..., str]]:
    """Make a role in IAM: its name, the policies attached to it, who is trusted."""
    with closing(server.client("iam")) as iam, ExitStack() as stack:

        def made(
            *attached: str, path: str = "/", trusted: str = trust(Service="lambda.amazonaws.com")
        ) -> str:
            name = f"r-{uuid.uuid4().hex[:12]}"
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trusted)
            stack.callback(iam.delete_role, RoleName=name)
            for arn in attached:
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)
                stack.callback(iam.detach_role_policy, RoleName=name, PolicyArn=arn)
            return name

        yield made


@pytest.fixture
def stranger(
    server: StokerProcess, functions: Any, create: Callable[..., str], roles: Callable[..., str]
) -> Iterator[Stranger]:
    role = roles()
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    name = create(CODE, Role=arn, MemorySize=1769, Timeout=300)
    with closing(server.client("iam")) as iam:
        one = Stranger(name, role, arn, iam, functions)
        one.may(allow("none:None"))
        yield one
        iam.delete_role_policy(RoleName=role, PolicyName="own")


def function(name: str, qualifier: str = "") -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}" + (qualifier and f":{qualifier}")


def test_a_function_may_what_its_role_s_policies_allow(
    stranger: Stranger, create: Callable[..., str], lambda_client: Any
) -> None:
    victim = create(CODE)
    read = ("lambda", "get_function_configuration", {"FunctionName": victim})
    told = stranger.tries(*read[:2], **read[2])
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{stranger.role}/{stranger.name}"
    action = "lambda:GetFunctionConfiguration"
    assert told == (
        f"AccessDeniedException: User: {who} is not authorized to perform: {action} on resource: "
        f"{function(victim)} because no identity-based policy allows the {action} action"
    )
    stranger.may(allow("lambda:Get*", function(victim)), allow("lambda:PublishVersion"))
    latest = {"FunctionName": victim, "Qualifier": "$LATEST"}
    said = stranger.all_of(
        read,
        ("lambda", "get_function", {"FunctionName": function(victim)}),
        ("lambda", "publish_version", {"FunctionName": victim}),
        ("lambda", "get_function_configuration", latest),
        ("lambda", "get_function_configuration", {"FunctionName": stranger.name}),
        ("lambda", "update_function_configuration", {"FunctionName": victim, "Timeout": 1}),
        ("lambda", "list_functions", {}),
        ("lambda", "delete_function", {"FunctionName": victim}),
    )
    assert said[:3] == ["done"] * 3
    assert f"on resource: {function(victim, '$LATEST')} because no" in said[3]
    assert all("AccessDenied" in one for one in said[4:]), said
    stranger.may(allow("lambda:*", condition := f"{function(victim)}*"), deny("lambda:Delete*"))
    said = stranger.all_of(read, ("lambda", "delete_function", {"FunctionName": victim}))
    assert said[0] == "done", condition
    assert said[1].endswith("with an explicit deny in an identity-based policy")
    stranger.may(allow("lambda:*", Condition={"StringEquals": {"aws:ResourceTag/own": "yes"}}))
    assert "AccessDenied" in stranger.tries(*read[:2], **read[2])  # a key that nobody knows here
    assert lambda_client.get_function(FunctionName=victim)["Configuration"]["Timeout"] == 30


def test_attached_policies_count_and_a_boundary_bounds_them(
    stranger: Stranger, server: StokerProcess
) -> None:
    iam, read = stranger.iam, ("lambda", "list_functions")
    iam.attach_role_policy(RoleName=stranger.role, PolicyArn=ADMINISTRATOR)
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    bound = iam.create_policy(PolicyName=f"b-{stranger.role}", PolicyDocument=document)
    arn = bound["Policy"]["Arn"]
    try:
        assert stranger.tries(*read) == "done"
        iam.put_role_permissions_boundary(RoleName=stranger.role, PermissionsBoundary=arn)
        said = stranger.tries(*read)
        assert said.endswith(
            "because no permissions boundary allows the lambda:ListFunctions action"
        )
        own = {"RoleName": stranger.role}
        assert "AccessDenied" in stranger.tries("iam", "delete_role_permissions_boundary", **own)
        iam.delete_role_permissions_boundary(RoleName=stranger.role)
        assert stranger.tries(*read) == "done"
    finally:
        iam.detach_role_policy(RoleName=stranger.role, PolicyArn=ADMINISTRATOR)
        iam.delete_policy(PolicyArn=arn)
    assert "AccessDenied" in stranger.tries(*read)


def test_a_function_cannot_give_itself_more_rights(
    stranger: Stranger, roles: Callable[..., str]
) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    role, policy = {"RoleName": stranger.role}, {"PolicyName": "p", "PolicyDocument": document}
    arn = {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/p"}
    wider: list[tuple[str, str, dict[str, Any]]] = [
        ("iam", "put_role_policy", {**role, **policy}),
        ("iam", "attach_role_policy", {**role, "PolicyArn": ADMINISTRATOR}),
        ("iam", "create_policy", policy),
        ("iam", "create_policy_version", {**arn, "PolicyDocument": document, "SetAsDefault": True}),
        ("iam", "set_default_policy_version", {**arn, "VersionId": "v2"}),
        ("iam", "delete_role_policy", {**role, "PolicyName": "own"}),
        ("iam", "delete_role_permissions_boundary", role),
        ("iam", "update_assume_role_policy", {**role, "PolicyDocument": trust(AWS="*")}),
        ("iam", "delete_role", role),
        ("iam", "create_role", {"RoleName": "mine", "AssumeRolePolicyDocument": trust(AWS="*")}),
        ("iam", "create_user", {"UserName": "me"}),
        ("iam", "create_access_key", {}),
    ]
    before = stranger.iam.get_role_policy(RoleName=stranger.role, PolicyName="own")
    for statements in ([allow("lambda:*")], [allow("iam:*", "arn:aws:iam::*:role/mine/*")]):
        stranger.may(*statements)
        said = stranger.all_of(*wider)
        assert all(one.startswith("AccessDenied") for one in said), said
    other = roles(path="/mine/")
    here = {"RoleName": other, **policy}
    said = stranger.all_of(
        ("iam", "put_role_policy", here),
        ("iam", "get_role", {"RoleName": stranger.role}),  # reading is everybody's
        ("iam", "delete_role_policy", {"RoleName": other, "PolicyName": "p"}),
    )
    assert said == ["done"] * 3
    assert before["PolicyName"] == "own"
    names = stranger.iam.list_role_policies(RoleName=stranger.role)["PolicyNames"]
    assert names == ["own"]
    assert (
        stranger.iam.list_attached_role_policies(RoleName=stranger.role)["AttachedPolicies"] == []
    )


def test_no_other_spelling_gets_past_the_judge(stranger: Stranger) -> None:
    stranger.may(allow("iam:*", "arn:aws:iam::*:role/dev-*"))
    document = quote(json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]}))
    template = quote(json.dumps({"Resources": {"R": {"Type": "AWS::SNS::Topic"}}}))
    name = f"RoleName={stranger.role}"
    put = f"{name}&PolicyName=p&PolicyDocument={document}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    tricks: list[tuple[str, dict[str, Any]]] = [
        ("iam", {"body": f"Action=PutRolePolicy&{put}"}),
        ("iam", {"body": f"Action=put_role_policy&{put}"}),
        ("iam", {"body": f"Action=PutrolePolicy&{put}"}),
        ("iam", {"body": f"Action=GetRole&Action=PutRolePolicy&{put}"}),
        ("iam", {"target": "/?Action=PutRolePolicy", "body": f"Action=GetRole&{put}"}),
        ("iam", {"target": f"/?Action=PutRolePolicy&{put}", "method": "GET"}),
        ("iam", {"target": f"/?Action=GetRole&{name}",
                 "headers": {"X-Amz-Target": "x.DeleteRole"}}),
        ("iam", {"body": f"Action=PutRolePolicy&{put}&RoleName=dev-1"}),
        ("iam", {"body": f"Action=PutRolePolicy&{put}&UserName=dev-1"}),
        ("iam", {"body": f"Action=DeletePolicy&PolicyArn={ADMINISTRATOR}&RoleName=dev-1"}),
        *((service, {"body": f"Action=PutRolePolicy&{put}", "headers": {"X-Stoker-Inside": "iam"}})
          for service in ("iam", "IAM", "iam.x", "s3", "STS")),
        *((service, {"body": f"Action=CreateStack&StackName=s&TemplateBody={template}"})
          for service in ("cloudformation", "CloudFormation")),
        ("s3", {"target": "/moto-api/reset"}),
        ("s3", {"body": f"Action=PutRolePolicy&{put}",
                "headers": {"Host": "iam.amazonaws.com", **form}}),
    ]  # fmt: skip
    said = stranger.all_of(*((service, "raw", given) for service, given in tricks))
    reached = {
        (service, given.get("target", "").partition("&")[0])
        for (service, given), one in zip(tricks, said, strict=True)
        if one == "done"
    }
    # What every function may, and what these say besides is not heard.
    assert reached <= {("iam", "/?Action=GetRole"), ("s3", "")}
    assert stranger.iam.list_role_policies(RoleName=stranger.role)["PolicyNames"] == ["own"]
    assert stranger.iam.get_role(RoleName=stranger.role)


def test_another_role_is_had_only_by_who_may_pass_or_assume_it(
    stranger: Stranger, roles: Callable[..., str], create: Callable[..., str], lambda_client: Any
) -> None:
    admin = f"arn:aws:iam::{ACCOUNT}:role/{roles(ADMINISTRATOR)}"
    plain = f"arn:aws:iam::{ACCOUNT}:role/{roles()}"
    open_to_all = f"arn:aws:iam::{ACCOUNT}:role/{roles(trusted=trust(AWS=ACCOUNT))}"
    open_to_me = f"arn:aws:iam::{ACCOUNT}:role/{roles(trusted=trust(AWS=stranger.arn))}"
    mine = {"FunctionName": stranger.name}

    def role_of(arn: str) -> tuple[str, str, dict[str, Any]]:
        return "lambda", "update_function_configuration", {**mine, "Role": arn}

    def assumed(arn: str) -> tuple[str, str, dict[str, Any]]:
        return "sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "session"}

    stranger.may(allow("lambda:*"))
    made = {"Runtime": "python3.11", "Handler": "a.b", "Code": {"S3Bucket": "bucket", "S3Key": "k"}}
    foreign = "arn:aws:iam::111111111111:role/any"
    said = stranger.all_of(
        role_of(admin), role_of(foreign), role_of(f"arn:aws:iam::{ACCOUNT}:role/any"),
        ("lambda", "create_function", {"FunctionName": "evil", "Role": admin, **made}),
        assumed(open_to_all), assumed(plain),
    )  # fmt: skip
    assert all("AccessDenied" in one for one in said), said
    assert "is not authorized to perform: iam:PassRole on resource: " + admin in said[0]
    assert f"sts:AssumeRole on resource: {open_to_all}" in said[4]
    assert stranger.tries(*assumed(open_to_me)[:2], **assumed(open_to_me)[2]) == "done"
    passing = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    stranger.may(
        allow("lambda:*"), allow("sts:AssumeRole", open_to_all),
        allow("iam:PassRole", plain, Condition=passing),
    )  # fmt: skip
    said = stranger.all_of(role_of(admin), assumed(open_to_all), role_of(plain))
    assert "iam:PassRole" in said[0]
    assert said[1:] == ["done"] * 2
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=stranger.name)
    assert "AccessDenied" in stranger.tries("lambda", "list_functions")  # it is the other role now


def test_nobody_acts_for_a_function_that_may_not_do_everything(
    stranger: Stranger, create: Callable[..., str]
) -> None:
    victim = create(CODE)
    queue = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}
    name = f"s-{uuid.uuid4().hex[:8]}"
    stack = {"StackName": name, "TemplateBody": json.dumps(queue)}
    target = {
        "ServiceNamespace": "lambda", "ResourceId": f"function:{victim}:live",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "MinCapacity": 1, "MaxCapacity": 1,
    }  # fmt: skip
    kind = {"TypeName": "AWS::Lambda::Function", "Identifier": victim}
    deputies: list[tuple[str, str, dict[str, Any]]] = [
        ("cloudformation", "create_stack", stack),
        ("cloudformation", "create_change_set", {**stack, "ChangeSetName": "c"}),
        ("cloudformation", "delete_stack", {"StackName": name}),
        ("cloudcontrol", "get_resource", kind),
        ("apigatewayv2", "create_api", {"Name": "a", "ProtocolType": "HTTP",
                                        "Target": "http://127.0.0.1:4566"}),
        ("apigateway", "create_rest_api", {"name": "a"}),
        ("application-autoscaling", "register_scalable_target", target),
    ]  # fmt: skip
    services = ["cloudformation:*", "apigateway:*", "application-autoscaling:*"]
    stranger.may(allow(services), allow("iam:*"))
    said = stranger.all_of(*deputies)
    assert all("AccessDenied" in one for one in said), said
    assert "only a role that may do everything" in said[0]
    assert "lambda:PutProvisionedConcurrencyConfig" in said[-1]
    stranger.may(allow("*"), deny("iam:*", "arn:aws:iam::*:role/x"))
    assert "only a role that may do everything" in stranger.all_of(deputies[0])[0]
    assert stranger.tries("cloudformation", "list_stacks") == "done"
    stranger.may(allow("*"))
    assert stranger.all_of(deputies[0], deputies[3], deputies[2]) == ["done"] * 3


def test_what_every_function_may_needs_no_policy(
    stranger: Stranger, create: Callable[..., str]
) -> None:
    echo = create("def handler(event, context): return event")
    stranger.may(deny("*"))
    said = stranger.all_of(
        ("lambda", "invoke", {"FunctionName": echo}),
        ("logs", "describe_log_groups", {}),
        ("sqs", "list_queues", {}),
        ("s3", "list_buckets", {}),
        ("iam", "list_roles", {}),
        ("sts", "get_caller_identity", {}),
    )
    assert said == ["done"] * 6

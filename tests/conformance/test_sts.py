"""Temporary credentials, in functions and of STS, with boto3 on the other side."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core import sessions
from stoker.core.sessions import Session
from tests.running import StokerProcess

Create = Callable[..., str]
OTHER = "123456789012"  # an account
WHO = """
import boto3, os

def handler(event, context):
    sts = boto3.client("sts")
    found = sts.get_caller_identity()
    return found["Arn"], found["Account"], os.environ["AWS_ACCESS_KEY_ID"], [
        len(os.environ[name]) for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    ]
"""


@pytest.fixture
def client(server: StokerProcess) -> Iterator[Callable[..., Any]]:
    with ExitStack() as stack:

        def made(service: str, credentials: dict[str, str] | None = None, **more: Any) -> Any:
            """`credentials`: as STS answers them."""
            if credentials is not None:
                more = {
                    "aws_access_key_id": credentials["AccessKeyId"],
                    "aws_session_token": credentials["SessionToken"],
                }
            return stack.enter_context(closing(server.client(service, **more)))

        yield made


def role(name: str, account: str = OTHER) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def test_a_function_is_its_role_s_session(lambda_client: Any, create: Create) -> None:
    name = create(WHO, MemorySize=1769, Timeout=60, Role=role("path/worker", "000000000000"))
    arn, account, key, lengths = json.load(lambda_client.invoke(FunctionName=name)["Payload"])
    assert arn == f"arn:aws:sts::000000000000:assumed-role/worker/{name}"
    assert (account, key[:4], len(key), lengths[0]) == ("000000000000", "ASIA", 20, 40)
    assert lengths[1] > 100


def test_an_assumed_role_acts_in_its_own_account(client: Callable[..., Any]) -> None:
    answer = client("sts").assume_role(RoleArn=role("deploy"), RoleSessionName="cdk")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER}:assumed-role/deploy/cdk"
    made = answer["Credentials"]
    assert 3500 < made["Expiration"].timestamp() - time.time() <= 3600
    assert made["AccessKeyId"].startswith("ASIA")
    who = client("sts", made).get_caller_identity()
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert (who["Account"], who["UserId"]) == (OTHER, answer["AssumedRoleUser"]["AssumedRoleId"])
    topic = client("sns", made).create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    assert topic.split(":")[4] == OTHER
    url = client("sqs", made).create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    assert OTHER in url
    client("sqs", made).delete_queue(QueueUrl=url)
    with pytest.raises(ClientError, match="with session credentials"):
        client("sts", made).get_session_token()
    with pytest.raises(ClientError, match="with session credentials"):
        client("sts", made).get_federation_token(Name="some")
    with pytest.raises(ClientError, match="1 hour session limit"):
        client("sts", made).assume_role(
            RoleArn=role("next"), RoleSessionName="s2", DurationSeconds=3601
        )


def test_a_policy_may_name_the_role_that_invokes(
    client: Callable[..., Any], lambda_client: Any, create: Create
) -> None:
    name = create("def handler(event, context): return 'yes'")
    mine = f"arn:aws:lambda:{lambda_client.meta.region_name}:000000000000:function:{name}"
    made = client("sts").assume_role(RoleArn=role("guest"), RoleSessionName="ss")["Credentials"]
    with pytest.raises(ClientError, match="assumed-role/guest/ss is not authorized"):
        client("lambda", made).invoke(FunctionName=mine)
    lambda_client.add_permission(
        FunctionName=name, StatementId="s", Principal=role("guest"), Action="lambda:InvokeFunction"
    )
    assert client("lambda", made).invoke(FunctionName=mine)["Payload"].read() == b'"yes"'


def test_a_role_that_iam_knows_says_whom_it_trusts(client: Callable[..., Any]) -> None:
    name, sts = f"r-{uuid.uuid4().hex[:12]}", client("sts")
    statement = {
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Condition": {"StringEquals": {"sts:ExternalId": "known"}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    made = client("iam", aws_access_key_id=OTHER).create_role(
        RoleName=name, AssumeRolePolicyDocument=policy
    )["Role"]
    asked = {"RoleArn": made["Arn"], "RoleSessionName": "ss"}
    answer = sts.assume_role(ExternalId="known", **asked)
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{made['RoleId']}:ss"
    with pytest.raises(ClientError, match="AccessDenied") as raised:
        sts.assume_role(ExternalId="other", **asked)
    said = raised.value.response["Error"]
    assert said["Code"] == "AccessDenied"
    assert said["Message"] == (
        "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on "
        f"resource: {made['Arn']}"
    )
    with pytest.raises(ClientError, match="MaxSessionDuration"):
        sts.assume_role(ExternalId="known", DurationSeconds=3601, **asked)
    with pytest.raises(ClientError, match="ValidationError"):
        sts.assume_role(RoleArn="arn:aws:iam::1:role/none", RoleSessionName="ss")


def test_other_identities_are_named_too(client: Callable[..., Any]) -> None:
    sts, iam, name = client("sts"), client("iam"), f"u-{uuid.uuid4().hex[:12]}"
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    assert client("sts", aws_access_key_id=key).get_caller_identity()["Arn"] == user["Arn"]
    made = sts.get_session_token()["Credentials"]
    who = client("sts", made).get_caller_identity()
    assert who["Arn"] == "arn:aws:iam::000000000000:root"
    made = sts.get_federation_token(Name="some")["Credentials"]
    who = client("sts", made).get_caller_identity()
    assert who["Arn"] == "arn:aws:sts::000000000000:federated-user/some"


def test_what_has_expired_is_refused_everywhere(
    server: StokerProcess, client: Callable[..., Any], create: Create
) -> None:
    secret = Path(server.data_dir, "state", "sessions.key").read_bytes()
    over = Session("000000000000", role("r", "000000000000"), "ss", int(time.time()) - 1)
    made = sessions.issue(secret, over, b"0" * sessions.NONCE_BYTES)
    old = {"AccessKeyId": made.access_key_id, "SessionToken": made.session_token}
    name = create("def handler(event, context): return event")
    for service, ask, code in (
        ("lambda", lambda c: c.invoke(FunctionName=name), "ExpiredTokenException"),
        ("lambda", lambda c: c.list_functions(), "ExpiredTokenException"),
        ("logs", lambda c: c.describe_log_groups(), "ExpiredTokenException"),
        ("dynamodb", lambda c: c.list_tables(), "ExpiredTokenException"),
        ("sts", lambda c: c.get_caller_identity(), "ExpiredToken"),
        ("s3", lambda c: c.list_buckets(), "ExpiredToken"),
    ):
        with pytest.raises(ClientError, match="is expired") as raised:
            ask(client(service, old))
        assert raised.value.response["Error"]["Code"] == code


def test_a_function_stays_itself_whatever_it_signs_with(lambda_client: Any, create: Create) -> None:
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    sts = boto3.client('sts')\n"
        "    made = sts.assume_role(RoleArn=event, RoleSessionName='ss')['Credentials']\n"
        "    keys = dict(aws_access_key_id=made['AccessKeyId'],\n"
        "        aws_secret_access_key='any', aws_session_token=made['SessionToken'])\n"
        "    return boto3.client('sts', **keys).get_caller_identity()['Arn']\n"
    )
    name = create(code, MemorySize=1769, Timeout=60)
    own = role("r", "000000000000")
    answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(own))
    assert json.load(answer["Payload"]).endswith(f"/{name}")
    answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(role("r")))
    assert "is not authorized to perform: sts:AssumeRole" in answer["Payload"].read().decode()

"""AWS's other services beside Lambda, at the same address, with boto3 on the other side."""

import contextlib
import http.client
import json
import os
import signal
import socket
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.faults.scene import until
from tests.instances import children, is_alive
from tests.running import PYTHON, REGION, StokerProcess, make_zip

Create = Callable[..., str]
ECHO = {"main.py": "def handler(event, context): return event"}
OTHER = "123456789012"  # an account
ONCE = Config(read_timeout=200, retries={"total_max_attempts": 1})  # a second try is answered


@pytest.fixture
def s3(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("s3")) as client:
        yield client


@pytest.fixture
def bucket(s3: Any) -> str:
    return new_bucket(s3)


def new_bucket(s3: Any) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    where = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


def neighbours_of(server: StokerProcess) -> list[int]:
    """Their process, if they have one."""
    return running(server, b"stoker.neighbours.child")


def running(server: StokerProcess, module: bytes) -> list[int]:
    found = []
    for pid in children(server.pid):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if module in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


# --- requests that are passed on ----------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 50, 3_000_000], ids=["empty", "small", "streamed"])
def test_an_object_comes_back_as_it_went(size: int, s3: Any, bucket: str) -> None:
    body = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="a/b c", Body=body, ContentType="x/y", Metadata={"m": "1"})
    assert s3.head_object(Bucket=bucket, Key="a/b c")["ContentLength"] == size
    found = s3.get_object(Bucket=bucket, Key="a/b c")
    assert (found["ContentLength"], found["ContentType"]) == (size, "x/y")
    assert found["Metadata"] == {"m": "1"}
    assert found["Body"].read() == body


def test_an_object_s_content_encoding_is_its_own_affair(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"not gzip at all", ContentEncoding="gzip")
    found = s3.get_object(Bucket=bucket, Key="k")
    assert (found["ContentEncoding"], found["Body"].read()) == ("gzip", b"not gzip at all")


def test_a_presigned_address_needs_no_other_signature(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"for whoever has the link")
    address = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"for whoever has the link"
        assert len(answer.headers.get_all("Date")) == 1


def test_services_of_every_protocol_answer(server: StokerProcess) -> None:
    with ExitStack() as stack:

        def client(name: str) -> Any:
            return stack.enter_context(closing(server.client(name)))

        name = f"n-{uuid.uuid4().hex[:12]}"
        table = client("dynamodb").create_table(  # json
            TableName=name,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        assert table["TableDescription"]["TableArn"].endswith(f"000000000000:table/{name}")
        trust = {"Version": "2012-10-17", "Statement": []}
        role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        assert role["Role"]["Arn"] == f"arn:aws:iam::000000000000:role/{name}"  # query
        api = client("apigateway").create_rest_api(name=name)  # rest-json
        assert client("apigateway").get_rest_api(restApiId=api["id"])["name"] == name
        metric = {"MetricName": "m", "Value": 1.0}  # gzip'ed by botocore where it pays
        client("cloudwatch").put_metric_data(Namespace=name, MetricData=[metric] * 500)
        found = client("cloudwatch").list_metrics(Namespace=name)["Metrics"]
        assert {one["MetricName"] for one in found} == {"m"}


def test_who_waits_for_localstack_is_told_what_there_is(server: StokerProcess) -> None:
    with urllib.request.urlopen(f"{server.url}/_localstack/health") as answer:
        services = json.load(answer)["services"]
    assert services["lambda"] == "running"
    assert services["s3"] == "available", "it starts when it is asked for"


def test_the_account_that_asks_is_the_one_that_gets(server: StokerProcess, bucket: str) -> None:
    with closing(server.client("sts", aws_access_key_id=OTHER)) as sts:
        assert sts.get_caller_identity()["Account"] == OTHER
    with closing(server.client("s3", aws_access_key_id=OTHER)) as theirs:
        assert bucket not in [one["Name"] for one in theirs.list_buckets()["Buckets"]]


def test_nobody_reaches_into_another_account(
    server: StokerProcess, s3: Any, bucket: str, create: Create
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    with closing(server.client("s3", aws_access_key_id=OTHER)) as theirs:
        for operation in (theirs.get_object, theirs.delete_object):
            with pytest.raises(ClientError, match="Denied"):
                operation(Bucket=bucket, Key="k")
        with pytest.raises(ClientError, match="Denied"):
            theirs.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={}
            )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"
    with closing(server.client("sns")) as mine:
        topic = mine.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    with closing(server.client("sns", aws_access_key_id=OTHER)) as theirs:
        for ask in (
            lambda: theirs.publish(TopicArn=topic, Message="m"),
            lambda: theirs.subscribe(TopicArn=topic, Protocol="lambda", Endpoint="arn:aws:x"),
        ):
            with pytest.raises(ClientError, match="AuthorizationError"):
                ask()


def test_a_request_that_is_signed_in_its_address_reaches_what_it_is_signed_for(
    server: StokerProcess,
) -> None:
    name = f"u-{uuid.uuid4().hex[:12]}"
    query = (
        f"Action=CreateUser&Version=2010-05-08&UserName={name}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential=test/20260101/{REGION}/iam/aws4_request&X-Amz-Signature=0"
    )
    with urllib.request.urlopen(f"{server.url}/?{query}") as answer:
        assert b"CreateUserResponse" in answer.read()
    with closing(server.client("iam")) as iam:
        assert iam.get_user(UserName=name)["User"]["UserName"] == name


def test_a_pattern_that_would_take_for_ever_takes_no_time(server: StokerProcess, s3: Any) -> None:
    rule = f"r-{uuid.uuid4().hex[:12]}"
    hostile = json.dumps({"source": [{"wildcard": "*a" * 40 + "b"}]})
    with closing(server.client("events")) as events:
        events.put_rule(Name=rule, EventPattern=hostile)
        target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:000000000000:none"}
        events.put_targets(Rule=rule, Targets=[target])
        events.put_events(Entries=[{"Source": "a" * 60, "DetailType": "t", "Detail": "{}"}])
        events.remove_targets(Rule=rule, Ids=["1"])
        events.delete_rule(Name=rule)
    s3.list_buckets()


@pytest.mark.slow  # the patience of who asks is longer than a minute
def test_neighbours_that_hang_are_replaced(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--stock", "0") as server,
        closing(server.client("s3", config=ONCE)) as s3,
    ):
        new_bucket(s3)
        (first,) = neighbours_of(server)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(ClientError, match="no answer in"):
            s3.list_buckets()
        until(lambda: is_alive(first), lambda alive: not alive)
        s3.list_buckets()


def test_a_caller_cannot_say_whose_account_it_is(server: StokerProcess) -> None:
    credential = f"Credential={OTHER}/20260101/{REGION}/sts/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
        "X-Moto-Account-Id": "999999999999",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as link:
        link.request("POST", "/", body, headers)
        assert f"<Account>{OTHER}</Account>".encode() in link.getresponse().read()


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "named"),
    [
        ("kendra", "list_indices", {}, "kendra:ListIndices"),
        ("dynamodb", "list_contributor_insights", {}, "dynamodb:ListContributorInsights"),
        ("iam", "get_organizations_access_report", {"JobId": "j" * 36}, "access_report"),
    ],
)
def test_what_no_neighbour_has_is_a_typed_501_that_names_it(
    service: str, operation: str, parameters: dict[str, Any], named: str, server: StokerProcess
) -> None:
    with closing(server.client(service)) as client, pytest.raises(ClientError) as raised:
        getattr(client, operation)(**parameters)
    response = raised.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert response["Error"]["Code"] == "NotImplementedException"
    assert named in response["Error"]["Message"]


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/x"])
def test_nobody_gets_at_what_is_behind_the_neighbours(path: str, s3: Any, bucket: str) -> None:
    first, _, key = path.strip("/").partition("/")
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.get_object(Bucket=first, Key=key)
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_an_upload_that_breaks_off_leaves_nothing(
    server: StokerProcess, s3: Any, bucket: str
) -> None:
    with asking_s3(server, "PUT", 100_000, f"/{bucket}/half") as link:
        link.sendall(b"x" * 50_000)
        link.shutdown(socket.SHUT_WR)
        assert b" 200 " not in link.recv(100)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


# --- functions and layers from S3 ---------------------------------------------------------------


def test_code_comes_from_an_object_and_from_its_version(
    lambda_client: Any, s3: Any, bucket: str
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="f.zip", Body=make_zip(ECHO))["VersionId"]
    two = make_zip({"main.py": "def handler(event, context): return 'two'"})
    s3.put_object(Bucket=bucket, Key="f.zip", Body=two)
    name = f"f-{uuid.uuid4().hex[:12]}"
    here = {"S3Bucket": bucket, "S3Key": "f.zip"}
    try:
        lambda_client.create_function(
            FunctionName=name, Runtime=PYTHON, Handler="main.handler", Code=here,
            Role="arn:aws:iam::000000000000:role/any",
        )  # fmt: skip
        lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)
        assert lambda_client.invoke(FunctionName=name)["Payload"].read() == b'"two"'
        lambda_client.update_function_code(
            FunctionName=name, S3ObjectVersion=first, S3ObjectStorageMode="REFERENCE", **here
        )
        lambda_client.get_waiter("function_updated_v2").wait(FunctionName=name)
        s3.delete_object(Bucket=bucket, Key="f.zip", VersionId=first)
        assert lambda_client.invoke(FunctionName=name, Payload=b"1")["Payload"].read() == b"1"
        code = lambda_client.get_function(FunctionName=name)["Code"]
        assert (code["RepositoryType"], code.get("ResolvedS3Object")) == ("S3", None)
    finally:
        lambda_client.delete_function(FunctionName=name)


def test_a_layer_comes_from_an_object(lambda_client: Any, s3: Any, bucket: str) -> None:
    archive = make_zip({"python/lib.py": "X = 1"})
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=archive)
    made = lambda_client.publish_layer_version(
        LayerName=f"l-{uuid.uuid4().hex[:12]}",
        Content={"S3Bucket": bucket, "S3Key": "layer.zip"},
    )
    assert made["Content"]["CodeSize"] == len(archive)


def test_what_s3_refuses_is_told_in_aws_s_words(lambda_client: Any, bucket: str) -> None:
    def refusal(**code: str) -> str:
        with pytest.raises(lambda_client.exceptions.InvalidParameterValueException) as raised:
            lambda_client.create_function(
                FunctionName="never", Runtime=PYTHON, Handler="main.handler", Code=code,
                Role="arn:aws:iam::000000000000:role/any",
            )  # fmt: skip
        message: str = raised.value.response["Error"]["Message"]
        return message

    said = "Error occurred while GetObject. S3 Error Code: "
    assert refusal(S3Bucket=bucket, S3Key="none").startswith(f"{said}NoSuchKey. S3 Error Message:")
    assert refusal(S3Bucket="nowhere-at-all", S3Key="k").startswith(f"{said}NoSuchBucket.")


# --- roles --------------------------------------------------------------------------------------


def test_a_role_that_iam_knows_must_trust_lambda(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = f"r-{uuid.uuid4().hex[:12]}"

    def trust(principal: str) -> str:
        allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": principal}}
        return json.dumps({"Version": "2012-10-17", "Statement": [allow]})

    with closing(server.client("iam")) as iam:
        policy = trust("ec2.amazonaws.com")
        role = iam.create_role(RoleName=name, Path="/x/", AssumeRolePolicyDocument=policy)["Role"]
        with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
            create(ECHO, Role=role["Arn"])
        function = create(ECHO)  # with a role that is not in IAM
        change = {"FunctionName": function, "Role": role["Arn"]}
        with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
            lambda_client.update_function_configuration(**change)
        policy = trust("lambda.amazonaws.com")
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy)
    assert lambda_client.update_function_configuration(**change)["Role"] == role["Arn"]


# --- their lives --------------------------------------------------------------------------------


def test_a_function_uses_them_as_its_account(
    lambda_client: Any, s3: Any, bucket: str, create: Create
) -> None:
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket=event, Key='k', Body=b'from inside')\n"
        "    return boto3.client('sts').get_caller_identity()['Account']\n"
    )
    name = create(code, MemorySize=1769, Timeout=60)
    answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(bucket))
    assert answer["Payload"].read() == b'"000000000000"'
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"from inside"


def test_they_are_shut_in(server: StokerProcess, bucket: str) -> None:
    (child,) = neighbours_of(server)
    theirs, ours = (Path(f"/proc/{pid}/ns/net").readlink() for pid in (child, server.pid))
    assert theirs != ours
    devices = Path(f"/proc/{child}/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    limits = Path(f"/proc/{child}/limits").read_text().splitlines()
    (data,) = [line.split() for line in limits if line.startswith("Max data size")]
    assert int(data[4]) <= 2 * 1024**3
    assert bucket


def test_sam_s_first_question_has_all_begun_that_it_will_need(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--stock", "0") as server,
        closing(server.client("cloudformation")) as stacks,
    ):
        for name, needed in (("another", False), ("aws-sam-cli-managed-default", True)):
            with pytest.raises(ClientError, match=f"{name} does not exist"):
                stacks.describe_stacks(StackName=name)
            if needed:
                until(lambda: neighbours_of(server), bool)
                until(lambda: running(server, b"stoker.stacks.transform_child"), bool)
            else:
                assert neighbours_of(server) == []


def test_they_start_anew_when_killed_and_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--stock", "0") as server,
        closing(server.client("s3")) as s3,
    ):
        assert neighbours_of(server) == []
        new_bucket(s3)
        (first,) = neighbours_of(server)
        os.kill(first, signal.SIGKILL)
        until(lambda: is_alive(first), lambda alive: not alive)
        until(server.log.read_text, lambda log: "what changed a moment before is lost" in log)
        new_bucket(s3)
        (second,) = neighbours_of(server)
        server.stop(signal.SIGKILL)
        until(lambda: is_alive(second), lambda alive: not alive)


def test_another_server_may_answer_for_s3(
    server: StokerProcess, bucket: str, s3: Any, tmp_path: Path
) -> None:
    s3.put_object(Bucket=bucket, Key="f.zip", Body=make_zip(ECHO))
    elsewhere = ("--neighbours", "none", "--neighbour-endpoints", f"s3={server.url}")
    own = {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "any"}
    with StokerProcess(tmp_path / "data", *elsewhere, environ=own) as mine:
        with closing(mine.client("s3")) as passed_on:
            assert passed_on.head_object(Bucket=bucket, Key="f.zip")["ContentLength"] > 0
        with closing(mine.client("sns")) as sns, pytest.raises(ClientError, match="sns:ListTopics"):
            sns.list_topics()
        with closing(mine.client("lambda")) as functions:
            name = deploy_from(functions, bucket)
            assert functions.invoke(FunctionName=name, Payload=b"2")["Payload"].read() == b"2"
        assert neighbours_of(mine) == []


def deploy_from(functions: Any, bucket: str) -> str:
    made = functions.create_function(
        FunctionName="from-s3", Runtime=PYTHON, Handler="main.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"S3Bucket": bucket, "S3Key": "f.zip"},
    )  # fmt: skip
    functions.get_waiter("function_active_v2").wait(FunctionName=made["FunctionName"])
    name: str = made["FunctionName"]
    return name


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """It accepts connections, and takes nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        yield listener


def asking_s3(server: StokerProcess, method: str, length: int, path: str = "/b/k") -> socket.socket:
    """A connection, with the head of a request."""
    credential = f"Credential=test/20260101/{REGION}/s3/aws4_request"
    link = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    link.sendall(
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Content-Length: {length}\r\nAuthorization: AWS4-HMAC-SHA256 {credential}, "
        "SignedHeaders=host, Signature=0\r\n\r\n".encode()
    )
    return link


def test_a_neighbour_that_takes_nothing_costs_little_and_does_not_keep_the_server(
    tmp_path: Path, silent: socket.socket
) -> None:
    endpoint = f"s3=http://127.0.0.1:{silent.getsockname()[1]}"
    options = ("--neighbour-endpoints", endpoint, "--stock", "0", "--drain-s", "0")
    with (
        StokerProcess(tmp_path / "data", *options) as server,
        asking_s3(server, "PUT", 2**32) as upload,
        asking_s3(server, "GET", 0),
    ):
        upload.settimeout(1)
        assert send_until_nobody_takes_more(upload) < 64 * 1024**2
        server.process.send_signal(signal.SIGTERM)
        until(server.log.read_text, lambda log: "server stopping" in log)
        assert server.stop() == 0, "a second signal waits for nobody"


def send_until_nobody_takes_more(link: socket.socket) -> int:
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 64 * 1024**2:
            sent += link.send(b"x" * 65536)
    return sent


def test_a_neighbour_that_is_not_there_is_an_error_of_the_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        endpoint = f"s3=http://127.0.0.1:{gone.getsockname()[1]}"
    options = ("--neighbour-endpoints", endpoint, "--stock", "0")
    with (
        StokerProcess(tmp_path / "data", *options) as server,
        closing(server.client("s3")) as s3,
    ):
        with pytest.raises(ClientError, match="Nobody answers for s3"):
            s3.list_buckets()
        with pytest.raises((ClientError, ConnectionClosedError)):
            s3.put_object(Bucket="b", Key="k", Body=b"x" * 100_000)

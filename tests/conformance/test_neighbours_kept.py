"""What AWS's other services keep is there again after a restart, however the last one ended."""

import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from stoker.neighbours import kept
from tests.faults.scene import until
from tests.running import REGION, StokerProcess, deploy

TELL = "import json\ndef handler(event, context): print('got', json.dumps(event))\n"
TABLE = {
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


class Scene:
    """A server of its own, and what asks it."""

    def __init__(self, data: Path, stack: ExitStack, *options: str) -> None:
        self.server = stack.enter_context(StokerProcess(data, "--stock", "0", *options))
        self._stack = stack
        self.folder = data / "state" / "neighbours"

    def client(self, service: str) -> Any:
        return self._stack.enter_context(closing(self.server.client(service)))

    def kept_at(self) -> float:
        try:
            with (self.folder / kept.FOLDER / kept.STATE).open("rb") as file:
                return kept.read(file).at
        except FileNotFoundError:
            return 0.0

    def kept_anew(self) -> None:
        """Wait until all that has been answered so far is on the disk."""
        before = self.kept_at()
        self.client("sns").create_topic(Name="news")
        until(self.kept_at, lambda at: at > before)


def deep() -> Any:
    """What is nested as deeply as DynamoDB lets it be."""
    value: Any = {"S": "bottom"}
    for _ in range(15):
        value = {"M": {"a": {"L": [value]}}}
    return value


def make_of_everything(scene: Scene) -> None:
    s3, dynamodb, events = (scene.client(name) for name in ("s3", "dynamodb", "events"))
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"x" * 100_000):
        s3.put_object(Bucket="kept", Key="k", Body=body, Metadata={"m": "1"})
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")
    here = {"Bucket": "kept", "Key": "parts", "UploadId": upload["UploadId"]}
    s3.upload_part(PartNumber=1, Body=b"p" * 10_000, **here)
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.create_table(TableName="t", StreamSpecification=stream, **TABLE)
    kinesis = scene.client("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    kinesis.put_record(StreamName="k", Data=b"d", PartitionKey="p")
    dynamodb.put_item(TableName="t", Item={"k": {"S": "1"}, "n": {"N": "1.5"}, "deep": deep()})
    events.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    trust = {"Version": "2012-10-17", "Statement": []}
    scene.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    scene.client("ssm").put_parameter(Name="/p", Value="v", Type="String", Tags=[])
    scene.client("secretsmanager").create_secret(Name="s", SecretString="hidden")
    kms = scene.client("kms")
    kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")


def check_everything(scene: Scene) -> None:
    s3, dynamodb = scene.client("s3"), scene.client("dynamodb")
    found = s3.get_object(Bucket="kept", Key="k")
    assert (found["Body"].read(), found["Metadata"]) == (b"x" * 100_000, {"m": "1"})
    first, second = s3.list_object_versions(Bucket="kept")["Versions"]
    old = {first["IsLatest"]: second, second["IsLatest"]: first}[True]["VersionId"]
    assert s3.get_object(Bucket="kept", Key="k", VersionId=old)["Body"].read() == b"first"
    (upload,) = s3.list_multipart_uploads(Bucket="kept")["Uploads"]
    here = {"Bucket": "kept", "Key": "parts", "UploadId": upload["UploadId"]}
    (part,) = s3.list_parts(**here)["Parts"]
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(MultipartUpload=done, **here)
    assert s3.get_object(Bucket="kept", Key="parts")["Body"].read() == b"p" * 10_000
    item = dynamodb.get_item(TableName="t", Key={"k": {"S": "1"}})["Item"]
    assert item == {"k": {"S": "1"}, "n": {"N": "1.5"}, "deep": deep()}
    streams, kinesis = scene.client("dynamodbstreams"), scene.client("kinesis")
    arn = dynamodb.describe_table(TableName="t")["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    oldest = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    where = streams.get_shard_iterator(StreamArn=arn, **oldest)["ShardIterator"]
    assert len(streams.get_records(ShardIterator=where)["Records"]) == 1
    (shard,) = kinesis.list_shards(StreamName="k")["Shards"]
    oldest = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    where = kinesis.get_shard_iterator(StreamName="k", **oldest)["ShardIterator"]
    assert [one["Data"] for one in kinesis.get_records(ShardIterator=where)["Records"]] == [b"d"]
    assert scene.client("events").describe_rule(Name="r")["State"] == "ENABLED"
    assert scene.client("iam").get_role(RoleName="r")["Role"]["RoleName"] == "r"
    assert scene.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "v"
    secrets = scene.client("secretsmanager")
    assert secrets.get_secret_value(SecretId="s")["SecretString"] == "hidden"
    kms = scene.client("kms")
    (key,) = [one["KeyId"] for one in kms.list_keys()["Keys"]]
    assert kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]


def test_what_is_kept_outlives_a_restart_and_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as stack:
        scene = Scene(data, stack)
        make_of_everything(scene)
        function = deploy(scene.client("lambda"), TELL)
        assert scene.server.stop() == 0
        assert "is not kept" not in scene.server.log.read_text()
    with ExitStack() as stack:
        scene = Scene(data, stack)
        check_everything(scene)
        arn = scene.client("lambda").get_function(FunctionName=function)
        arn = arn["Configuration"]["FunctionArn"]
        scene.client("lambda").add_permission(
            FunctionName=function, StatementId="s", Principal="s3.amazonaws.com",
            Action="lambda:InvokeFunction",
        )  # fmt: skip
        wanted = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
        scene.client("s3").put_bucket_notification_configuration(
            Bucket="kept", NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]}
        )
        gone = scene.client("s3").head_object(Bucket="kept", Key="parts")["VersionId"]
        scene.client("s3").delete_object(Bucket="kept", Key="parts", VersionId=gone)
        scene.kept_anew()
        scene.server.stop(signal.SIGKILL)
    with ExitStack() as stack:
        scene = Scene(data, stack)
        scene.client("s3").put_object(Bucket="kept", Key="new", Body=b"1")
        logs, group = scene.client("logs"), f"/aws/lambda/{function}"

        def seen() -> list[Any]:
            try:
                return list(logs.filter_log_events(logGroupName=group)["events"])
            except logs.exceptions.ResourceNotFoundException:
                return []

        until(seen, lambda events: any('"key": "new"' in one["message"] for one in events))
        files = scene.folder / kept.FOLDER / kept.BODIES
        assert len(list(files.iterdir())) == 1, "of what was deleted nothing is left"


@pytest.mark.slow
def test_schedules_go_on_without_being_asked(tmp_path: Path) -> None:
    data, options = tmp_path / "data", ("--time-scale", "3600")
    with ExitStack() as stack:
        scene = Scene(data, stack, *options)
        function = deploy(scene.client("lambda"), TELL)
        arn = f"arn:aws:lambda:{REGION}:000000000000:function:{function}"
        made = scene.client("events").put_rule(Name="r", ScheduleExpression="rate(30 minutes)")
        scene.client("events").put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
        scene.client("scheduler").create_schedule(
            Name="s", ScheduleExpression="rate(30 minutes)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/r", "Input": '"mine"'},
        )  # fmt: skip
        assert scene.server.stop() == 0
    with ExitStack() as stack:
        scene = Scene(data, stack, *options)
        scene.client("lambda").add_permission(
            FunctionName=function, StatementId="s", Principal="events.amazonaws.com",
            Action="lambda:InvokeFunction", SourceArn=made["RuleArn"],
        )  # fmt: skip
        logs, group = scene.client("logs"), f"/aws/lambda/{function}"

        def seen(wanted: str) -> bool:
            try:
                found = logs.filter_log_events(logGroupName=group, filterPattern=f'"{wanted}"')
            except logs.exceptions.ResourceNotFoundException:
                return False
            return bool(found["events"])

        until(lambda: seen("Scheduled Event"), bool)
        until(lambda: seen("mine"), bool)


@pytest.mark.parametrize(
    "spoilt",
    ["cut", *(pytest.param(one, marks=pytest.mark.slow) for one in ("garbage", "version", "code"))],
)
def test_a_file_that_cannot_be_read_is_moved_aside(spoilt: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as stack:
        scene = Scene(data, stack)
        scene.client("sns").create_topic(Name="t")
        assert scene.server.stop() == 0
        path = scene.folder / kept.FOLDER / kept.STATE
    written = path.read_bytes()
    head = written.partition(b"\n")[0]
    evil = b"cos\nsystem\n(S'touch /tmp/owned'\ntR."
    path.write_bytes(
        {
            "garbage": b"\0" * 5000,
            "cut": written[:-10],
            "version": written.replace(b'"moto": "', b'"moto": "0.', 1),
            "code": head + b"\n" + evil,
        }[spoilt]
    )
    with ExitStack() as stack:
        scene = Scene(data, stack, "--neighbours-disk-mb", "24")
        assert scene.client("sns").list_topics()["Topics"] == []
        assert "is not read, and now in kept.aside" in scene.server.log.read_text()
        assert (scene.folder / kept.ASIDE / kept.STATE).exists()
        assert (spoilt == "version") == ("it is of moto 0." in scene.server.log.read_text())
        check_a_disk_that_is_used_up(scene)


def check_a_disk_that_is_used_up(scene: Scene) -> None:
    """Objects are refused, and nothing else."""
    s3, large = scene.client("s3"), b"x" * 16 * 1024**2
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="kept", Key="one", Body=large)
    with pytest.raises(ClientError, match="InsufficientStorage"):
        s3.put_object(Bucket="kept", Key="two", Body=large)
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["one"]
    s3.delete_object(Bucket="kept", Key="one")
    scene.kept_anew()
    s3.put_object(Bucket="kept", Key="two", Body=large)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kill_9_loses_only_the_latest(seed: int, tmp_path: Path) -> None:
    """Items are put one after another: what is there after each kill is the beginning of them."""
    draw, data, begun = random.Random(seed), tmp_path / "data", 0
    for life in range(5):
        with ExitStack() as stack:
            scene = Scene(data, stack)
            dynamodb = scene.client("dynamodb")
            if life == 0:
                dynamodb.create_table(TableName="t", **TABLE)
                scene.kept_anew()
            else:
                found = dynamodb.scan(TableName="t")["Items"]
                numbers = sorted(int(one["k"]["S"]) for one in found)
                assert numbers == list(range(len(numbers)))
                assert len(numbers) <= begun
                begun = len(numbers)
            killer = threading.Timer(draw.uniform(0.5, 4), scene.server.process.kill)
            killer.start()
            try:
                while True:
                    begun += 1
                    dynamodb.put_item(TableName="t", Item={"k": {"S": str(begun - 1)}})
            except (BotoCoreError, ClientError):
                killer.join()


def test_no_pickle_calls_what_is_not_moto_s() -> None:
    from stoker.neighbours import pickles  # it loads moto

    for it in (os.system, eval, getattr, threading.Thread, open):
        with pytest.raises(pickle.UnpicklingError, match="is not kept"):
            pickles._Unpickler(io.BytesIO(pickle.dumps(it))).load()


def test_what_is_kept_waits_for_nobody_who_stores_an_object(tmp_path: Path) -> None:
    """A copy of the process has one thread: who holds a lock then does not let go of it there."""
    script = """
import os
from stoker.neighbours import keeping
it = keeping.Keeping(10**9, print)
lock = it._bodies._lock
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release)
keeping.WRITE_S = 5.0
it.close()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b""), done
    assert (tmp_path / "kept" / "state").exists()

"""Our Java client and AWS's, side by side over the same events: what they post and log is the same.

JSON is compared as values, since the order of members is nobody's promise; so is X-Ray's cause.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.component.java_handlers import CASES
from tests.java_sources import FOLDER, compiled, javas, lacking
from tests.scripted_runtime_api import Event, Post, Run, play
from tests.slow.clients.projects import BUILD, NoToolchain, package

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(lacking()), reason=lacking() or "there is a Java"),
]
AWS = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
EVENTS = "com.amazonaws.services.lambda.runtime.events"
# One method for each class of aws-lambda-java-events that AWS's client treats in a way of its own.
SAME = f"""
package t;

import {EVENTS}.*;

public class Same {{
    public SQSEvent sqs(SQSEvent e) {{ return e; }}
    public SNSEvent sns(SNSEvent e) {{ return e; }}
    public KinesisEvent kinesis(KinesisEvent e) {{ return e; }}
    public DynamodbEvent dynamodb(DynamodbEvent e) {{ return e; }}
    public DynamodbTimeWindowEvent window(DynamodbTimeWindowEvent e) {{ return e; }}
    public ScheduledEvent scheduled(ScheduledEvent e) {{ return e; }}
    public APIGatewayProxyRequestEvent rest(APIGatewayProxyRequestEvent e) {{ return e; }}
    public APIGatewayV2HTTPEvent http(APIGatewayV2HTTPEvent e) {{ return e; }}
    public CloudFormationCustomResourceEvent custom(CloudFormationCustomResourceEvent e) {{
        return e;
    }}
    public ConnectEvent connect(ConnectEvent e) {{ return e; }}
    public CloudWatchLogsEvent logs(CloudWatchLogsEvent e) {{ return e; }}
    public CodeCommitEvent commit(CodeCommitEvent e) {{ return e; }}
    public SecretsManagerRotationEvent secret(SecretsManagerRotationEvent e) {{ return e; }}
    public KinesisFirehoseEvent firehose(KinesisFirehoseEvent e) {{ return e; }}
    public String s3(S3Event e) {{
        var record = e.getRecords().get(0);
        var object = record.getS3().getObject();
        return record.getEventTime() + record.getAwsRegion() + object.getKey()
                + object.getUrlDecodedKey() + object.getSizeAsLong() + object.geteTag()
                + object.getVersionId() + record.getS3().getBucket().getName()
                + record.getUserIdentity().getPrincipalId()
                + record.getResponseElements().getxAmzId2();
    }}
}}
"""
ITEM = {
    "M": {"S": "x"}, "b": {"BOOL": True}, "z": {"NULL": True}, "l": {"L": [{"S": "q"}]},
    "m": {"M": {"k": {"B": "YWJj"}}}, "ss": {"SS": ["a"]}, "ns": {"NS": ["1"]},
    "bs": {"BS": ["YQ=="]},
}  # fmt: skip
STREAM = {
    "Records": [{
        "eventID": "1", "eventVersion": "1.0", "awsRegion": "us", "eventName": "INSERT",
        "eventSourceARN": "arn", "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": {"Id": {"N": "101"}}, "NewImage": ITEM, "SequenceNumber": "111",
                     "StreamViewType": "NEW_AND_OLD_IMAGES", "SizeBytes": 26,
                     "ApproximateCreationDateTime": 1428537600.5},
    }],
}  # fmt: skip
AT = "2024-01-02T03:04:05.678Z"
BY_METHOD: dict[str, Any] = {
    "sqs": {"Records": [{
        "messageId": "m", "receiptHandle": "r", "body": "b", "attributes": {"a": "1"},
        "messageAttributes": {"k": {"stringValue": "v", "dataType": "String"}},
        "md5OfBody": "d", "eventSource": "aws:sqs", "eventSourceARN": "arn", "awsRegion": "eu",
    }]},
    "sns": {"Records": [{
        "EventSource": "aws:sns", "EventVersion": "1", "EventSubscriptionArn": "a",
        "Sns": {"Type": "N", "MessageId": "i", "TopicArn": "t", "Subject": "s", "Message": "m",
                "Timestamp": AT, "SignatureVersion": "1", "Signature": "g", "SigningCertUrl": "c",
                "UnsubscribeUrl": "u",
                "MessageAttributes": {"k": {"Type": "String", "Value": "v"}}},
    }]},
    "kinesis": {"Records": [{
        "kinesis": {"kinesisSchemaVersion": "1", "partitionKey": "p", "sequenceNumber": "1",
                    "data": "YWJj", "approximateArrivalTimestamp": 1545084650.987,
                    "encryptionType": "NONE"},
        "eventSource": "aws:kinesis", "eventVersion": "1", "eventID": "e", "eventName": "n",
        "invokeIdentityArn": "i", "awsRegion": "eu", "eventSourceARN": "arn",
    }]},
    "dynamodb": STREAM,
    "window": {**STREAM, "window": {"start": AT, "end": AT}, "state": {"a": "b"}, "shardId": "s",
               "eventSourceARN": "x", "isFinalInvokeForWindow": True},
    "scheduled": {"version": "0", "id": "i", "detail-type": "Scheduled Event", "account": "1",
                  "source": "aws.events", "time": AT, "region": "eu", "resources": ["r"],
                  "detail": {"a": 1}},
    "rest": {"resource": "/", "path": "/p", "httpMethod": "GET", "headers": {"a": "b"},
             "multiValueHeaders": {"a": ["b"]}, "queryStringParameters": None, "body": "x",
             "requestContext": {"accountId": "1", "identity": {"sourceIp": "1.1.1.1"},
                                "authorizer": {"claims": {"sub": "x"}}},
             "isBase64Encoded": False},
    "http": {"version": "2.0", "routeKey": "$default", "rawPath": "/p", "rawQueryString": "a=b",
             "cookies": ["c"], "headers": {"h": "v"}, "body": "b", "isBase64Encoded": True,
             "requestContext": {"accountId": "1", "timeEpoch": 1700000000000,
                                "http": {"method": "GET", "path": "/p", "sourceIp": "1.1.1.1"},
                                "authorizer": {"jwt": {"claims": {"a": "b"}, "scopes": ["s"]}}}},
    "custom": {"RequestType": "Create", "ServiceToken": "s", "PhysicalResourceId": "p",
               "StackId": "st", "RequestId": "r", "LogicalResourceId": "l", "ResponseURL": "u",
               "ResourceType": "t", "ResourceProperties": {"a": 1}, "OldResourceProperties": {}},
    "connect": {"Name": "ContactFlowEvent", "Details": {
        "Parameters": {"x": "y"},
        "ContactData": {"Attributes": {"a": "b"}, "Channel": "VOICE", "ContactId": "c",
                        "CustomerEndpoint": {"Address": "a", "Type": "t"}, "InstanceARN": "arn",
                        "Queue": {"Name": "q", "ARN": "qa"},
                        "SystemEndpoint": {"Address": "a", "Type": "t"}},
    }},
    "logs": {"awslogs": {"data": "zzz"}},
    "commit": {"Records": [{
        "awsRegion": "e", "eventSourceARN": "arn", "userIdentityARN": "u",
        "codecommit": {"references": [{"commit": "c", "ref": "r", "created": True}]},
        "eventTime": "2024-01-02T03:04:05.000+0000", "eventTotalParts": 1,
    }]},
    "secret": {"Step": "s", "SecretId": "i", "ClientRequestToken": "t", "RotationToken": "r"},
    "firehose": {"invocationId": "i", "region": "r",
                 "records": [{"data": "YWJj", "recordId": "1",
                              "approximateArrivalTimestamp": 1510772160000}]},
    "s3": {"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us", "eventTime": AT,
        "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "P"},
        "responseElements": {"x-amz-request-id": "r", "x-amz-id-2": "2"},
        "s3": {"bucket": {"name": "b", "ownerIdentity": {"principalId": "O"}, "arn": "arn"},
               "object": {"key": "a+b%20c", "size": 1024, "eTag": "e", "versionId": "v"}},
    }]},
}  # fmt: skip
BEANS = [
    {"name": "a", "n": "5", "items": [{"big": 12345678901, "yes": "true", "map": {"a": 1}}],
     "open": 1.5, "when": 1700000000000, "color": "GREEN", "unknown": 1, "URL": "u"},
    {"items": {"big": 1}, "color": "BLUE", "when": "2024-01-02T03:04:05.678+0200", "n": 1.9},
    {"name": 5, "open": None, "n": None, "when": "2024-01-02"},
    "", [], [{"name": "w"}], {"n": "abc"}, {"name": {"a": 1}}, {"n": 99999999999}, None,
]  # fmt: skip
VALUES = [
    {"instant": AT, "day": "2024-01-02", "local": "2024-01-02T03:04:05", "span": "PT1M",
     "id": "6f1a2b3c-0000-4000-8000-000000000001", "bytes": "YWJj", "buffer": "YWJj",
     "exact": 123456789.125, "maybe": "x", "numbers": [1, "2"], "set": ["a", "a"]},
    {"instant": 1700000000.5, "day": [2024, 1, 2], "local": [2024, 1, 2, 3, 4], "span": 1.5,
     "maybe": None, "numbers": 3},
]  # fmt: skip
OTHERS = {
    "t.Cases$BeanToBean": BEANS, "t.Cases$ValuesToValues": VALUES, "t.Cases$Fails": [{}, {}],
    "t.Cases$Concrete": [{"big": 4}], "t.Cases$Bytes": [{"a": 1}], "t.Cases$Untyped": [{}],
    "t.Cases$Exhausts": [{}, {}], "t.Cases$NeverMade": [{}], "t.Cases$NeverLoaded": [{}],
    "t.Cases::work": [{"name": "q"}], "t.Cases::named": ["z", 5, True, 1.5, {"a": 1}, None],
    "t.Cases::twice": [4, "4", 2.7, "x"], "t.Cases::nothing": [{}], "t.Cases::either": ["a"],
    "t.Cases::copies": [{"a": 1}], "t.Cases::says": [{}], "t.Cases::checked": ["a"],
    "t.Cases::all": [[{"n": 1}], {"n": 2}], "t.Cases::": [{}], "t.Absent": [{}, {}],
    "t.Absent::x": [{}], "t.Cases": [{}], "t.Cases$NotStatic::work": [{}],
}  # fmt: skip


@pytest.fixture(scope="module")
def jars() -> list[Path]:
    try:
        package("java")
    except NoToolchain as reason:
        pytest.skip(str(reason))
    return sorted((BUILD / "java" / "jars").glob("*.jar"))


@pytest.fixture(scope="module")
def task(jars: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity")
    files = compiled(folder / "made", {"Cases.java": CASES, "Same.java": SAME}, classpath=jars)
    for name, content in files.items():
        (folder / "task" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "task" / name).write_bytes(content)
    (folder / "task" / "lib").mkdir()
    for jar in jars:
        if "events" in jar.name or "joda" in jar.name:
            (folder / "task" / "lib" / jar.name).symlink_to(jar)
    return folder / "task"


def run(command: list[str | Path], task: Path, handler: str, events: list[Any]) -> Run:
    variables = {
        "_HANDLER": handler, "LAMBDA_TASK_ROOT": str(task), "PATH": "/usr/bin:/bin",
        "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s", "LAMBDA_RUNTIME_DIR": str(FOLDER),
        "_STOKER_LANGUAGE_ROOT": str(javas()[0].prefix),
    }  # fmt: skip
    given = [Event(json.dumps(e).encode(), request_id=f"id{n}") for n, e in enumerate(events)]
    return play(command, variables, given, cwd=task)


def told(post: Post) -> tuple[Any, ...]:
    kind = post.headers.get("lambda-runtime-function-error-type")
    cause = json.loads(post.headers.get("lambda-runtime-function-xray-error-cause", "null"))
    if cause is not None:
        cause["paths"].sort()
    return post.path, post.request_id, kind, cause, json.loads(post.body)


def logged(done: Run) -> list[tuple[int, str]]:
    """The first line of each frame: below it are the frames of either client's own binding."""
    pieces = [*(post.frames for post in done.posts), done.frames]
    return [(kind, text.split("\n")[0]) for piece in pieces for kind, text in piece]


@pytest.mark.parametrize(
    ("handler", "events"),
    [*OTHERS.items(), *((f"t.Same::{name}", [event]) for name, event in BY_METHOD.items())],
)
def test_it_says_what_awss_client_says(
    handler: str, events: list[Any], task: Path, jars: list[Path]
) -> None:
    java = javas()[0].executable
    assert java is not None
    theirs: list[str | Path] = [
        java, "--add-opens=java.base/java.io=ALL-UNNAMED", "-classpath",
        ":".join(str(j) for j in jars if "events" not in j.name and "joda" not in j.name),
        AWS, handler,
    ]  # fmt: skip
    one = run(theirs, task, handler, events)
    other = run([FOLDER / "bootstrap"], task, handler, events)
    assert [told(post) for post in other.posts] == [told(post) for post in one.posts]
    assert logged(other) == logged(one)
    assert other.status == one.status

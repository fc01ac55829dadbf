"""LoggingConfig as a user meets it: boto3 in front, AWS's shapes in the log."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import wait_until

Create = Callable[..., str]
TALKATIVE = """
import json, logging, os, sys
log = logging.getLogger("shop")
def handler(event, context):
    log.debug("unseen")
    log.info("seen %d", 1, extra={"order": 7})
    print("plain")
    print(json.dumps({"level": "debug", "timestamp": "2024-11-02T16:51:31.587199Z"}))
    print(json.dumps({"level": "warn", "timestamp": "2099-11-02T16:51:31.587199Z"}))
    sys.stdout.flush()
    if event == "raise":
        raise ValueError("bad")
    return [os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL")]
"""


def called(functions: Any, name: str, event: Any) -> tuple[Any, list[str]]:
    """The answer, and the log's tail."""
    response = functions.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    tail = base64.b64decode(response["LogResult"]).decode()
    # AWS's client ends the record of an unhandled error without a newline: an event of its own.
    return json.loads(response["Payload"].read()), tail.replace("}{", "}\n{").splitlines()


def test_a_python_function_that_logs_json(lambda_client: Any, create: Create) -> None:
    name = create(TALKATIVE, LoggingConfig={"LogFormat": "JSON"})
    shown = lambda_client.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert shown == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
        "LogGroup": f"/aws/lambda/{name}",
    }
    answer, tail = called(lambda_client, name, None)
    assert answer == ["JSON", "INFO"]
    assert sorted(line for line in tail if not line.startswith("{")) == ["plain"]
    told = [json.loads(line) for line in tail if line != "plain"]
    types = [each["type"] for each in told if "type" in each]
    assert types == ["platform.initStart", "platform.start", "platform.report"]
    (record,) = [each for each in told if each.get("logger") == "shop"]
    assert (record["level"], record["message"], record["order"]) == ("INFO", "seen 1", 7)
    assert record["requestId"] == told[-1]["record"]["requestId"]
    assert [each["level"] for each in told if "logger" not in each and "level" in each] == ["warn"]


def test_levels_can_be_changed_and_an_error_has_its_shape(
    lambda_client: Any, create: Create
) -> None:
    levels = {"ApplicationLogLevel": "ERROR", "SystemLogLevel": "DEBUG"}
    name = create(TALKATIVE, LoggingConfig={"LogFormat": "JSON", **levels})
    answer, tail = called(lambda_client, name, "raise")
    assert answer["errorType"] == "ValueError"
    told = [json.loads(line) for line in tail]
    (error,) = [each for each in told if "type" not in each]
    assert (error["level"], error["errorType"], error["errorMessage"]) == (
        "ERROR",
        "ValueError",
        "bad",
    )
    types = [each["type"].removeprefix("platform.") for each in told if "type" in each]
    assert types == [
        "initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report",
    ]  # fmt: skip
    lambda_client.update_function_configuration(
        FunctionName=name, LoggingConfig={"LogFormat": "Text"}
    )
    wait_until(lambda_client, "function_updated_v2", name)
    shown = lambda_client.get_function_configuration(FunctionName=name)["LoggingConfig"]
    assert shown == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}
    answer, tail = called(lambda_client, name, None)
    assert answer == [None, None]
    assert tail[-1].startswith("REPORT RequestId: ")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"ApplicationLogLevel": "DEBUG"}, "InvalidParameterValueException"),
        ({"LogFormat": "Text", "SystemLogLevel": "WARN"}, "InvalidParameterValueException"),
        ({"LogFormat": "XML"}, "ValidationException"),
        ({"LogFormat": "JSON", "ApplicationLogLevel": "LOUD"}, "ValidationException"),
        ({"LogFormat": "JSON", "SystemLogLevel": "ERROR"}, "ValidationException"),
        ({"LogGroup": "no spaces"}, "ValidationException"),
    ],
)
def test_a_bad_logging_config_is_refused(
    lambda_client: Any, create: Create, asked: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        create("def handler(event, context): pass", LoggingConfig=asked)
    assert refusal.value.response["Error"]["Code"] == code

"""At the front door from within, as boto3 and by hand."""

import os
import socket
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from network import endpoint_port

CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=20)
ROLE = "arn:aws:iam::000000000000:role/any"


def operations(function: str, key: str = "") -> dict[str, str]:
    """What comes of each: "done", or the error's code. `key`: another access key to sign with."""
    signed: dict[str, Any] = {"config": CONFIG}
    if key:
        signed |= {"aws_access_key_id": key, "aws_secret_access_key": "x"}
    functions, logs = boto3.client("lambda", **signed), boto3.client("logs", **signed)
    group = f"/door/{os.getpid()}{key}"
    event = b'{"attack": "life.counts"}'
    package = {"ZipFile": b"any"}
    return {
        "Invoke": _tried(functions.invoke, FunctionName=function, Payload=event),
        "CreateLogGroup": _tried(logs.create_log_group, logGroupName=group),
        "DeleteLogGroup": _tried(logs.delete_log_group, logGroupName=group),
        "DescribeLogGroups": _tried(logs.describe_log_groups),
        "GetFunction": _tried(functions.get_function, FunctionName=function),
        "GetFunctionConfiguration": _tried(
            functions.get_function_configuration, FunctionName=function
        ),
        "ListFunctions": _tried(functions.list_functions),
        "DeleteFunction": _tried(functions.delete_function, FunctionName=function),
        "UpdateFunctionCode": _tried(
            functions.update_function_code, FunctionName=function, **package
        ),
        "UpdateFunctionConfiguration": _tried(
            functions.update_function_configuration, FunctionName=function, Timeout=1
        ),
        "CreateFunction": _tried(
            functions.create_function, FunctionName="mine", Role=ROLE, Code=package,
            Runtime="python3.11", Handler="a.b",
        ),
        "GetAccountSettings": _tried(functions.get_account_settings),
        "PublishVersion": _tried(functions.publish_version, FunctionName=function),
        "AddPermission": _tried(
            functions.add_permission, FunctionName=function, StatementId="s",
            Action="lambda:InvokeFunction", Principal="*",
        ),
        "ListBuckets": _tried(boto3.client("s3", **signed).list_buckets),
        "GetCallerIdentity": _tried(boto3.client("sts", **signed).get_caller_identity),
    }  # fmt: skip


def _tried(operation: Any, **arguments: Any) -> str:
    try:
        operation(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def myself() -> str:
    """What is said to who asks for its own code."""
    functions = boto3.client("lambda", config=CONFIG)
    try:
        functions.get_function(FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return "done"


def foreign(arns: list[str]) -> list[str]:
    """Invoke functions of other accounts and regions by their ARN."""
    functions = boto3.client("lambda", config=CONFIG)
    return [_tried(functions.invoke, FunctionName=arn) for arn in arns]


def get(paths: list[str], host: str = "localhost") -> dict[str, int]:
    """The status of each path, asked for without a signature."""
    return {path: _status(path, host) for path in paths}


def _status(path: str, host: str) -> int:
    with socket.create_connection(("127.0.0.1", endpoint_port())) as sock:
        sock.settimeout(20)
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        sock.sendall(request.encode())
        return int(sock.recv(4096).split(b" ")[1])

"""How a refusal looks on the wire, in the protocol of whoever is refused.

Status, spelling (`message` or `Message`) and members in headers (`Retry-After`) follow the
service's model where it knows the error; a service that we have not built still answers in a
form that its SDK reads.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson
from botocore.model import ServiceModel, StructureShape

from stoker.api.codec import Response
from stoker.core.cbor import encode
from stoker.core.errors import ServiceError
from stoker.core.invocation import RequestId
from stoker.http.base import Headers


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a caller wants to be answered."""

    protocol: str  # botocore's name
    json_version: str = "1.0"
    model: ServiceModel | None = None  # of a service that we build


def render(error: ServiceError, dialect: Dialect, request_id: RequestId) -> Response:
    shape = dialect.model.shape_for_error_code(error.code) if dialect.model else None
    status = _status(error, shape, dialect)
    headers, members = _members(error, shape, status)
    match dialect.protocol:
        case "json":
            content_type = f"application/x-amz-json-{dialect.json_version}"
            body = orjson.dumps({"__type": _type(error, dialect), **members})
            headers += _older_name(error, dialect, status)
        case "smithy-rpc-v2-cbor":
            headers.append(("smithy-protocol", "rpc-v2-cbor"))
            headers += _older_name(error, dialect, status)
            content_type = "application/cbor"
            body = encode({"__type": error.code, **members})
        case "query" | "rest-xml" | "ec2":
            content_type = "text/xml"
            body = _xml(error, status, dialect.protocol, request_id)
        case _:
            content_type = "application/json"
            body = orjson.dumps(members)
    headers += [
        ("Content-Type", content_type),
        ("x-amzn-ErrorType", error.code),
        ("x-amzn-RequestId", request_id),
    ]
    return Response(status, headers, body)


def _older_name(error: ServiceError, dialect: Dialect, status: int) -> Headers:
    """What the query protocol calls it, of services that spoke that first."""
    if dialect.model is None or "awsQueryCompatible" not in dialect.model.metadata:
        return []
    fault = "Sender" if status < 500 else "Receiver"
    return [("x-amzn-query-error", f"{error.query_code};{fault}")]


def _type(error: ServiceError, dialect: Dialect) -> str:
    if dialect.model is not None and dialect.model.service_name == "sqs":
        return f"com.amazonaws.sqs#{error.code}"
    return error.code


def _status(error: ServiceError, shape: StructureShape | None, dialect: Dialect) -> int:
    """The same error may have another status in another service's model."""
    if shape is None:
        return error.status
    status: int | None = shape.metadata.get("error", {}).get("httpStatusCode")
    if status is not None:
        return status
    return 400 if dialect.protocol == "json" and error.status < 500 else error.status


def _members(
    error: ServiceError, shape: StructureShape | None, status: int
) -> tuple[Headers, dict[str, str]]:
    """What goes into headers, and what into the body."""
    members = shape.members if shape else {}
    body: dict[str, str] = {}
    if "Type" in members:
        body["Type"] = "User" if status < 500 else "Service"
    # AWS's IAM layer, too, says "Message".
    capital = "Message" in members or error.code == "AccessDeniedException"
    body["Message" if capital else "message"] = error.message
    headers: Headers = []
    for name, value in error.fields.items():
        serialization = members[name].serialization if name in members else {}
        if serialization.get("location") == "header":
            headers.append((serialization.get("name", name), value))
        else:
            body[serialization.get("name", name)] = value
    return headers, body


_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML


def _xml(error: ServiceError, status: int, protocol: str, request_id: RequestId) -> bytes:
    code, message = escape(error.query_code), escape(_UNSPEAKABLE.sub("?", error.message))
    if protocol == "ec2":
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            f"</Errors><RequestID>{request_id}</RequestID></Response>"
        )
    else:
        kind = "Sender" if status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()

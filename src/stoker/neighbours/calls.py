"""Our own calls to AWS's other services: operations as botocore's models describe them."""

import asyncio
import io
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlencode

import botocore.auth
import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ServiceModel

from stoker.core.neighbours import ACCOUNT, Headers
from stoker.neighbours.neighbours import Answer, Unreachable, whole

ANSWER_BYTES = 10 * 1024**2
LARGE_BYTES = 64 * 1024  # reading that holds up nobody else


class Refused(Exception):
    """The service's error, by its code and in its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Reachable(Protocol):
    """Where calls go: Neighbours, or this server's own front door (api/inward.py)."""

    def is_embedded(self, service: str) -> bool: ...

    def endpoint(self, service: str) -> str: ...

    def ask(
        self, service: str, method: str, target: str, headers: Headers, body: bytes
    ) -> AbstractAsyncContextManager[Answer]: ...


async def call(
    neighbours: Reachable, service: str, operation: str, parameters: dict[str, Any], *,
    account: str, region: str, most: int = ANSWER_BYTES, credentials: Credentials | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What `service` (botocore's name) answers, as boto3 would show it, a streamed body as bytes.

    An embedded service believes that `account` asks. To a configured endpoint the call is signed
    with these `credentials`, or else those that the server itself was started with (environment,
    ~/.aws).
    Raises Refused; Unreachable also for an answer of more than `most` bytes.
    """
    model = await asyncio.to_thread(model_of, service)
    asked = model.operation_model(operation)
    protocol = model.resolved_protocol
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    made = serializer.serialize_to_request(parameters, asked)  # the service knows what is legal
    target = made["url_path"]
    if made["query_string"]:
        query = made["query_string"]
        target += "?" + (query if isinstance(query, str) else urlencode(query, doseq=True))
    signing_name = model.signing_name
    embedded = neighbours.is_embedded(signing_name)
    if embedded:
        credentials = Credentials(account, "any")
    elif credentials is None:
        credentials = await asyncio.to_thread(_own_credentials)
    base = neighbours.endpoint(signing_name)
    body = made["body"]
    if isinstance(body, dict):  # of the query protocol
        body = urlencode(body)
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    request = AWSRequest(made["method"], base + target, dict(made["headers"]), body)
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    kind(credentials, signing_name, region).add_auth(request)
    headers = [(name, str(value)) for name, value in request.headers.items()]
    if embedded:
        headers.append((ACCOUNT, account))
    async with neighbours.ask(signing_name, request.method, target, headers, body) as answer:
        try:
            found = await whole(answer.body, most)
        except OverflowError:
            raise Unreachable(f"{service}: the answer has more than {most} bytes") from None
        status, said = answer.status, dict(answer.headers)
    streamed = asked.has_streaming_output and status < 300
    told = {
        "status_code": status,
        "headers": HeadersDict(said),
        "body": io.BytesIO(found) if streamed else found,  # or it would be decoded as text
    }
    parse = botocore.parsers.create_parser(protocol).parse
    parsed: dict[str, Any]
    if len(found) > LARGE_BYTES and not streamed:
        parsed = await asyncio.to_thread(parse, told, asked.output_shape)
    else:
        parsed = parse(told, asked.output_shape)
    if status >= 300:
        error = parsed.get("Error", {})
        raise Refused(str(error.get("Code", status)), str(error.get("Message", "")))
    if streamed:
        assert asked.output_shape is not None
        parsed[asked.output_shape.serialization["payload"]] = found
    return parsed


@cache
def model_of(service: str) -> ServiceModel:
    """botocore's. Slow the first time."""
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def _own_credentials() -> Credentials:
    found = botocore.session.get_session().get_credentials()
    if found is None:
        raise Unreachable(
            "the server has no AWS credentials of its own to sign with (AWS_ACCESS_KEY_ID, ~/.aws)"
        )
    frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

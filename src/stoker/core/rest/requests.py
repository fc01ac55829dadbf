"""One request to a REST API: what of it functions, authorizers and templates see.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stoker.core.proxy_events import HOP, Signer, clean, log_time, query_parameters
from stoker.core.rest.routing import Route

_AS_WRITTEN = {"etag": "ETag", "dnt": "DNT", "te": "TE", "www-authenticate": "WWW-Authenticate"}
# In requestContext.identity, null where nobody has signed.
_IDENTITY = (
    *("cognitoIdentityPoolId", "cognitoIdentityId", "principalOrgId"),
    *("cognitoAuthenticationType", "cognitoAuthenticationProvider"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a request arrived."""

    account: str
    region: str
    api_id: str
    name: str
    deployment_id: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Incoming:
    method: str
    path: str  # below the stage, percent-encoded
    shown_path: str  # as requestContext has it
    query: str
    headers: Mapping[str, str]  # lower case
    body: bytes
    peer: str
    domain: str
    request_id: str
    extended_id: str
    now: float  # seconds of the epoch
    trace: str  # its root
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has found its method."""

    stage: Stage
    incoming: Incoming
    route: Route
    authorizer: Mapping[str, Any] | None = None  # what it found
    api_key: tuple[str, str] | None = None  # its value, and ID
    query: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def method_arn(self) -> str:
        return method_arn(self.stage, self.incoming.method, self.incoming.path)

    @property
    def sources(self) -> tuple[str, ...]:
        """ARNs by which a function's policy may name this method: by the path of its resource,
        and by the path that was asked for."""
        resource = self.route.resource["path"]
        name = self.route.method["httpMethod"]
        method = "*" if name == "ANY" else name
        named = [
            method_arn(self.stage, one, resource)
            for one in dict.fromkeys((method, self.incoming.method))
        ]
        return tuple(dict.fromkeys((*named, self.method_arn)))

    @property
    def parameters(self) -> dict[str, dict[str, str]]:
        """As mappings and templates name them. Of several values it is the last."""
        return {
            "path": dict(self.route.parameters),
            "querystring": {name: values[-1] for name, values in self.query.items()},
            "header": shown_headers(self.incoming),
        }


def method_arn(stage: Stage, method: str, path: str) -> str:
    return (
        f"arn:aws:execute-api:{stage.region}:{stage.account}:{stage.api_id}/{stage.name}/{method}/"
        f"{path.strip('/')}"
    )


def asked(stage: Stage, incoming: Incoming, route: Route) -> Asked:
    return Asked(stage, incoming, route, query=query_parameters(incoming.query))


def shown_headers(incoming: Incoming) -> dict[str, str]:
    """Written as HTTP/1.1 clients write them: how this one did is not known any more. With what a
    proxy adds."""
    headers = {
        _written(name): clean(value) for name, value in incoming.headers.items() if name not in HOP
    }
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {incoming.peer}" if before else incoming.peer
    headers["X-Forwarded-Proto"] = "http"
    port = headers.get("Host", "").rpartition(":")[2]
    headers["X-Forwarded-Port"] = port if port.isdecimal() else "80"  # a name alone says none
    headers["X-Amzn-Trace-Id"] = incoming.trace
    return headers


def _written(name: str) -> str:
    return _AS_WRITTEN.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def context(asked: Asked) -> dict[str, Any]:
    """$context, and requestContext of events."""
    stage, incoming, resource = asked.stage, asked.incoming, asked.route.resource
    found = {
        "resourceId": resource["id"],
        "resourcePath": resource["path"],
        "operationName": asked.route.method.get("operationName"),
        "httpMethod": incoming.method,
        "extendedRequestId": incoming.extended_id,
        "requestTime": log_time(incoming.now),
        "path": incoming.shown_path,
        "accountId": stage.account,
        "protocol": "HTTP/1.1",
        "stage": stage.name,
        "domainPrefix": incoming.domain.partition(".")[0],
        "requestTimeEpoch": int(incoming.now * 1000),
        "requestId": incoming.request_id,
        "identity": _identity(asked),
        "domainName": incoming.domain,
        "deploymentId": stage.deployment_id,
        "apiId": stage.api_id,
    }
    if found["operationName"] is None:
        del found["operationName"]
    if asked.authorizer is not None:
        found["authorizer"] = dict(asked.authorizer)
    return found


def _identity(asked: Asked) -> dict[str, Any]:
    signer = asked.incoming.signer
    identity: dict[str, Any] = {
        **dict.fromkeys(_IDENTITY),
        "accountId": signer.account if signer else None,
        "caller": clean(signer.access_key) if signer else None,
        "sourceIp": asked.incoming.peer,
        "accessKey": clean(signer.access_key) if signer else None,
        "userArn": signer.arn if signer else None,
        "userAgent": clean(asked.incoming.headers.get("user-agent", "")) or None,
        "user": clean(signer.access_key) if signer else None,
    }
    if asked.api_key is not None:
        identity |= {"apiKey": clean(asked.api_key[0]), "apiKeyId": asked.api_key[1]}
    return identity


def described(asked: Asked) -> dict[str, Any]:
    """All but the body: what a function and a REQUEST authorizer get alike."""
    headers = shown_headers(asked.incoming)
    return {
        "resource": asked.route.resource["path"],
        "path": clean(asked.incoming.path) or "/",
        "httpMethod": asked.incoming.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: found[-1] for name, found in asked.query.items()} or None,
        "multiValueQueryStringParameters": dict(asked.query) or None,
        "pathParameters": {k: clean(v) for k, v in asked.route.parameters.items()} or None,
        "stageVariables": dict(asked.stage.variables) or None,
        "requestContext": context(asked),
    }


def proxy_event(asked: Asked, *, binary: bool) -> dict[str, Any]:
    """AWS_PROXY: payload format 1.0. `binary`: the body is of a binary media type."""
    body, encoded = body_of(asked.incoming.body, binary=binary)
    return {**described(asked), "body": body, "isBase64Encoded": encoded}


def body_of(body: bytes, *, binary: bool) -> tuple[str | None, bool]:
    if not body:
        return None, False
    if binary:
        return base64.b64encode(body).decode(), True
    return body.decode("utf-8", "replace"), False


def media_type(header: str) -> str:
    return header.partition(",")[0].partition(";")[0].strip().lower()


def is_binary(kind: str, types: list[str]) -> bool:
    """Whether a media type is one of these; "*/*" and "image/*" take many."""
    for one in types:
        wanted = one.lower()
        if wanted in ("*/*", kind) or (wanted.endswith("/*") and kind.startswith(wanted[:-1])):
            return True
    return False

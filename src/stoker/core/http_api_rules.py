"""What may be in an HTTP API: routes, integrations, authorizers, stages, as AWS's API takes them.

What AWS has and Stoker has not is refused by its name (501), so that nobody finds out later.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.core.errors import BadRequestException, NotImplementedException
from stoker.core.function_uris import is_function_uri
from stoker.core.http_routes import METHODS, read_key
from stoker.core.http_uris import is_proxy_uri
from stoker.core.limits import TAGS

Record = Mapping[str, Any]
PROTOCOL = "HTTP"
KEY_LENGTH = 1024  # ours
# AWS: "Quotas for configuring and running an HTTP API".
SCOPES = 10  # of a route
AUDIENCES = 50  # of an authorizer
VARIABLES = 100  # of a stage
IDENTITY_SOURCES = 10  # ours
FORMATS = ("1.0", "2.0")
_STAGE = re.compile(r"\$default|[a-zA-Z0-9_-]{1,128}", re.ASCII)
_JWT_SOURCE = re.compile(r"\$request\.(header|querystring)\.[^\s]{1,128}", re.ASCII)
_SOURCE = re.compile(
    r"\$(request\.(header|querystring)|context|stageVariables)\.[^\s]{1,128}", re.ASCII
)
_ISSUER = re.compile(r"https?://[^\s?#/]+[^\s?#]*", re.ASCII)
_WEBSOCKET = (
    "modelSelectionExpression",
    "requestModels",
    "requestParameters",
    "routeResponseSelectionExpression",
)
KINDS = {"CUSTOM": "REQUEST", "JWT": "JWT"}  # of authorization, and of its authorizer


def check_protocol(record: Record) -> None:
    if record.get("protocolType") != PROTOCOL:
        raise _missing("WebSocket APIs")


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS:
        raise BadRequestException(f"A resource can have {TAGS} tags")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or len(value) > 256:
            raise BadRequestException("A tag's key has 1 to 128 characters, its value 256 at most")
        if name.lower().startswith("aws:"):
            raise BadRequestException("Tags that begin with aws: are AWS's own")


def check_name(record: Record) -> None:
    if not record["name"]:
        raise BadRequestException("name must not be empty")


def check_route(record: Record, integrations: Record, authorizers: Record) -> None:
    key = record["routeKey"]
    if len(key) > KEY_LENGTH or read_key("", key) is None:
        raise BadRequestException(
            "The provided route key is not formatted properly for HTTP protocol. Format should be "
            '"<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
        )
    for name in _WEBSOCKET:
        if record.get(name):
            raise BadRequestException(f"{name} is not supported for HTTP protocol Apis")
    target = record.get("target")
    if target is not None:
        kind, _, id = target.partition("/")
        if kind != "integrations" or id not in integrations:
            raise BadRequestException(f"Invalid target: '{target}' names no integration")
    authorization = record.get("authorizationType", "NONE")
    wanted, id = KINDS.get(authorization), record.get("authorizerId") or ""
    if wanted is None:
        if id:
            raise BadRequestException(f"AuthorizationType {authorization} takes no AuthorizerId")
    elif id not in authorizers or authorizers[id]["authorizerType"] != wanted:
        raise BadRequestException(
            f"AuthorizationType {authorization} needs the AuthorizerId of a {wanted} authorizer"
        )
    scopes = record.get("authorizationScopes") or ()
    if scopes and authorization != "JWT":
        raise BadRequestException("AuthorizationScopes need a JWT authorizer")
    if len(scopes) > SCOPES:
        raise BadRequestException(f"A route can have {SCOPES} AuthorizationScopes")


def check_integration(record: Record) -> None:
    kind = record["integrationType"]
    if kind not in ("AWS_PROXY", "HTTP_PROXY"):
        raise BadRequestException(f"IntegrationType {kind} is not supported for HTTP protocol Apis")
    if record.get("integrationSubtype"):
        raise _missing(f"integrations with IntegrationSubtype ({record['integrationSubtype']})")
    if record.get("connectionType", "INTERNET") != "INTERNET" or record.get("connectionId"):
        raise _missing("VPC links")
    for name in ("requestParameters", "responseParameters"):
        if record.get(name):
            raise _missing(f"parameter mapping ({name})")
    if kind == "HTTP_PROXY":
        _check_proxy(record)
    elif not is_function_uri(record.get("integrationUri") or ""):
        raise BadRequestException(
            "IntegrationUri must be a function's ARN, or arn:aws:apigateway:REGION:lambda:path/"
            "2015-03-31/functions/ARN/invocations"
        )
    if record.get("payloadFormatVersion", "1.0") not in FORMATS:
        raise BadRequestException("PayloadFormatVersion must be 1.0 or 2.0")


def _check_proxy(record: Record) -> None:
    if not is_proxy_uri(record.get("integrationUri") or ""):
        raise BadRequestException("IntegrationUri must be an http or https address")
    if record.get("integrationMethod") not in METHODS:
        raise BadRequestException("HTTP_PROXY needs an IntegrationMethod: ANY, or one of HTTP's")
    if record.get("payloadFormatVersion", "1.0") != "1.0":
        raise BadRequestException("PayloadFormatVersion of HTTP_PROXY is 1.0")


def check_authorizer(record: Record) -> None:
    check_name(record)
    sources: Sequence[str] = record.get("identitySource") or []
    if len(sources) > IDENTITY_SOURCES:
        raise BadRequestException(f"An authorizer can have {IDENTITY_SOURCES} identity sources")
    if record["authorizerType"] == "JWT":
        told = record.get("jwtConfiguration") or {}
        if len(sources) != 1 or _JWT_SOURCE.fullmatch(sources[0]) is None:
            raise BadRequestException(
                "A JWT authorizer has one IdentitySource: $request.header.NAME or "
                "$request.querystring.NAME"
            )
        if _ISSUER.fullmatch(told.get("issuer", "")) is None:
            raise BadRequestException("Invalid issuer: it must be the address of an OIDC issuer")
        if not 1 <= len(told.get("audience") or ()) <= AUDIENCES:
            raise BadRequestException(f"A JWT authorizer has 1 to {AUDIENCES} audiences")
        return
    bad = [one for one in sources if _SOURCE.fullmatch(one) is None]
    if bad:
        raise BadRequestException(f"Invalid mapping expression specified: {bad[0]}")
    if not is_function_uri(record.get("authorizerUri") or ""):
        raise BadRequestException("AuthorizerUri must name a function")
    version = record.get("authorizerPayloadFormatVersion")
    if version not in FORMATS:
        raise BadRequestException(
            "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer: "
            "1.0 or 2.0"
        )
    if record.get("enableSimpleResponses") and version != "2.0":
        raise BadRequestException("EnableSimpleResponses needs AuthorizerPayloadFormatVersion 2.0")
    if record.get("authorizerResultTtlInSeconds") and not sources:
        raise BadRequestException("Results cannot be cached without an IdentitySource")


def check_stage(name: str, record: Record, deployments: Record) -> None:
    check_tags(record["tags"])
    if _STAGE.fullmatch(name) is None:
        raise BadRequestException(
            "Stage name only allows a-zA-Z0-9_- characters, or it must be $default"
        )
    id = record.get("deploymentId")
    if id is not None and id not in deployments:
        raise BadRequestException("Invalid deployment identifier specified")
    if len(record.get("stageVariables") or {}) > VARIABLES:
        raise BadRequestException(f"A stage can have {VARIABLES} variables")


def _missing(what: str) -> NotImplementedException:
    return NotImplementedException(
        f"Stoker does not implement {what} of HTTP APIs yet. See docs/COMPATIBILITY.md."
    )

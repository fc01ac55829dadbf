"""The events of HTTP APIs: for integrations and for Lambda authorizers, in formats 1.0 and 2.0.

The members follow AWS's developer guide ("Create AWS Lambda proxy integrations for HTTP APIs",
"Control access to HTTP APIs with AWS Lambda authorizers"). Names of headers are lower case in both.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from stoker.core.proxy_events import (
    Place,
    Request,
    body_of,
    clean,
    cookies,
    log_time,
    query_parameters,
    shown_headers,
    version_2,
)


def integration_event(
    version: str, request: Request, place: Place, *, request_id: str, now: float
) -> dict[str, object]:
    """`now`: seconds of the epoch."""
    if version == "2.0":
        return version_2(request, place, _headers(request), request_id=request_id, now=now)
    body, encoded = body_of(request)
    return {
        **_version_1(request, place, request_id, now),
        "body": body if request.body else None,
        "isBase64Encoded": encoded,
    }


def authorizer_event(
    version: str, request: Request, place: Place, identity: list[str], arn: str, *,
    request_id: str, now: float,
) -> dict[str, object]:  # fmt: skip
    """`identity`: the values of its sources. `arn`: what access is asked for."""
    request = replace(request, body=b"")  # no authorizer sees it
    if version == "1.0":
        joined = ",".join(identity)
        told = {"type": "REQUEST", "methodArn": arn}
        if identity:
            told |= {"identitySource": joined, "authorizationToken": joined}
        return {**_version_1(request, place, request_id, now), **told}
    found = version_2(request, place, _headers(request), request_id=request_id, now=now)
    del found["isBase64Encoded"]
    return {**found, "type": "REQUEST", "routeArn": arn, "identitySource": identity or None}


def identity(
    sources: tuple[str, ...], request: Request, place: Place, facts: Mapping[str, str]
) -> list[str] | None:
    """What the request has of an authorizer's identity sources. None: not all that are needed.
    `facts`: what $context can say."""
    query = query_parameters(request.target.partition("?")[2])
    found = []
    for source in sources:
        kind, _, name = source.partition(".")
        if kind == "$request":
            kind, _, name = name.partition(".")
        match kind:
            case "header":
                value = request.headers.get(name.lower(), "")
            case "querystring":
                value = ",".join(query.get(name, ()))
            case "$stageVariables":
                value = place.variables.get(name, "")
            case _:
                value = facts.get(name, "")
        if not value:
            return None
        found.append(clean(value))
    return found


def facts(request: Request, place: Place, request_id: str) -> dict[str, str]:
    """$context, as far as identity sources can name it here."""
    path = request.target.partition("?")[0]
    return {
        "accountId": place.account,
        "apiId": place.id,
        "domainName": place.domain,
        "httpMethod": request.method,
        "identity.sourceIp": request.peer,
        "identity.userAgent": request.headers.get("user-agent", ""),
        "path": path,
        "requestId": request_id,
        "routeKey": place.route_key,
        "stage": place.stage,
    }


def _headers(request: Request) -> dict[str, str]:
    headers = shown_headers(request, without=("cookie",))
    headers["content-length"] = str(len(request.body))
    return headers


def _version_1(request: Request, place: Place, request_id: str, now: float) -> dict[str, object]:
    path, _, query = request.target.partition("?")
    headers = _headers(request)
    if crumbs := cookies(request):
        headers["cookie"] = "; ".join(crumbs)
    several = query_parameters(query)
    resource = place.route_key.partition(" ")[2] or place.route_key
    return {
        "version": "1.0",
        "resource": resource,
        "path": clean(unquote(path)),
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: them[-1] for name, them in several.items()} or None,
        "multiValueQueryStringParameters": several or None,
        "requestContext": _context_1(request, place, path, request_id, now),
        "pathParameters": place.parameters or None,
        "stageVariables": place.variables or None,
    }


def _authorizer_1(place: Place) -> dict[str, Any]:
    """Without a name of its kind around it; who signed is in `identity`."""
    found = place.authorizer or {}
    told = {**found.get("jwt", {}), **(found.get("lambda") or {})}
    return {**told, "principalId": place.principal} if place.principal else told


def _context_1(
    request: Request, place: Place, path: str, request_id: str, now: float
) -> dict[str, Any]:
    signer = request.signer
    return {
        "accountId": place.account,
        "apiId": place.id,
        "authorizer": _authorizer_1(place),
        "domainName": place.domain,
        "domainPrefix": place.domain.partition(".")[0],
        "extendedRequestId": request_id,
        "httpMethod": request.method,
        "identity": {
            "accessKey": None if signer is None else clean(signer.access_key),
            "accountId": None if signer is None else signer.account,
            "caller": None if signer is None else clean(signer.access_key),
            "cognitoAmr": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": request.peer,
            "user": None if signer is None else clean(signer.access_key),
            "userAgent": clean(request.headers.get("user-agent", "")),
            "userArn": None if signer is None else signer.arn,
        },
        "path": clean(unquote(path)),
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": log_time(now),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": place.route_key,
        "resourcePath": place.route_key.partition(" ")[2] or place.route_key,
        "stage": place.stage,
    }

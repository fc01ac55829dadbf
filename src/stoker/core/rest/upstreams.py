"""What an integration of a REST API asks, where that is no function: another server, or one of
AWS's services with the rights of the integration's role. Pure.

    https://backend.example/base/{id}?q=1                    HTTP, HTTP_PROXY
    arn:aws:apigateway:REGION:SERVICE:action/StartExecution  AWS: an operation
    arn:aws:apigateway:REGION:SERVICE:path/bucket/{key}      AWS: an HTTP request

Variables in braces are those of `requestParameters`; stage variables may be anywhere. Sources:
"Set up HTTP integrations" and PutIntegration (uri, credentials) of API Gateway's documentation;
how an operation is asked for is what botocore's models say of the services (July 2026).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from stoker.core import http_proxies
from stoker.core.http_proxies import CannotProxy
from stoker.core.http_uris import PATH_VARIABLE, STAGE_VARIABLE, is_address
from stoker.core.rest import mappings
from stoker.core.rest.requests import Asked
from stoker.core.url_answers import header_name, header_value

Doc = Mapping[str, Any]
QUERY = "application/x-www-form-urlencoded"
ANY = "ANY"
_SERVICE_URI = re.compile(
    r"arn:aws[a-z-]*:apigateway:(?P<region>[a-z0-9-]+):(?:[\w-]+\.)?(?P<service>[a-z0-9-]+):"
    r"(?P<how>path|action)/(?P<what>.*)",
    re.ASCII,
)
_ACTION = re.compile(r"[A-Za-z0-9]{1,128}", re.ASCII)
# Neither a mapping's to say nor a template's: Via tells that a request comes from an API.
_OWN = frozenset({"content-length", "transfer-encoding", "connection", "via"})
_RESERVED = "/_"  # begins what a server has beside AWS's API: its pages, the users' addresses


@dataclass(frozen=True, slots=True)
class Service:
    """How an operation of it is asked for: with a target's prefix and a version of JSON, or, where
    there is no prefix, in the query protocol of that version of the API."""

    signing_name: str
    prefix: str
    version: str


SERVICES = {
    "dynamodb": Service("dynamodb", "DynamoDB_20120810", "1.0"),
    "events": Service("events", "AWSEvents", "1.1"),
    "firehose": Service("firehose", "Firehose_20150804", "1.1"),
    "kinesis": Service("kinesis", "Kinesis_20131202", "1.1"),
    "logs": Service("logs", "Logs_20140328", "1.1"),
    "s3": Service("s3", "", ""),
    "secretsmanager": Service("secretsmanager", "secretsmanager", "1.1"),
    "sns": Service("sns", "", "2010-03-31"),
    "sqs": Service("sqs", "", "2012-11-05"),
    "ssm": Service("ssm", "AmazonSSM", "1.1"),
    "states": Service("states", "AWSStepFunctions", "1.0"),
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A request, without its body."""

    method: str
    target: str  # a URL; of a service the path and the query
    headers: dict[str, str]
    service: Service | None = None
    region: str = ""


def of_aws(uri: str) -> str | None:
    """The service that an AWS integration is with, by the name in its URI; None: it has no such."""
    found = _SERVICE_URI.fullmatch(uri)
    return found["service"] if found else None


def to_server(asked: Asked, integration: Doc, known: Doc, *, proxy: bool) -> Upstream:
    """Raise CannotProxy, url_answers.BadAnswer (of a header)."""
    uri = _filled(asked, integration, known)
    if not is_address(uri):
        raise CannotProxy("with these variables the URI is no address")
    headers = _headers(integration, known)
    if proxy:
        passed = http_proxies.passed_headers(
            asked.incoming.headers, asked.stage.api_id, asked.incoming.peer
        )
        headers = {**passed, **headers}
    else:
        headers = {**http_proxies.mark(asked.incoming.headers, asked.stage.api_id), **headers}
        headers.setdefault("user-agent", f"AmazonAPIGateway_{asked.stage.api_id}")
        headers.setdefault("accept", "application/json")
    given = dict(asked.query) if proxy else {}
    return Upstream(_method(asked, integration), _queried(uri, integration, known, given), headers)


def to_aws(asked: Asked, integration: Doc, known: Doc) -> Upstream:
    """Of a service that is in SERVICES. Raise CannotProxy, url_answers.BadAnswer."""
    uri = _filled(asked, integration, known)
    found = _SERVICE_URI.fullmatch(uri)
    if found is None or found["service"] not in SERVICES:
        raise CannotProxy("with these variables the URI names no service")
    service, region = SERVICES[found["service"]], found["region"]
    headers = _headers(integration, known)
    method = _method(asked, integration)
    if found["how"] == "path":
        if service.version and not service.prefix:
            headers.setdefault("content-type", QUERY)
        target = _queried("/" + found["what"].lstrip("/"), integration, known, {})
        if target.startswith(_RESERVED):
            raise CannotProxy(f"{found['service']} has nothing below {_RESERVED}")
        return Upstream(method, target, headers, service, region)
    action, _, more = found["what"].partition("&")
    if not _ACTION.fullmatch(action) or not service.version:
        raise CannotProxy(f"{found['service']} has no action {action[:128]!r}")
    if service.prefix:
        headers["x-amz-target"] = f"{service.prefix}.{action}"
        headers["content-type"] = f"application/x-amz-json-{service.version}"
        return Upstream("POST", "/", headers, service, region)
    headers.setdefault("content-type", QUERY)
    target = f"/?Action={action}&Version={service.version}" + (f"&{more}" if more else "")
    return Upstream(method, _queried(target, integration, known, {}), headers, service, region)


def overridden(to: Upstream, headers: Doc) -> Upstream:
    """With the headers that a template has set. Raise url_answers.BadAnswer."""
    return replace(to, headers=to.headers | _said(headers))


def account_of(asked: Asked, integration: Doc) -> str:
    """With whose rights a service is asked. Raise CannotProxy."""
    role, own = str(integration.get("credentials")), asked.stage.account
    if role.endswith(":user/*"):  # the caller's, who is of the account
        if asked.incoming.signer is None:
            raise CannotProxy("nobody signed whose rights the integration could have")
    elif role.split(":")[4:5] != [own]:
        raise CannotProxy(f"{role} is not a role of account {own}")
    return own


def _method(asked: Asked, integration: Doc) -> str:
    said = str(integration.get("httpMethod") or ANY)
    return asked.incoming.method if said == ANY else said


def _filled(asked: Asked, integration: Doc, known: Doc) -> str:
    """The URI with its variables."""
    stage, values = asked.stage.variables, mappings.requested(integration, "path", known)
    sources = integration.get("requestParameters") or {}
    greedy = str(asked.route.resource["path"]).rpartition("/")[2]

    def of_path(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise CannotProxy(f"integration.request.path.{name} has no value")
        source = str(sources.get(f"integration.request.path.{name}"))
        is_greedy = greedy == "{" + source.rpartition(".")[2] + "+}"
        return http_proxies.path_value(values[name], greedy=is_greedy)

    uri = STAGE_VARIABLE.sub(lambda found: stage.get(found[1], ""), str(integration.get("uri")))
    return PATH_VARIABLE.sub(of_path, uri)


def _headers(integration: Doc, known: Doc) -> dict[str, str]:
    return _said(mappings.requested(integration, "header", known))


def _said(named: Doc) -> dict[str, str]:
    return {
        header_name(name).lower(): header_value(name, str(value))
        for name, value in named.items()
        if name.lower() not in _OWN
    }


def _queried(target: str, integration: Doc, known: Doc, given: dict[str, list[str]]) -> str:
    """With the query that came, and what is mapped in the place of what came."""
    query: dict[str, Any] = {**given, **mappings.requested(integration, "querystring", known)}
    said = urlencode(query, doseq=True, quote_via=quote)
    if not said:
        return target
    return f"{target}{'&' if '?' in target else '?'}{said}"

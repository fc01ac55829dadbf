"""What API Gateway itself answers, when no integration does: statuses, bodies, and how an API has
changed them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.core.url_answers import BadAnswer, header_name, header_value

DEFAULT_BODY = '{"message":$context.error.messageString}'
STATUSES: dict[str, str] = {
    "ACCESS_DENIED": "403",
    "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400",
    "BAD_REQUEST_PARAMETERS": "400",
    "DEFAULT_4XX": "",
    "DEFAULT_5XX": "",
    "EXPIRED_TOKEN": "403",
    "INTEGRATION_FAILURE": "504",
    "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "403",
    "INVALID_SIGNATURE": "403",
    "MISSING_AUTHENTICATION_TOKEN": "403",
    "QUOTA_EXCEEDED": "429",
    "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404",
    "THROTTLED": "429",
    "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415",
    "WAF_FILTERED": "403",
}
_VARIABLE = re.compile(
    r"\$(context|stageVariables)\.([\w.-]+)|\$\{stageVariables\.(\w+)\}", re.ASCII
)


class Refused(Exception):
    """The gateway answers itself: a gateway response."""

    def __init__(
        self, kind: str, message: str | None, error: str, status: int | None = None
    ) -> None:
        """`error`: in x-amzn-ErrorType. `status`: instead of the kind's own."""
        super().__init__(message or kind)
        self.kind = kind
        self.message = message
        self.error = error
        self.status = status or int(STATUSES[kind])

    @property
    def body(self) -> str:
        """AWS has a capital here (and only here), unless the API says it otherwise."""
        capital = self.kind == "ACCESS_DENIED"
        return DEFAULT_BODY.replace("message", "Message", 1) if capital else DEFAULT_BODY


@dataclass(frozen=True, slots=True)
class Shown:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def missing_token() -> Refused:
    """Also of a path that there is not."""
    return Refused(
        "MISSING_AUTHENTICATION_TOKEN",
        "Missing Authentication Token",
        "MissingAuthenticationTokenException",
    )


def forbidden(kind: str = "INVALID_API_KEY") -> Refused:
    return Refused(kind, "Forbidden", "ForbiddenException")


def unauthorized() -> Refused:
    return Refused("UNAUTHORIZED", "Unauthorized", "UnauthorizedException")


def failed(status: int = 500) -> Refused:
    """500: how the API is set up; 502: what its function answers."""
    return Refused(
        "API_CONFIGURATION_ERROR" if status == 500 else "DEFAULT_5XX",
        "Internal server error",
        "InternalServerErrorException",
        status,
    )


def by_default(kind: str) -> dict[str, Any]:
    status = STATUSES[kind]
    return {
        "responseType": kind,
        **({"statusCode": status} if status else {}),
        "responseParameters": {},
        "responseTemplates": {"application/json": DEFAULT_BODY},
        "defaultResponse": True,
    }


def shown(
    refused: Refused,
    own: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any],
    request: Mapping[str, Mapping[str, str]],
) -> Shown:
    """`own`: the API's gateway responses. `values`: "context" and "stageVariables". `request`: of
    "header", "querystring" and "path", where headers may come from."""
    general = "DEFAULT_4XX" if refused.status < 500 else "DEFAULT_5XX"
    kind = own.get(refused.kind) or own.get(general) or {}
    message = orjson.dumps(refused.message).decode()
    context = {
        **values.get("context", {}),
        "error": {
            "message": refused.message or "",
            "messageString": message,
            "responseType": refused.kind,
        },
    }
    known = {"context": context, "stageVariables": values.get("stageVariables", {})}
    templates = kind.get("responseTemplates") or {"application/json": refused.body}
    content_type, template = _chosen(templates, request.get("header", {}).get("accept", ""))
    headers = [("Content-Type", content_type), ("x-amzn-ErrorType", refused.error)]
    for target, source in (kind.get("responseParameters") or {}).items():
        place, _, name = target.removeprefix("gatewayresponse.").partition(".")
        value = _valued(source, known, request)
        if place == "header" and value is not None:
            try:
                header = (header_name(name), header_value(name, value))
            except BadAnswer:
                continue
            headers = [one for one in headers if one[0].lower() != name.lower()]
            headers.append(header)
    own_status = str(kind.get("statusCode") or "")
    status = int(own_status) if re.fullmatch(r"[2-5]\d\d", own_status) else refused.status
    return Shown(status, headers, _filled(template, known).encode("utf-8", "replace"))


def _chosen(templates: Mapping[str, str], accept: str) -> tuple[str, str]:
    for kind in (accept.partition(",")[0].partition(";")[0].strip(), "application/json"):
        if kind in templates:
            return kind, templates[kind]
    return next(iter(templates.items()))


def _valued(
    source: str, known: Mapping[str, Any], request: Mapping[str, Mapping[str, str]]
) -> str | None:
    if len(source) >= 2 and source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    if source.startswith("method.request."):
        place, _, name = source.removeprefix("method.request.").partition(".")
        return request.get(place, {}).get(name.lower() if place == "header" else name)
    found = _at(known, source)
    return None if found is None else str(found)


def _filled(template: str, known: Mapping[str, Any]) -> str:
    """Variables are put in, and nothing else is carried out: no mapping template."""

    def value(found: re.Match[str]) -> str:
        path = f"stageVariables.{found[3]}" if found[3] else f"{found[1]}.{found[2]}"
        one = _at(known, path.rstrip("."))
        return ("" if one is None else str(one)) + "." * (len(path) - len(path.rstrip(".")))

    return _VARIABLE.sub(value, template)


def _at(known: Mapping[str, Any], path: str) -> Any:
    place: Any = known
    for name in path.split("."):
        if not isinstance(place, Mapping):
            return None
        place = place.get(name)
    return place if not isinstance(place, Mapping | list) else None

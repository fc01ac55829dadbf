"""Update… of REST APIs: patch operations on a record (JSON Patch, as API Gateway bends it).

    {"op": "replace", "path": "/variables/color", "value": "blue"}      a member, or a map's
    {"op": "add", "path": "/binaryMediaTypes/image~1png"}               an element: in the path
    {"op": "add", "path": "/authorizationScopes", "value": "read"}      or as the value

Values come as text; what each member is stands here, and nothing else can be changed.
https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stoker.core.errors import BadRequestException

Record = dict[str, Any]
Kind = Callable[[str], Any]


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


class Many:
    """A list of texts."""


class Named:
    """A map; of what."""

    def __init__(self, kind: Kind = str) -> None:
        self.kind = kind


Rules = Mapping[str, "Kind | Many | Named | Rules"]

LIST, TEXTS, FLAGS = Many(), Named(), Named(_flag)

REST_API: Rules = {
    **dict.fromkeys(("name", "description", "version", "policy", "apiKeySource"), str),
    "minimumCompressionSize": int,
    "binaryMediaTypes": LIST,
    "disableExecuteApiEndpoint": _flag,
    "endpointConfiguration": {"types": LIST, "vpcEndpointIds": LIST, "ipAddressType": str},
    "securityPolicy": str,
    "endpointAccessMode": str,
}
METHOD: Rules = {
    **dict.fromkeys(("authorizationType", "authorizerId", "requestValidatorId"), str),
    "operationName": str,
    "apiKeyRequired": _flag,
    "requestParameters": FLAGS,
    "requestModels": TEXTS,
    "authorizationScopes": LIST,
}
METHOD_RESPONSE: Rules = {"responseParameters": FLAGS, "responseModels": TEXTS}
INTEGRATION: Rules = {
    **dict.fromkeys(("type", "httpMethod", "uri", "connectionType", "connectionId"), str),
    **dict.fromkeys(("credentials", "passthroughBehavior", "contentHandling"), str),
    **dict.fromkeys(("cacheNamespace", "responseTransferMode"), str),
    "requestParameters": TEXTS,
    "requestTemplates": TEXTS,
    "timeoutInMillis": int,
    "cacheKeyParameters": LIST,
    "tlsConfig": {"insecureSkipVerification": _flag},
}
INTEGRATION_RESPONSE: Rules = {
    "selectionPattern": str,
    "contentHandling": str,
    "responseParameters": TEXTS,
    "responseTemplates": TEXTS,
}
DEPLOYMENT: Rules = {"description": str}
STAGE: Rules = {
    **dict.fromkeys(("deploymentId", "description", "cacheClusterSize"), str),
    **dict.fromkeys(("clientCertificateId", "documentationVersion"), str),
    "variables": TEXTS,
    "cacheClusterEnabled": _flag,
    "tracingEnabled": _flag,
    "accessLogSettings": {"destinationArn": str, "format": str},
    "canarySettings": {
        "percentTraffic": float,
        "deploymentId": str,
        "stageVariableOverrides": TEXTS,
        "useStageCache": _flag,
    },
}
AUTHORIZER: Rules = {
    **dict.fromkeys(("name", "type", "authType", "authorizerUri", "authorizerCredentials"), str),
    **dict.fromkeys(("identitySource", "identityValidationExpression"), str),
    "providerARNs": LIST,
    "authorizerResultTtlInSeconds": int,
}
MODEL: Rules = {"description": str, "schema": str}
VALIDATOR: Rules = {
    "name": str,
    "validateRequestBody": _flag,
    "validateRequestParameters": _flag,
}
GATEWAY_RESPONSE: Rules = {
    "statusCode": str,
    "responseParameters": TEXTS,
    "responseTemplates": TEXTS,
}
API_KEY: Rules = {
    **dict.fromkeys(("name", "description", "customerId"), str),
    "enabled": _flag,
}
USAGE_PLAN: Rules = {
    **dict.fromkeys(("name", "description", "productCode"), str),
    "throttle": {"rateLimit": float, "burstLimit": int},
    "quota": {"limit": int, "offset": int, "period": str},
}
ACCOUNT: Rules = {"cloudwatchRoleArn": str}
METHOD_SETTINGS: Mapping[tuple[str, str], tuple[str, Kind]] = {
    ("logging", "loglevel"): ("loggingLevel", str),
    ("logging", "dataTrace"): ("dataTraceEnabled", _flag),
    ("metrics", "enabled"): ("metricsEnabled", _flag),
    ("throttling", "burstLimit"): ("throttlingBurstLimit", int),
    ("throttling", "rateLimit"): ("throttlingRateLimit", float),
    ("caching", "enabled"): ("cachingEnabled", _flag),
    ("caching", "ttlInSeconds"): ("cacheTtlInSeconds", int),
    ("caching", "dataEncrypted"): ("cacheDataEncrypted", _flag),
    ("caching", "requireAuthorizationForCacheControl"): (
        "requireAuthorizationForCacheControl",
        _flag,
    ),
    ("caching", "unauthorizedCacheControlHeaderStrategy"): (
        "unauthorizedCacheControlHeaderStrategy",
        str,
    ),
}


def patched(
    record: Mapping[str, Any], rules: Rules, operations: Iterable[Mapping[str, Any]]
) -> Record:
    """The record with all of them carried out. Raise BadRequestException."""
    changed = dict(record)
    for operation in operations:
        op, path = operation.get("op", "replace"), operation.get("path") or ""
        if op not in ("add", "replace", "remove"):
            raise BadRequestException(f"Invalid patch operation specified: {op}")
        value = operation.get("value") or ""
        try:
            _apply(changed, rules, op, segments(path), value)
        except KeyError:
            raise BadRequestException(
                f"Invalid patch path '{path}' specified for op '{op}'. Must be one of: "
                f"[{', '.join('/' + name for name in rules)}]"
            ) from None
        except ValueError:
            raise BadRequestException(f"Invalid value '{value}' for patch path {path}") from None
    return changed


def segments(path: str) -> list[str]:
    """ "/a/b~1c" names b/c in a."""
    return [one.replace("~1", "/").replace("~0", "~") for one in path.split("/")[1:]]


def method_setting(stage: Record, op: str, path: list[str], value: str) -> bool:
    """`/{path}/{METHOD}/{group}/{name}`, on a stage. False: the path is none of these."""
    if len(path) not in (2, 4) or path[0] in STAGE:
        return False
    settings = dict(stage.get("methodSettings") or {})
    key = f"{path[0].strip('/')}/{path[1]}"
    if len(path) == 2:
        if op != "remove":
            return False
        settings.pop(key, None)
    else:
        named = METHOD_SETTINGS.get((path[2], path[3]))
        if named is None:
            return False
        member, kind = named
        one = dict(settings.get(key) or {})
        if op == "remove":
            one.pop(member, None)
        else:
            try:
                one[member] = kind(value)
            except ValueError:
                raise BadRequestException(f"Invalid value '{value}' for {member}") from None
        settings[key] = one
    stage["methodSettings"] = settings
    return True


def _apply(record: Record, rules: Rules, op: str, path: list[str], value: str) -> None:
    if not path:
        raise KeyError
    name, rest = path[0], path[1:]
    rule = rules[name]
    if isinstance(rule, Mapping):
        inner = dict(record.get(name) or {})
        if not rest and op == "remove":
            record.pop(name, None)
            return
        _apply(inner, rule, op, rest, value)
        record[name] = inner
    elif isinstance(rule, Many):
        record[name] = _listed(list(record.get(name) or []), op, rest, value)
    elif isinstance(rule, Named):
        record[name] = _named(dict(record.get(name) or {}), rule, op, rest, value)
    elif rest or not callable(rule):
        raise KeyError
    elif op == "remove" or (value == "" and rule is not str):
        record.pop(name, None)  # as AWS takes an empty minimumCompressionSize
    else:
        record[name] = rule(value)


def _listed(items: list[str], op: str, rest: list[str], value: str) -> list[str]:
    one = rest[0] if rest else value
    place = items.index(one) if one in items else None
    if place is None and one.isdecimal() and int(one[:6]) < len(items):
        place = int(one)
    match op:
        case "add":
            added = value if rest and rest[0] == "-" else one
            return items if added in items else [*items, added]
        case "remove" if not one:
            return []
        case "remove":
            return [item for at, item in enumerate(items) if at != place]
    if not rest:
        return [part.strip() for part in value.split(",") if part.strip()]
    if place is None:
        raise ValueError
    items[place] = value or one
    return items


def _named(items: Record, rule: Named, op: str, rest: list[str], value: str) -> Record:
    if not rest and op == "remove":
        return {}
    if len(rest) != 1:
        raise KeyError
    if op == "remove":
        items.pop(rest[0], None)
    else:
        items[rest[0]] = rule.kind(value)
    return items

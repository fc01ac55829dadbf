"""Methods of a REST API's resources, with what leads to their functions and back.

method request ─► integration ─► function ─► integration response ─► method response
"""

import re
from typing import Any

from stoker.core.errors import BadRequestException, ConflictException, GatewayNotFoundException
from stoker.core.function_uris import is_function_uri
from stoker.core.rest import patches, regex, upstreams
from stoker.core.rest.records import Asked, Doc, found, kept
from stoker.core.rest.velocity_words import BadTemplate, read

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"})
TYPES = frozenset({"HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY"})
LEAST_TIMEOUT_MS, MOST_TIMEOUT_MS = 50, 29_000
_STATUS = re.compile(r"[1-5]\d\d", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}:role/[\w+=,.@/-]+|\*:user/\*)", re.ASCII)
_METHOD_MEMBERS = (
    *("authorizationType", "authorizerId", "apiKeyRequired", "operationName", "requestParameters"),
    *("requestModels", "requestValidatorId", "authorizationScopes"),
)
_INTEGRATION_MEMBERS = (
    *("type", "httpMethod", "uri", "connectionType", "connectionId", "credentials"),
    *("requestParameters", "requestTemplates", "passthroughBehavior", "cacheNamespace"),
    *("cacheKeyParameters", "contentHandling", "timeoutInMillis", "tlsConfig"),
    *("responseTransferMode", "integrationTarget"),
)
_RESPONSE_MEMBERS = ("selectionPattern", "responseParameters", "responseTemplates")
_NO_FUNCTION = "Invalid ARN specified in the request"


def put_method(doc: Doc, resource_id: str, name: str, asked: Asked) -> Doc:
    resource = found(doc, "resources", resource_id, "Resource")
    if name not in METHODS:
        raise BadRequestException(
            "Invalid HttpMethod specified. Valid options are "
            "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"
        )
    methods = resource.setdefault("resourceMethods", {})
    if name in methods:
        raise ConflictException("Method already exists for this resource")
    method = {"httpMethod": name, "apiKeyRequired": False, **kept(asked, _METHOD_MEMBERS)}
    _check_method(doc, method)
    methods[name] = method
    return method


def _check_method(doc: Doc, method: Doc) -> None:
    kind = method.get("authorizationType")
    if kind not in ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"):
        raise BadRequestException(
            "Invalid authorization type specified. Valid options are "
            "NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS"
        )
    if (
        kind in ("CUSTOM", "COGNITO_USER_POOLS")
        and method.get("authorizerId") not in doc["authorizers"]
    ):
        raise BadRequestException(
            "Invalid authorizer ID specified. Setting the authorization type "
            "to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer."
        )
    validator = method.get("requestValidatorId")
    if validator and validator not in doc["requestValidators"]:
        raise BadRequestException("Invalid Request Validator identifier specified")
    for place in method.get("requestParameters") or {}:
        if not re.fullmatch(
            r"method\.request\.(path|querystring|multivaluequerystring|header"
            r"|multivalueheader)\.\S+",
            place,
        ):
            raise BadRequestException(
                f"Invalid mapping expression specified: Validation Result: warnings : [], errors :"
                f" [Invalid mapping expression specified: {place}]"
            )
    for model in (method.get("requestModels") or {}).values():
        if model not in doc["models"]:
            raise BadRequestException(f"Invalid model identifier specified: {model}")


def method_of(doc: Doc, resource_id: str, name: str) -> Doc:
    resource = found(doc, "resources", resource_id, "Resource")
    method: Doc | None = (resource.get("resourceMethods") or {}).get(name)
    if method is None:
        raise GatewayNotFoundException("Invalid Method identifier specified")
    return method


def update_method(doc: Doc, resource_id: str, name: str, operations: list[Asked]) -> Doc:
    method = method_of(doc, resource_id, name)
    changed = patches.patched(method, patches.METHOD, operations)
    _check_method(doc, changed)
    doc["resources"][resource_id]["resourceMethods"][name] = changed
    return changed


def remove_method(doc: Doc, resource_id: str, name: str) -> None:
    method_of(doc, resource_id, name)
    resource = doc["resources"][resource_id]
    del resource["resourceMethods"][name]
    if not resource["resourceMethods"]:
        del resource["resourceMethods"]


# ---- method responses ----


def put_response(method: Doc, status: str, asked: Asked) -> Doc:
    if not _STATUS.fullmatch(status):
        raise BadRequestException("Invalid status code specified")
    responses = method.setdefault("methodResponses", {})
    if status in responses:
        raise ConflictException("Response already exists for this resource")
    response = {"statusCode": status, **kept(asked, ("responseParameters", "responseModels"))}
    responses[status] = response
    return response


def response_of(owner: Doc, part: str, status: str) -> Doc:
    """`part`: methodResponses of a method, integrationResponses of an integration."""
    response: Doc | None = (owner.get(part) or {}).get(status)
    if response is None:
        raise GatewayNotFoundException("Invalid Response status code specified")
    return response


def update_response(owner: Doc, part: str, status: str, operations: list[Asked]) -> Doc:
    rules = patches.METHOD_RESPONSE if part == "methodResponses" else patches.INTEGRATION_RESPONSE
    changed = patches.patched(response_of(owner, part, status), rules, operations)
    if part == "integrationResponses":
        check_integration_response(changed)
    owner[part][status] = changed
    return changed


def remove_response(owner: Doc, part: str, status: str) -> None:
    response_of(owner, part, status)
    del owner[part][status]


# ---- integrations ----


def put_integration(method: Doc, resource_id: str, asked: Asked) -> Doc:
    """What stands in the place of an older one; its responses are the older one's."""
    integration = {
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": MOST_TIMEOUT_MS,
        "cacheNamespace": resource_id,
        "cacheKeyParameters": [],
        **kept(asked, _INTEGRATION_MEMBERS),
    }
    check_integration(integration)
    before = (method.get("methodIntegration") or {}).get("integrationResponses")
    if before:
        integration["integrationResponses"] = before
    method["methodIntegration"] = integration
    return integration


def check_integration(integration: Doc) -> None:
    kind, uri = integration.get("type"), integration.get("uri") or ""
    if kind not in TYPES:
        raise BadRequestException(
            "Invalid integration type specified. Valid options are HTTP, AWS, MOCK, HTTP_PROXY, "
            "AWS_PROXY"
        )
    if kind != "MOCK" and not integration.get("httpMethod"):
        raise BadRequestException("Enumeration value for HttpMethod must be non-empty")
    if kind == "AWS_PROXY" and not is_function_uri(uri):
        raise BadRequestException(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose "
            "stream invocations."
            if uri.startswith("arn:")
            else _NO_FUNCTION
        )
    if kind == "AWS" and not uri.startswith("arn:"):
        raise BadRequestException(_NO_FUNCTION)
    if kind == "AWS" and upstreams.of_aws(uri) in upstreams.SERVICES:
        _check_role(integration.get("credentials"))
    if kind in ("HTTP", "HTTP_PROXY") and not uri.startswith(("http://", "https://")):
        raise BadRequestException("Invalid HTTP endpoint specified for URI")
    timeout = integration.get("timeoutInMillis", MOST_TIMEOUT_MS)
    if not LEAST_TIMEOUT_MS <= timeout <= MOST_TIMEOUT_MS:
        raise BadRequestException(
            f"Timeout should be between {LEAST_TIMEOUT_MS} ms and {MOST_TIMEOUT_MS} ms"
        )
    behavior = integration.get("passthroughBehavior")
    if behavior not in ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"):
        raise BadRequestException(
            "Invalid passthrough behavior specified. Valid options are NEVER, WHEN_NO_MATCH, "
            "WHEN_NO_TEMPLATES"
        )
    _check_templates(integration.get("requestTemplates"))


def _check_role(credentials: Any) -> None:
    """Functions have policies of their own; services are asked as a role."""
    if not credentials:
        raise BadRequestException("Role ARN must be specified for AWS integrations")
    if not _ROLE.fullmatch(str(credentials)):
        raise BadRequestException("Invalid ARN specified in the request")


def _check_templates(templates: Any) -> None:
    """AWS finds out when a request comes; who made the template would rather know now."""
    for kind, template in (templates or {}).items():
        try:
            read(template or "")
        except BadTemplate as error:
            raise BadRequestException(f"The mapping template for {kind}: {error}") from None


def integration_of(doc: Doc, resource_id: str, name: str) -> Doc:
    integration: Doc | None = method_of(doc, resource_id, name).get("methodIntegration")
    if integration is None:
        raise GatewayNotFoundException("Invalid Integration identifier specified")
    return integration


def update_integration(doc: Doc, resource_id: str, name: str, operations: list[Asked]) -> Doc:
    before = integration_of(doc, resource_id, name)
    changed = patches.patched(before, patches.INTEGRATION, operations)
    changed.setdefault("passthroughBehavior", "WHEN_NO_MATCH")
    check_integration(changed)
    method_of(doc, resource_id, name)["methodIntegration"] = changed
    return changed


def put_integration_response(integration: Doc, status: str, asked: Asked) -> Doc:
    if not _STATUS.fullmatch(status):
        raise BadRequestException("Invalid status code specified")
    response = {"statusCode": status, **kept(asked, (*_RESPONSE_MEMBERS, "contentHandling"))}
    check_integration_response(response)
    integration.setdefault("integrationResponses", {})[status] = response
    return response


def check_integration_response(response: Doc) -> None:
    pattern = response.get("selectionPattern")
    try:
        regex.read(pattern or "")
    except regex.BadRegex as error:
        raise BadRequestException(f"The selection pattern {pattern!r}: {error}") from None
    _check_templates(response.get("responseTemplates"))

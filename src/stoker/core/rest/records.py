"""REST APIs of API Gateway: what one consists of, all in one record under AWS's member names.

    {"api": …, "resources": {ID: {…, "resourceMethods": {"GET": {…, "methodIntegration": …}}}},
     "authorizers": …, "models": …, "requestValidators": …, "gatewayResponses": …,   by ID or name
     "deployments": {ID: …}, "stages": {NAME: …}}

The owner works on that. What is served is a copy: each deployment has one of its own, and nothing
that changes after it is seen before the next.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.errors import (
    BadRequestException,
    ConflictException,
    GatewayNotFoundException,
    TooManyRequestsException,
)

Doc = dict[str, Any]
Asked = Mapping[str, Any]

PARTS = ("resources", "authorizers", "models", "requestValidators", "gatewayResponses")
API_SERVED = ("binaryMediaTypes", "apiKeySource", "minimumCompressionSize", "name")
MOST = {  # of one API, as AWS's quotas; deployments are ours
    "resources": 300,
    "authorizers": 10,
    "models": 400,
    "requestValidators": 100,
    "stages": 10,
    "deployments": 100,
}
_VARIABLE_PART = re.compile(r"\{[a-zA-Z0-9._-]+\+?\}", re.ASCII)
_PLAIN_PART = re.compile(r"[a-zA-Z0-9._:$@,!'()*~%-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule needs to know besides what is asked."""

    account: str
    region: str
    now: int  # seconds of the epoch
    ids: Iterator[str]  # new ones, of ten letters and digits

    def short(self) -> str:
        return next(self.ids)[:6]


def created(asked: Asked, facts: Facts, tags: Mapping[str, str]) -> Doc:
    """A new API with its root resource and the two models that every API has."""
    root = next(facts.ids)
    api = {name: asked[name] for name in _API_MEMBERS if asked.get(name) is not None}
    check_api(api)
    api |= {
        "id": next(facts.ids),
        "createdDate": facts.now,
        "apiKeySource": api.get("apiKeySource", "HEADER"),
        "endpointConfiguration": {
            "types": ["EDGE"],
            "ipAddressType": "ipv4",
            **(api.get("endpointConfiguration") or {}),
        },
        "disableExecuteApiEndpoint": api.get("disableExecuteApiEndpoint", False),
        "rootResourceId": root,
        "tags": dict(tags),
    }
    return {
        "api": api,
        "resources": {root: {"id": root, "path": "/"}},
        "authorizers": {},
        "models": {one["name"]: one for one in _first_models(facts)},
        "requestValidators": {},
        "gatewayResponses": {},
        "deployments": {},
        "stages": {},
    }


_API_MEMBERS = (
    *("name", "description", "version", "binaryMediaTypes", "minimumCompressionSize", "policy"),
    *("apiKeySource", "endpointConfiguration", "disableExecuteApiEndpoint", "securityPolicy"),
    "endpointAccessMode",
)


def check_api(api: Asked) -> None:
    if not api.get("name"):
        raise BadRequestException("API name cannot be empty")
    size = api.get("minimumCompressionSize")
    if size is not None and not 0 <= size <= 10_485_760:
        raise BadRequestException(
            "Invalid minimum compression size, must be between 0 and 10485760"
        )
    if api.get("policy"):
        try:
            json.loads(api["policy"])
        except ValueError:
            raise BadRequestException("Invalid policy document. Please check the policy") from None


def shown_api(doc: Doc) -> Doc:
    """As AWS shows it: the policy within quotes that are escaped, but without the quotes."""
    api = dict(doc["api"])
    if api.get("policy"):
        api["policy"] = json.dumps(api["policy"])[1:-1]
    return api


def _first_models(facts: Facts) -> Iterator[Doc]:
    schema = '{\n  "$schema" : "http://json-schema.org/draft-04/schema#",\n  "title" : "%s Schema",'
    for name, of in (
        ("Empty", ""),
        ("Error", '\n  "properties" : {"message" : {"type" : "string"}},'),
    ):
        yield {
            "id": facts.short(),
            "name": name,
            "description": f"This is a default {name.lower()} schema model",
            "schema": f'{schema % name}{of}\n  "type" : "object"\n}}',
            "contentType": "application/json",
        }


# ---- resources ----


def add_resource(doc: Doc, parent_id: str, part: str, facts: Facts) -> Doc:
    parent = found(doc, "resources", parent_id, "Resource")
    check_room(doc, "resources")
    if not (_VARIABLE_PART.fullmatch(part) or _PLAIN_PART.fullmatch(part)):
        raise BadRequestException(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and "
            "curly braces at the beginning and the end."
        )
    if parent.get("pathPart", "").endswith("+}"):
        raise BadRequestException(
            f"Cannot create a child of a resource with a greedy path variable: {parent['path']}"
        )
    _check_siblings(doc, parent_id, part)
    resource = {
        "id": facts.short(),
        "parentId": parent_id,
        "pathPart": part,
        "path": f"{parent['path'].rstrip('/')}/{part}",
    }
    doc["resources"][resource["id"]] = resource
    return resource


def _check_siblings(doc: Doc, parent_id: str, part: str, but: str = "") -> None:
    for sibling in doc["resources"].values():
        if sibling.get("parentId") != parent_id or sibling["id"] == but:
            continue
        if sibling["pathPart"] == part:
            raise ConflictException(
                f"Another resource with the same parent already has this name: {part}"
            )
        if part.startswith("{") and sibling["pathPart"].startswith("{"):
            raise BadRequestException(
                f"A sibling ({sibling['id']}) of this resource already has a variable path part "
                "-- only one is allowed"
            )


def update_resource(doc: Doc, resource_id: str, operations: list[Asked]) -> Doc:
    """Rename it, or move it below another; what is below it moves along."""
    resource = found(doc, "resources", resource_id, "Resource")
    if "parentId" not in resource:
        raise BadRequestException("Root resource cannot be updated")
    for operation in operations:
        path, value = operation.get("path"), operation.get("value") or ""
        if path not in ("/pathPart", "/parentId") or operation.get("op") != "replace":
            raise BadRequestException(
                f"Invalid patch path '{path}' specified for op '{operation.get('op')}'. Must be "
                "one of: [/parentId, /pathPart]"
            )
        part = value if path == "/pathPart" else resource["pathPart"]
        parent = resource["parentId"] if path == "/pathPart" else value
        above = found(doc, "resources", parent, "Resource")
        if any(one["id"] == resource_id for one in lineage(doc, above)):
            raise BadRequestException("Resources cannot be cyclical.")
        _check_siblings(doc, parent, part, but=resource_id)
        resource |= {"pathPart": part, "parentId": parent}
    for one in doc["resources"].values():
        parts = [each["pathPart"] for each in lineage(doc, one) if "parentId" in each]
        one["path"] = "/" + "/".join(reversed(parts))
    return resource


def lineage(doc: Doc, resource: Doc) -> Iterator[Doc]:
    """The resource, and all above it."""
    yield resource
    while "parentId" in resource:
        resource = doc["resources"][resource["parentId"]]
        yield resource


def remove_resource(doc: Doc, resource_id: str) -> None:
    """With all that is below it."""
    resource = found(doc, "resources", resource_id, "Resource")
    if "parentId" not in resource:
        raise BadRequestException("Root resource cannot be deleted")
    gone = {
        one["id"]
        for one in doc["resources"].values()
        if any(above["id"] == resource_id for above in lineage(doc, one))
    }
    for each in gone:
        del doc["resources"][each]


def shown_resource(resource: Doc, *, whole: bool) -> Doc:
    """Of its methods only which there are, unless the whole is wanted."""
    if whole or "resourceMethods" not in resource:
        return resource
    return {**resource, "resourceMethods": {name: {} for name in resource["resourceMethods"]}}


# ---- what all parts have alike ----


def found(doc: Doc, part: str, key: str, noun: str) -> Doc:
    one: Doc | None = doc[part].get(key)
    if one is None:
        raise GatewayNotFoundException(f"Invalid {noun} identifier specified")
    return one


def check_room(doc: Doc, part: str) -> None:
    if len(doc[part]) >= MOST[part]:
        raise TooManyRequestsException(
            f"Maximum number of {part} for this API has been reached. Please contact AWS if you "
            f"need additional {part}."
        )


def kept(asked: Asked, names: tuple[str, ...]) -> Doc:
    """What of these is mentioned."""
    return {name: asked[name] for name in names if asked.get(name) is not None}


def not_found(account: str, api_id: str) -> GatewayNotFoundException:
    return GatewayNotFoundException(f"Invalid API identifier specified {account}:{api_id}")

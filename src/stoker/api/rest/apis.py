"""REST APIs and their resources: made, imported, changed, listed, deleted."""

import copy
from typing import Any

from stoker.api.control import Call, Control
from stoker.api.identifiers import new_revision
from stoker.api.rest.calls import (
    api_key,
    asked_of,
    check_size,
    deployment_key,
    facts_of,
    must_have,
    on_api,
    page,
    shown,
)
from stoker.api.rest.working import worked
from stoker.api.shapes import apigateway as shapes
from stoker.core.errors import TooManyRequestsException
from stoker.core.resources import Kind, Resource
from stoker.core.rest import imports, patches, records
from stoker.core.rest.records import Doc
from stoker.store.base import Transaction

APIS = 600  # of one account and region (AWS: Regional ones)


async def create_rest_api(
    control: Control, call: Call[shapes.CreateRestApiInput]
) -> shapes.RestApi:
    """An API with nothing but its root; with CloneFrom what another one has."""
    asked, facts = asked_of(call), facts_of(call.caller)
    doc = records.created(asked, facts, asked.get("tags") or {})
    async with control.store.transaction() as tx:
        if asked.get("cloneFrom"):
            model = await must_have(tx, api_key(call.caller, asked["cloneFrom"]))
            doc |= {part: copy.deepcopy(model.record[part]) for part in records.PARTS}
            doc["api"]["rootResourceId"] = model.record["api"]["rootResourceId"]
        await _add(tx, call, doc)
    answer: shapes.RestApi = shown(call, records.shown_api(doc))
    return answer


async def import_rest_api(
    control: Control, call: Call[shapes.ImportRestApiInput]
) -> shapes.RestApi:
    """An API from a definition in Swagger 2 or OpenAPI 3, with AWS's extensions."""
    asked = call.input
    options = imports.Options(
        fail_on_warnings=bool(asked.fail_on_warnings), parameters=asked.parameters or {}
    )
    doc, warnings = await worked(
        lambda: imports.imported(asked.body, options, facts_of(call.caller)), len(asked.body)
    )
    async with control.store.transaction() as tx:
        await _add(tx, call, doc)
    answer: shapes.RestApi = shown(call, {**records.shown_api(doc), "warnings": warnings})
    return answer


async def put_rest_api(control: Control, call: Call[shapes.PutRestApiInput]) -> shapes.RestApi:
    """What the API consists of, from a definition: merged with what there is, or in its place."""
    asked = call.input
    options = imports.Options(
        fail_on_warnings=bool(asked.fail_on_warnings), parameters=asked.parameters or {}
    )

    def rule(doc: Doc, _: records.Asked, facts: records.Facts) -> Doc:
        warnings = imports.put(doc, asked.body, asked.mode or "merge", options, facts)
        return {**records.shown_api(doc), "warnings": warnings}

    answer: shapes.RestApi = await on_api(control, call, rule, size_bytes=len(asked.body))
    return answer


async def _add(tx: Transaction, call: Call[Any], doc: Doc) -> None:
    check_size(doc)
    caller = call.caller
    there = await tx.resources.of(caller.account, caller.region, Kind.REST_API, after="")
    if len(there) >= APIS:
        raise TooManyRequestsException(f"An account can have {APIS} REST APIs in a region")
    key = api_key(caller, doc["api"]["id"])
    await tx.resources.add(Resource(key, new_revision(), doc))


async def get_rest_api(control: Control, call: Call[shapes.GetRestApiInput]) -> shapes.RestApi:
    """What it is."""
    answer: shapes.RestApi = await on_api(
        control, call, lambda doc, asked, facts: records.shown_api(doc)
    )
    return answer


async def get_rest_apis(control: Control, call: Call[shapes.GetRestApisInput]) -> shapes.RestApis:
    """The caller's."""
    caller = call.caller
    async with control.store.transaction() as tx:
        found = await tx.resources.of(caller.account, caller.region, Kind.REST_API, after="")
    items = {one.key.id: records.shown_api(dict(one.record)) for one in found}
    answer: shapes.RestApis = shown(call, page(items, asked_of(call)))
    return answer


async def update_rest_api(
    control: Control, call: Call[shapes.UpdateRestApiInput]
) -> shapes.RestApi:
    """Change what the patch operations name."""

    def rule(doc: Doc, asked: records.Asked, _: records.Facts) -> Doc:
        doc["api"] = patches.patched(
            doc["api"], patches.REST_API, asked.get("patchOperations") or ()
        )
        records.check_api(doc["api"])
        return records.shown_api(doc)

    answer: shapes.RestApi = await on_api(control, call, rule)
    return answer


async def delete_rest_api(control: Control, call: Call[shapes.DeleteRestApiInput]) -> None:
    """With all that it has; nothing answers there any more."""
    caller = call.caller
    async with control.store.transaction() as tx:
        found = await must_have(tx, api_key(caller, call.input.rest_api_id))
        for deployment in found.record["deployments"]:
            await tx.resources.remove(deployment_key(caller, found.key.id, deployment))
        await tx.resources.remove(found.key)


# ---- resources ----


async def create_resource(
    control: Control, call: Call[shapes.CreateResourceInput]
) -> shapes.Resource:
    """A part of a path, below another."""
    answer: shapes.Resource = await on_api(
        control,
        call,
        lambda doc, asked, facts: records.add_resource(
            doc, asked["parent_id"], asked["pathPart"], facts
        ),
    )
    return answer


async def get_resource(control: Control, call: Call[shapes.GetResourceInput]) -> shapes.Resource:
    """One by its ID; its methods with embed=methods."""
    answer: shapes.Resource = await on_api(
        control,
        call,
        lambda doc, asked, facts: records.shown_resource(
            records.found(doc, "resources", asked["resource_id"], "Resource"),
            whole="methods" in (asked.get("embed") or ()),
        ),
    )
    return answer


async def get_resources(control: Control, call: Call[shapes.GetResourcesInput]) -> shapes.Resources:
    """All of an API; their methods with embed=methods."""

    def rule(doc: Doc, asked: records.Asked, _: records.Facts) -> Doc:
        whole = "methods" in (asked.get("embed") or ())
        items = {
            key: records.shown_resource(one, whole=whole) for key, one in doc["resources"].items()
        }
        return page(items, asked)

    answer: shapes.Resources = await on_api(control, call, rule)
    return answer


async def update_resource(
    control: Control, call: Call[shapes.UpdateResourceInput]
) -> shapes.Resource:
    """Rename it, or move it below another."""
    answer: shapes.Resource = await on_api(
        control,
        call,
        lambda doc, asked, facts: records.update_resource(
            doc, asked["resource_id"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_resource(control: Control, call: Call[shapes.DeleteResourceInput]) -> None:
    """With all that is below it."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: records.remove_resource(doc, asked["resource_id"]),
    )

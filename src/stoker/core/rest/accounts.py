"""What an account has of API Gateway beside its REST APIs: API keys, and usage plans that say which
stages a key opens.

One record for an account in a region: {"account": …, "apiKeys": {ID: …}, "usagePlans": {ID: {…,
"keys": {ID: type}}}}. Throttles and quotas of plans are kept and not enforced.
"""

import re
from typing import Any

from stoker.core.errors import BadRequestException, ConflictException, GatewayNotFoundException
from stoker.core.rest import patches
from stoker.core.rest.records import Asked, Doc, Facts, kept

MOST = 500  # keys, and plans (AWS: 10,000 keys and 300 plans)


def empty() -> Doc:
    return {"account": {}, "apiKeys": {}, "usagePlans": {}}


def shown_account(doc: Doc) -> Doc:
    return {
        "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
        **doc["account"],
    }


def update_account(doc: Doc, operations: list[Asked]) -> Doc:
    doc["account"] = patches.patched(doc["account"], patches.ACCOUNT, operations)
    return shown_account(doc)


# ---- API keys ----


def add_key(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    if len(doc["apiKeys"]) >= MOST:
        raise BadRequestException(f"There are {MOST} API keys, the most there can be")
    value = (
        asked.get("value")
        or f"{next(facts.ids)}{next(facts.ids)}{next(facts.ids)}{next(facts.ids)}"
    )
    if not 20 <= len(value) <= 128:
        raise BadRequestException("API Key value should be at least 20 characters and at most 128")
    if any(one["value"] == value for one in doc["apiKeys"].values()):
        raise ConflictException("API Key already exists")
    key = {
        "id": next(facts.ids),
        "value": value,
        "enabled": False,
        "createdDate": facts.now,
        "lastUpdatedDate": facts.now,
        "stageKeys": [
            f"{one.get('restApiId')}/{one.get('stageName')}" for one in asked.get("stageKeys") or ()
        ],
        **kept(asked, ("name", "description", "enabled", "customerId", "tags")),
    }
    doc["apiKeys"][key["id"]] = key
    return key


def key_of(doc: Doc, key_id: str) -> Doc:
    key: Doc | None = doc["apiKeys"].get(key_id)
    if key is None:
        raise GatewayNotFoundException("Invalid API Key identifier specified")
    return key


def shown_key(key: Doc, *, value: bool) -> Doc:
    return key if value else {name: one for name, one in key.items() if name != "value"}


def update_key(doc: Doc, key_id: str, operations: list[Asked], now: int) -> Doc:
    changed = patches.patched(key_of(doc, key_id), patches.API_KEY, operations)
    doc["apiKeys"][key_id] = {**changed, "lastUpdatedDate": now}
    return shown_key(doc["apiKeys"][key_id], value=False)


def remove_key(doc: Doc, key_id: str) -> None:
    key_of(doc, key_id)
    del doc["apiKeys"][key_id]
    for plan in doc["usagePlans"].values():
        plan["keys"].pop(key_id, None)


# ---- usage plans ----


def add_plan(doc: Doc, asked: Asked, facts: Facts) -> Doc:
    if len(doc["usagePlans"]) >= MOST:
        raise BadRequestException(f"There are {MOST} usage plans, the most there can be")
    plan = {
        "id": facts.short(),
        "apiStages": [],
        **kept(asked, ("name", "description", "apiStages", "throttle", "quota", "tags")),
        "keys": {},
    }
    _check_plan(plan)
    doc["usagePlans"][plan["id"]] = plan
    return shown_plan(plan)


def _check_plan(plan: Doc) -> None:
    if not plan.get("name"):
        raise BadRequestException("Usage plan name must be set")
    quota = plan.get("quota")
    if quota and quota.get("period") not in ("DAY", "WEEK", "MONTH"):
        raise BadRequestException("Usage Plan quota period must be set")


def shown_plan(plan: Doc) -> Doc:
    return {name: one for name, one in plan.items() if name != "keys"}


def plan_of(doc: Doc, plan_id: str) -> Doc:
    plan: Doc | None = doc["usagePlans"].get(plan_id)
    if plan is None:
        raise GatewayNotFoundException("Invalid Usage Plan ID specified")
    return plan


def update_plan(doc: Doc, plan_id: str, operations: list[Asked]) -> Doc:
    plan = dict(plan_of(doc, plan_id))
    rest = [one for one in operations if not _stage_patch(plan, one)]
    plan = patches.patched(plan, patches.USAGE_PLAN, rest)
    _check_plan(plan)
    doc["usagePlans"][plan_id] = plan
    return shown_plan(plan)


def _stage_patch(plan: Doc, operation: Asked) -> bool:
    """`/apiStages` with "API:STAGE" as the value. (Throttles of single methods are refused.)"""
    if operation.get("path") != "/apiStages":
        return False
    api_id, _, stage = (operation.get("value") or "").partition(":")
    if not re.fullmatch(r"\w+", api_id, re.ASCII) or not stage:
        raise BadRequestException("Invalid API Stage specified")
    others: list[Any] = [
        one
        for one in plan.get("apiStages") or ()
        if (one.get("apiId"), one.get("stage")) != (api_id, stage)
    ]
    if operation.get("op") == "add":
        others.append({"apiId": api_id, "stage": stage})
    plan["apiStages"] = others
    return True


def remove_plan(doc: Doc, plan_id: str) -> None:
    plan_of(doc, plan_id)
    del doc["usagePlans"][plan_id]


def add_plan_key(doc: Doc, plan_id: str, asked: Asked) -> Doc:
    plan = plan_of(doc, plan_id)
    if asked.get("keyType") != "API_KEY":
        raise BadRequestException("Invalid KeyType specified; the only one is API_KEY")
    key_of(doc, asked["keyId"])
    if asked["keyId"] in plan["keys"]:
        raise ConflictException("Usage plan key already exists")
    plan["keys"][asked["keyId"]] = asked["keyType"]
    return plan_key(doc, plan_id, asked["keyId"])


def plan_key(doc: Doc, plan_id: str, key_id: str) -> Doc:
    if key_id not in plan_of(doc, plan_id)["keys"]:
        raise GatewayNotFoundException("Invalid Usage Plan Key identifier specified")
    key = key_of(doc, key_id)
    return {"id": key_id, "type": "API_KEY", "value": key["value"], **kept(key, ("name",))}


def plan_keys(doc: Doc, plan_id: str) -> list[Doc]:
    return [plan_key(doc, plan_id, one) for one in plan_of(doc, plan_id)["keys"]]


def remove_plan_key(doc: Doc, plan_id: str, key_id: str) -> None:
    plan_key(doc, plan_id, key_id)
    del plan_of(doc, plan_id)["keys"][key_id]


def opens(doc: Doc, value: str, api_id: str, stage: str) -> str | None:
    """The ID of the key, if it is enabled and in a plan that has the stage."""
    for plan in doc["usagePlans"].values():
        stages = {(one.get("apiId"), one.get("stage")) for one in plan.get("apiStages") or ()}
        if (api_id, stage) not in stages:
            continue
        for key_id in plan["keys"]:
            key = doc["apiKeys"].get(key_id) or {}
            if key.get("value") == value and key.get("enabled"):
                return str(key_id)
    return None

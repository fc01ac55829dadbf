"""API keys, usage plans, and what API Gateway keeps for the account."""

from stoker.api.control import Call, Control
from stoker.api.rest.calls import on_account, page
from stoker.api.shapes import apigateway as shapes
from stoker.core.rest import accounts
from stoker.core.rest.records import Asked, Doc, Facts


async def get_account(control: Control, call: Call[shapes.GetAccountInput]) -> shapes.Account:
    """The throttles AWS has by default, and the role for logs. Neither has any effect."""
    answer: shapes.Account = await on_account(
        control, call, lambda doc, asked, facts: accounts.shown_account(doc)
    )
    return answer


async def update_account(control: Control, call: Call[shapes.UpdateAccountInput]) -> shapes.Account:
    """Set the role for logs."""
    answer: shapes.Account = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.update_account(doc, asked.get("patchOperations") or []),
    )
    return answer


async def create_api_key(control: Control, call: Call[shapes.CreateApiKeyInput]) -> shapes.ApiKey:
    """A key; it opens the stages of the usage plans that it is in."""
    answer: shapes.ApiKey = await on_account(
        control, call, lambda doc, asked, facts: accounts.add_key(doc, asked, facts)
    )
    return answer


async def get_api_key(control: Control, call: Call[shapes.GetApiKeyInput]) -> shapes.ApiKey:
    """One; its value only if that is asked for."""
    answer: shapes.ApiKey = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.shown_key(
            accounts.key_of(doc, asked["api_Key"]), value=bool(asked.get("includeValue"))
        ),
    )
    return answer


async def get_api_keys(control: Control, call: Call[shapes.GetApiKeysInput]) -> shapes.ApiKeys:
    """Those whose names begin so; their values only if those are asked for."""
    answer: shapes.ApiKeys = await on_account(control, call, _keys)
    return answer


async def update_api_key(control: Control, call: Call[shapes.UpdateApiKeyInput]) -> shapes.ApiKey:
    """Change what the patch operations name."""
    answer: shapes.ApiKey = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.update_key(
            doc, asked["api_Key"], asked.get("patchOperations") or [], facts.now
        ),
    )
    return answer


async def delete_api_key(control: Control, call: Call[shapes.DeleteApiKeyInput]) -> None:
    """It opens nothing any more."""
    await on_account(
        control, call, lambda doc, asked, facts: accounts.remove_key(doc, asked["api_Key"])
    )


async def create_usage_plan(
    control: Control, call: Call[shapes.CreateUsagePlanInput]
) -> shapes.UsagePlan:
    """Which stages keys open. (Throttles and quotas are kept, and not enforced.)"""
    answer: shapes.UsagePlan = await on_account(
        control, call, lambda doc, asked, facts: accounts.add_plan(doc, asked, facts)
    )
    return answer


async def get_usage_plan(
    control: Control, call: Call[shapes.GetUsagePlanInput]
) -> shapes.UsagePlan:
    """One, by its ID."""
    answer: shapes.UsagePlan = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.shown_plan(accounts.plan_of(doc, asked["usageplanId"])),
    )
    return answer


async def get_usage_plans(
    control: Control, call: Call[shapes.GetUsagePlansInput]
) -> shapes.UsagePlans:
    """All, or those that a key is in."""
    answer: shapes.UsagePlans = await on_account(control, call, _plans)
    return answer


async def update_usage_plan(
    control: Control, call: Call[shapes.UpdateUsagePlanInput]
) -> shapes.UsagePlan:
    """Change what the patch operations name."""
    answer: shapes.UsagePlan = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.update_plan(
            doc, asked["usageplanId"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_usage_plan(control: Control, call: Call[shapes.DeleteUsagePlanInput]) -> None:
    """Its keys open nothing by it any more."""
    await on_account(
        control, call, lambda doc, asked, facts: accounts.remove_plan(doc, asked["usageplanId"])
    )


async def create_usage_plan_key(
    control: Control, call: Call[shapes.CreateUsagePlanKeyInput]
) -> shapes.UsagePlanKey:
    """Put a key into a plan."""
    answer: shapes.UsagePlanKey = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.add_plan_key(doc, asked["usageplanId"], asked),
    )
    return answer


async def get_usage_plan_key(
    control: Control, call: Call[shapes.GetUsagePlanKeyInput]
) -> shapes.UsagePlanKey:
    """One that is in the plan."""
    answer: shapes.UsagePlanKey = await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.plan_key(doc, asked["usageplanId"], asked["keyId"]),
    )
    return answer


async def get_usage_plan_keys(
    control: Control, call: Call[shapes.GetUsagePlanKeysInput]
) -> shapes.UsagePlanKeys:
    """All that are in the plan."""
    answer: shapes.UsagePlanKeys = await on_account(control, call, _plan_keys)
    return answer


async def delete_usage_plan_key(
    control: Control, call: Call[shapes.DeleteUsagePlanKeyInput]
) -> None:
    """Take a key out of a plan."""
    await on_account(
        control,
        call,
        lambda doc, asked, facts: accounts.remove_plan_key(
            doc, asked["usageplanId"], asked["keyId"]
        ),
    )


def _keys(doc: Doc, asked: Asked, _: Facts) -> Doc:
    prefix, customer = asked.get("name") or "", asked.get("customerId")
    items = {
        key: accounts.shown_key(one, value=bool(asked.get("includeValues")))
        for key, one in doc["apiKeys"].items()
        if one.get("name", "").startswith(prefix) and customer in (None, one.get("customerId"))
    }
    return page(items, asked)


def _plans(doc: Doc, asked: Asked, _: Facts) -> Doc:
    key = asked.get("keyId")
    return page(
        {
            name: accounts.shown_plan(plan)
            for name, plan in doc["usagePlans"].items()
            if key is None or key in plan["keys"]
        },
        asked,
    )


def _plan_keys(doc: Doc, asked: Asked, _: Facts) -> Doc:
    found = accounts.plan_keys(doc, asked["usageplanId"])
    return page({one["id"]: one for one in found}, asked)

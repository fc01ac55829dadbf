"""Methods, integrations and both kinds of responses, of one resource of a REST API."""

from stoker.api.control import Call, Control
from stoker.api.rest.calls import on_api
from stoker.api.shapes import apigateway as shapes
from stoker.core.rest import methods
from stoker.core.rest.records import Asked, Doc, Facts


async def put_method(control: Control, call: Call[shapes.PutMethodInput]) -> shapes.Method:
    """A method, which has not been there."""
    answer: shapes.Method = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.put_method(
            doc, asked["resource_id"], asked["http_method"], asked
        ),
    )
    return answer


async def get_method(control: Control, call: Call[shapes.GetMethodInput]) -> shapes.Method:
    """With its integration and all responses."""
    answer: shapes.Method = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.method_of(
            doc, asked["resource_id"], asked["http_method"]
        ),
    )
    return answer


async def update_method(control: Control, call: Call[shapes.UpdateMethodInput]) -> shapes.Method:
    """Change what the patch operations name."""
    answer: shapes.Method = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.update_method(
            doc, asked["resource_id"], asked["http_method"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_method(control: Control, call: Call[shapes.DeleteMethodInput]) -> None:
    """With its integration and all responses."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.remove_method(
            doc, asked["resource_id"], asked["http_method"]
        ),
    )


async def put_method_response(
    control: Control, call: Call[shapes.PutMethodResponseInput]
) -> shapes.MethodResponse:
    """What the method may answer with this status."""
    answer: shapes.MethodResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.put_response(
            methods.method_of(doc, asked["resource_id"], asked["http_method"]),
            asked["status_code"],
            asked,
        ),
    )
    return answer


async def get_method_response(
    control: Control, call: Call[shapes.GetMethodResponseInput]
) -> shapes.MethodResponse:
    """One, by its status."""
    answer: shapes.MethodResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.response_of(
            methods.method_of(doc, asked["resource_id"], asked["http_method"]),
            "methodResponses",
            asked["status_code"],
        ),
    )
    return answer


async def update_method_response(
    control: Control, call: Call[shapes.UpdateMethodResponseInput]
) -> shapes.MethodResponse:
    """Change what the patch operations name."""
    answer: shapes.MethodResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.update_response(
            methods.method_of(doc, asked["resource_id"], asked["http_method"]),
            "methodResponses",
            asked["status_code"],
            asked.get("patchOperations") or [],
        ),
    )
    return answer


async def delete_method_response(
    control: Control, call: Call[shapes.DeleteMethodResponseInput]
) -> None:
    """No longer to be answered."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.remove_response(
            methods.method_of(doc, asked["resource_id"], asked["http_method"]),
            "methodResponses",
            asked["status_code"],
        ),
    )


async def put_integration(
    control: Control, call: Call[shapes.PutIntegrationInput]
) -> shapes.Integration:
    """What is behind the method, in place of what was."""
    answer: shapes.Integration = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.put_integration(
            methods.method_of(doc, asked["resource_id"], asked["http_method"]),
            asked["resource_id"],
            asked,
        ),
    )
    return answer


async def get_integration(
    control: Control, call: Call[shapes.GetIntegrationInput]
) -> shapes.Integration:
    """With its responses."""
    answer: shapes.Integration = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.integration_of(
            doc, asked["resource_id"], asked["http_method"]
        ),
    )
    return answer


async def update_integration(
    control: Control, call: Call[shapes.UpdateIntegrationInput]
) -> shapes.Integration:
    """Change what the patch operations name."""
    answer: shapes.Integration = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.update_integration(
            doc, asked["resource_id"], asked["http_method"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_integration(control: Control, call: Call[shapes.DeleteIntegrationInput]) -> None:
    """Nothing is behind the method any more."""
    await on_api(control, call, _without_integration)


async def put_integration_response(
    control: Control, call: Call[shapes.PutIntegrationResponseInput]
) -> shapes.IntegrationResponse:
    """How an answer of the integration becomes one of the method."""
    answer: shapes.IntegrationResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.put_integration_response(
            methods.integration_of(doc, asked["resource_id"], asked["http_method"]),
            asked["status_code"],
            asked,
        ),
    )
    return answer


async def get_integration_response(
    control: Control, call: Call[shapes.GetIntegrationResponseInput]
) -> shapes.IntegrationResponse:
    """One, by the method's status."""
    answer: shapes.IntegrationResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.response_of(
            methods.integration_of(doc, asked["resource_id"], asked["http_method"]),
            "integrationResponses",
            asked["status_code"],
        ),
    )
    return answer


async def update_integration_response(
    control: Control, call: Call[shapes.UpdateIntegrationResponseInput]
) -> shapes.IntegrationResponse:
    """Change what the patch operations name."""
    answer: shapes.IntegrationResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.update_response(
            methods.integration_of(doc, asked["resource_id"], asked["http_method"]),
            "integrationResponses",
            asked["status_code"],
            asked.get("patchOperations") or [],
        ),
    )
    return answer


async def delete_integration_response(
    control: Control, call: Call[shapes.DeleteIntegrationResponseInput]
) -> None:
    """No longer to be chosen."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: methods.remove_response(
            methods.integration_of(doc, asked["resource_id"], asked["http_method"]),
            "integrationResponses",
            asked["status_code"],
        ),
    )


def _without_integration(doc: Doc, asked: Asked, _: Facts) -> None:
    methods.integration_of(doc, asked["resource_id"], asked["http_method"])
    method = methods.method_of(doc, asked["resource_id"], asked["http_method"])
    del method["methodIntegration"]

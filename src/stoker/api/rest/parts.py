"""Authorizers, models, request validators and gateway responses of a REST API."""

from stoker.api.control import Call, Control
from stoker.api.rest.calls import on_api, page
from stoker.api.shapes import apigateway as shapes
from stoker.core.rest import parts
from stoker.core.rest.records import found


async def create_authorizer(
    control: Control, call: Call[shapes.CreateAuthorizerInput]
) -> shapes.Authorizer:
    """A function that says who may, or user pools whose tokens do."""
    answer: shapes.Authorizer = await on_api(
        control, call, lambda doc, asked, facts: parts.add_authorizer(doc, asked, facts)
    )
    return answer


async def get_authorizer(
    control: Control, call: Call[shapes.GetAuthorizerInput]
) -> shapes.Authorizer:
    """One, by its ID."""
    answer: shapes.Authorizer = await on_api(
        control,
        call,
        lambda doc, asked, facts: found(doc, "authorizers", asked["authorizer_id"], "Authorizer"),
    )
    return answer


async def get_authorizers(
    control: Control, call: Call[shapes.GetAuthorizersInput]
) -> shapes.Authorizers:
    """All of an API."""
    answer: shapes.Authorizers = await on_api(
        control, call, lambda doc, asked, facts: page(doc["authorizers"], asked)
    )
    return answer


async def update_authorizer(
    control: Control, call: Call[shapes.UpdateAuthorizerInput]
) -> shapes.Authorizer:
    """Change what the patch operations name."""
    answer: shapes.Authorizer = await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.update_authorizer(
            doc, asked["authorizer_id"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_authorizer(control: Control, call: Call[shapes.DeleteAuthorizerInput]) -> None:
    """Methods that ask it cannot be deployed again."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.removed(
            doc, "authorizers", asked["authorizer_id"], "Authorizer"
        ),
    )


async def create_model(control: Control, call: Call[shapes.CreateModelInput]) -> shapes.Model:
    """What a body must look like: JSON Schema, draft 4."""
    answer: shapes.Model = await on_api(
        control, call, lambda doc, asked, facts: parts.add_model(doc, asked, facts)
    )
    return answer


async def get_model(control: Control, call: Call[shapes.GetModelInput]) -> shapes.Model:
    """One, by its name."""
    answer: shapes.Model = await on_api(
        control, call, lambda doc, asked, facts: found(doc, "models", asked["model_name"], "Model")
    )
    return answer


async def get_models(control: Control, call: Call[shapes.GetModelsInput]) -> shapes.Models:
    """All of an API."""
    answer: shapes.Models = await on_api(
        control, call, lambda doc, asked, facts: page(doc["models"], asked)
    )
    return answer


async def update_model(control: Control, call: Call[shapes.UpdateModelInput]) -> shapes.Model:
    """Change what the patch operations name."""
    answer: shapes.Model = await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.update_model(
            doc, asked["model_name"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_model(control: Control, call: Call[shapes.DeleteModelInput]) -> None:
    """The name is free again."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.removed(doc, "models", asked["model_name"], "Model"),
    )


async def create_request_validator(
    control: Control, call: Call[shapes.CreateRequestValidatorInput]
) -> shapes.RequestValidator:
    """What of a request is looked at before anything is called."""
    answer: shapes.RequestValidator = await on_api(
        control, call, lambda doc, asked, facts: parts.add_validator(doc, asked, facts)
    )
    return answer


async def get_request_validator(
    control: Control, call: Call[shapes.GetRequestValidatorInput]
) -> shapes.RequestValidator:
    """One, by its ID."""
    answer: shapes.RequestValidator = await on_api(
        control,
        call,
        lambda doc, asked, facts: found(
            doc, "requestValidators", asked["requestvalidator_id"], "Request Validator"
        ),
    )
    return answer


async def get_request_validators(
    control: Control, call: Call[shapes.GetRequestValidatorsInput]
) -> shapes.RequestValidators:
    """All of an API."""
    answer: shapes.RequestValidators = await on_api(
        control, call, lambda doc, asked, facts: page(doc["requestValidators"], asked)
    )
    return answer


async def update_request_validator(
    control: Control, call: Call[shapes.UpdateRequestValidatorInput]
) -> shapes.RequestValidator:
    """Change what the patch operations name."""
    answer: shapes.RequestValidator = await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.update_validator(
            doc, asked["requestvalidator_id"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_request_validator(
    control: Control, call: Call[shapes.DeleteRequestValidatorInput]
) -> None:
    """Nothing is looked at for it any more."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.removed(
            doc, "requestValidators", asked["requestvalidator_id"], "Request Validator"
        ),
    )


async def put_gateway_response(
    control: Control, call: Call[shapes.PutGatewayResponseInput]
) -> shapes.GatewayResponse:
    """What the gateway answers where no integration does."""
    answer: shapes.GatewayResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.put_gateway_response(doc, asked["response_type"], asked),
    )
    return answer


async def get_gateway_response(
    control: Control, call: Call[shapes.GetGatewayResponseInput]
) -> shapes.GatewayResponse:
    """The API's own, or how it is by default."""
    answer: shapes.GatewayResponse = await on_api(
        control, call, lambda doc, asked, facts: parts.gateway_response(doc, asked["response_type"])
    )
    return answer


async def get_gateway_responses(
    control: Control, call: Call[shapes.GetGatewayResponsesInput]
) -> shapes.GatewayResponses:
    """All types, as the API has changed them or by default."""
    answer: shapes.GatewayResponses = await on_api(
        control, call, lambda doc, asked, facts: {"item": parts.all_gateway_responses(doc)}
    )
    return answer


async def update_gateway_response(
    control: Control, call: Call[shapes.UpdateGatewayResponseInput]
) -> shapes.GatewayResponse:
    """Change what the patch operations name."""
    answer: shapes.GatewayResponse = await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.update_gateway_response(
            doc, asked["response_type"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_gateway_response(
    control: Control, call: Call[shapes.DeleteGatewayResponseInput]
) -> None:
    """As it is by default again."""
    await on_api(
        control,
        call,
        lambda doc, asked, facts: parts.removed(
            doc, "gatewayResponses", asked["response_type"], "gateway response"
        ),
    )

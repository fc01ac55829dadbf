"""Where what a stack has answers: the URLs of its functions and APIs, as this server serves them.

A template's own outputs name APIs at amazonaws.com, which is not here. The form by path is shown,
since names below `localhost` do not resolve everywhere.
"""

from collections.abc import Callable, Iterator
from typing import Any

_NAMELESS = "$default"  # a stage that is no part of the path, and that a shell would replace


def urls(
    client_of: Callable[[str], Any], endpoint: str, resources: list[dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """The name of each resource that answers, and where. `client_of`: a client of botocore's by its
    service's name; raises what botocore raises."""
    for one in resources:
        name, id = one["LogicalResourceId"], one.get("PhysicalResourceId", "")
        match one["ResourceType"]:
            case "AWS::Lambda::Url":
                found = client_of("lambda").get_function_url_config(FunctionName=id)
                yield name, found["FunctionUrl"]
            case "AWS::ApiGatewayV2::Api":
                for stage in client_of("apigatewayv2").get_stages(ApiId=id)["Items"]:
                    yield name, _address(endpoint, id, stage["StageName"])
            case "AWS::ApiGateway::RestApi":
                for stage in client_of("apigateway").get_stages(restApiId=id).get("item", []):
                    yield name, _address(endpoint, id, stage["stageName"])


def _address(endpoint: str, api: str, stage: str) -> str:
    named = "" if stage == _NAMELESS else f"{stage}/"
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{api}/{named}"

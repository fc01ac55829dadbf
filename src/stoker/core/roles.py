"""Whether a role lets a service of AWS's act with it. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from stoker.core.errors import InvalidParameterValueException

LAMBDA = "lambda.amazonaws.com"


def check_trust(policy: str) -> None:
    """Refuse in AWS's words a role that Lambda cannot run functions with."""
    if not trusts(policy, LAMBDA):
        raise InvalidParameterValueException(
            "The role defined for the function cannot be assumed by Lambda."
        )


def trusts(policy: str, service: str) -> bool:
    """`policy`: the JSON of a role's trust policy. Conditions are not judged."""
    for statement in _statements(policy):
        principal = statement.get("Principal")
        services = principal.get("Service") if isinstance(principal, dict) else principal
        actions = [action.lower() for action in _listed(statement.get("Action"))]
        if (
            statement.get("Effect") == "Allow"
            and {service, "*"} & set(_listed(services))
            and {"sts:assumerole", "sts:*", "*"} & set(actions)
        ):
            return True
    return False


def _statements(policy: str) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(policy)
    except ValueError:
        return
    given = document.get("Statement") if isinstance(document, dict) else None
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, dict):
            yield one


def _listed(given: object) -> list[str]:
    every = given if isinstance(given, list) else [given]
    return [one for one in every if isinstance(one, str)]

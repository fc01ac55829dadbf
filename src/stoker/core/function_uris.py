"""How API Gateway names the function behind an integration or an authorizer.

    arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
    arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/<that>/invocations

Parts of it may be variables of the stage: ${stageVariables.NAME}.
"""

import re
from collections.abc import Mapping

from stoker.core.errors import ValidationException
from stoker.core.http_uris import STAGE_VARIABLE
from stoker.core.names import FunctionRef, parse_function_ref

_PATH = re.compile(
    r"arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/+2015-03-31/functions/(.+)/invocations",
    re.ASCII,
)
_ARN = "arn:"


def is_function_uri(uri: str) -> bool:
    """Whether it can be one, whatever the variables of a stage."""
    return _ref(STAGE_VARIABLE.sub("x", uri)) is not None


def function_of(uri: str, variables: Mapping[str, str]) -> FunctionRef | None:
    """The function, with its account and region. None: with these variables it names none."""
    return _ref(STAGE_VARIABLE.sub(lambda found: variables.get(found[1], ""), uri))


def _ref(uri: str) -> FunctionRef | None:
    wrapped = _PATH.fullmatch(uri)
    text = wrapped[1] if wrapped else uri
    if not text.startswith(_ARN):
        return None
    try:
        ref = parse_function_ref(text)
    except ValidationException:
        return None
    return ref if ref.account and ref.region else None

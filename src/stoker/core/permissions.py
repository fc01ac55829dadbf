"""What of IAM each operation needs that a function may ask for in its role's name. Pure.

Actions, resources and condition keys are those of AWS's service authorization reference (Lambda,
API Gateway, CloudFormation, CloudWatch, Application Auto Scaling), read in November 2026:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_lambda.html

A *deputy* does more than it is asked in so many words, and does it with all rights: a stack makes
whatever is in its template, an HTTP API calls any address. On AWS these act with the caller's
rights, or a role's that the caller may pass. Here they are left to a role that may do everything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stoker.core.identity_policies import Wish
from stoker.core.names import function_arn, parse_function_ref
from stoker.core.policy_conditions import Fact
from stoker.core.resources import Kind, ResourceKey

PASS_ROLE: Final = "iam:PassRole"
DEPUTY: Final = (
    "because what this would make or call is not judged here: within a function only a role that"
    " may do everything (Action *, Resource *, and no Deny) may ask for it"
)
_LAYER: Final = "lambda:GetLayerVersion"
_READS: Final = ("Describe", "Get", "List", "Validate")
# Of Lambda: what has no resource of its own, whatever its input names.
_OF_NOTHING: Final = frozenset(
    {"CreateEventSourceMapping", "ListEventSourceMappings", "ListLayerVersions"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: an operation, its parsed input, and whose account it is for."""

    service: str  # botocore's name
    operation: str
    input: object  # its members in snake case
    account: str
    region: str
    method: str = "POST"
    path: str = "/"  # with its labels' values

    def get(self, name: str) -> Any:
        return getattr(self.input, name, None)

    def arn(self, kind: Kind, id: str) -> str:
        return ResourceKey(self.account, self.region, kind, id).arn


@dataclass(frozen=True, slots=True)
class Needs:
    wishes: tuple[Wish, ...]
    deputy: bool = False


def needs(asked: Asked) -> Needs | None:
    """None: nobody has said what it needs, so nothing allows it."""
    made = _SERVICES.get(asked.service)
    return None if made is None else made(asked)


def passed(role: str, to: str) -> Wish:
    """The right to let a service of AWS's act as that role."""
    return Wish(PASS_ROLE, role, {"iam:passedtoservice": to})


# --- Lambda -------------------------------------------------------------------------------------


def _of_lambda(asked: Asked) -> Needs:
    operation = asked.operation
    action = _LAYER if operation == "GetLayerVersionByArn" else f"lambda:{operation}"
    facts = dict(_lambda_facts(asked))
    wishes = [Wish(action, resource, facts) for resource in _lambda_resources(asked)]
    if role := asked.get("role"):
        wishes.append(passed(role, "lambda.amazonaws.com"))
    if operator := asked.get("permissions_config"):
        wishes.append(passed(operator.capacity_provider_operator_role_arn, "lambda.amazonaws.com"))
    wishes += [Wish(_LAYER, layer) for layer in asked.get("layers") or ()]
    if asked.get("tags") and operation != "TagResource":
        wishes.append(Wish("lambda:TagResource", _tagged(asked)))
    if asked.get("code_signing_config_arn") and operation == "CreateFunction":
        arn = asked.get("code_signing_config_arn")
        wishes.append(Wish("lambda:PutFunctionCodeSigningConfig", arn))
    return Needs(tuple(wishes))


def _lambda_resources(asked: Asked) -> Iterator[str]:
    """One or more; "*" for what has none."""
    if asked.operation in _OF_NOTHING:
        yield "*"
    elif asked.get("uuid"):
        yield asked.arn(Kind.MAPPING, asked.get("uuid"))
    elif asked.get("layer_name"):
        yield _layer(asked)
    elif asked.get("capacity_provider_name"):
        yield _named(asked, Kind.PROVIDER, asked.get("capacity_provider_name"))
    elif asked.get("function_name"):
        yield _function(asked)
        if asked.operation == "PutFunctionCodeSigningConfig":
            yield asked.get("code_signing_config_arn")
    else:
        arns = ("code_signing_config_arn", "resource", "resource_arn", "arn")
        given = next((asked.get(name) for name in arns if asked.get(name)), None)
        yield given or "*"


def _lambda_facts(asked: Asked) -> Iterator[tuple[str, Fact]]:
    if asked.operation == "AddPermission":
        yield "lambda:principal", asked.get("principal")
        yield "lambda:functionurlauthtype", asked.get("function_url_auth_type")
    if "FunctionUrlConfig" in asked.operation and asked.operation.startswith(("Cr", "Up")):
        yield "lambda:functionurlauthtype", asked.get("auth_type")
    if asked.operation == "CreateEventSourceMapping":
        yield "lambda:functionarn", _function(asked)
    if asked.operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        yield "lambda:layer", tuple(asked.get("layers") or ()) or None
    if asked.operation == "CreateFunction":
        yield "lambda:codesigningconfigarn", asked.get("code_signing_config_arn")


def _function(asked: Asked) -> str:
    """As it was named, with the qualifier. Raise ValidationException."""
    ref = parse_function_ref(asked.get("function_name"))
    qualifier = ref.qualifier or asked.get("qualifier")
    return function_arn(
        ref.region or asked.region, ref.account or asked.account, ref.name, qualifier
    )


def _layer(asked: Asked) -> str:
    name, version = asked.get("layer_name"), asked.get("version_number")
    arn: str = name
    if not name.startswith("arn:"):
        arn = f"arn:aws:lambda:{asked.region}:{asked.account}:layer:{name}"
    return arn if version is None else f"{arn}:{version}"


def _named(asked: Asked, kind: Kind, name: str) -> str:
    return name if name.startswith("arn:") else asked.arn(kind, name)


def _tagged(asked: Asked) -> str:
    if asked.operation == "CreateEventSourceMapping":
        return asked.arn(Kind.MAPPING, "*")
    if asked.operation == "CreateCodeSigningConfig":
        return asked.arn(Kind.SIGNING, "*")
    return next(_lambda_resources(asked))


# --- Others -------------------------------------------------------------------------------------


def _of_scaling(asked: Asked) -> Needs:
    """AWS asks for the right on the function, too, since what scales it acts on it later."""
    wishes = [Wish(f"application-autoscaling:{asked.operation}", "*")]
    if not asked.operation.startswith(_READS):
        kind, _, name = str(asked.get("resource_id")).partition(":")
        function = name if kind == "function" else None
        arn = f"arn:aws:lambda:{asked.region}:{asked.account}:function:{function}"
        wishes.append(Wish("lambda:PutProvisionedConcurrencyConfig", arn if function else None))
    if role := asked.get("role_arn"):
        wishes.append(passed(role, "application-autoscaling.amazonaws.com"))
    return Needs(tuple(wishes))


def _of_gateway(asked: Asked) -> Needs:
    wish = Wish(f"apigateway:{asked.method}", f"arn:aws:apigateway:{asked.region}::{asked.path}")
    return Needs((wish,), deputy=asked.method != "GET")


def _of_stacks(asked: Asked) -> Needs:
    named, resource = asked.get("stack_name"), "*"
    if named:
        where = f"arn:aws:cloudformation:{asked.region}:{asked.account}:stack"
        resource = named if named.startswith("arn:") else f"{where}/{named}/*"
    unknown = named is None and asked.get("change_set_name") is not None
    wish = Wish(f"cloudformation:{asked.operation}", None if unknown else resource)
    return Needs((wish,), deputy=not asked.operation.startswith(_READS))


def _of_alarms(asked: Asked) -> Needs:
    """What an alarm does it does by a policy of what it does it to."""
    one = asked.get("alarm_name")
    where = f"arn:aws:cloudwatch:{asked.region}:{asked.account}:alarm"
    arns = [f"{where}:{name}" for name in asked.get("alarm_names") or ([one] if one else ())]
    resources = arns or [asked.get("resource_arn") or "*"]
    return Needs(tuple(Wish(f"cloudwatch:{asked.operation}", each) for each in resources))


def _of_cloud_control(asked: Asked) -> Needs:
    return Needs((Wish(f"cloudformation:{asked.operation}", "*"),), deputy=True)


_SERVICES: Final[Mapping[str, Callable[[Asked], Needs]]] = {
    "lambda": _of_lambda,
    "application-autoscaling": _of_scaling,
    "apigateway": _of_gateway,
    "apigatewayv2": _of_gateway,
    "cloudformation": _of_stacks,
    "cloudcontrol": _of_cloud_control,
    "cloudwatch": _of_alarms,
}

"""Requests for IAM that a function makes: what they ask for, read in one way only. Pure.

    GET or POST, query and form ──► Request ──► form()

What is judged is what IAM gets: a request is written anew from what was read of it, so that
nothing in it can be read twice, once here and once there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from stoker.core.errors import InvalidParameterValueException
from stoker.core.identity_policies import Wish
from stoker.core.policy_conditions import Fact

SERVICE: Final = "iam"
FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"
MOST_PARAMETERS: Final = 2000
_READS: Final = ("Get", "List", "Simulate")  # as before, every function may
# By which member an operation names what it is about, and who is asked for its ARN.
_NAMED: Final = {
    "RoleName": ("role", "GetRole", "Role"),
    "UserName": ("user", "GetUser", "User"),
    "GroupName": ("group", "GetGroup", "Group"),
    "InstanceProfileName": ("instance-profile", "GetInstanceProfile", "InstanceProfile"),
}
_CREATED: Final = {
    "CreateRole": "RoleName",
    "CreateUser": "UserName",
    "CreateGroup": "GroupName",
    "CreateInstanceProfile": "InstanceProfileName",
}
_ATTACHING: Final = ("Attach", "Detach")
_BOUNDED: Final = (
    "CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose ARN must be asked for, since only IAM knows its path."""

    member: str
    name: str
    operation: str
    result: str


@dataclass(frozen=True, slots=True)
class Request:
    parameters: Mapping[str, str]

    @property
    def operation(self) -> str:
        return self.parameters.get("Action", "")

    @property
    def only_reads(self) -> bool:
        return self.operation.startswith(_READS)

    @property
    def members(self) -> frozenset[str]:
        """Of the operation's input, as far as they are there."""
        names = {name.partition(".")[0] for name in self.parameters}
        return frozenset(names - {"Action", "Version"})

    def form(self) -> bytes:
        return urlencode(self.parameters).encode()


def read(query: str, content_type: str, body: bytes) -> Request:
    """Raise InvalidParameterValueException for what can be read in two ways."""
    form = body.decode("utf-8", "replace") if "x-www-form-urlencoded" in content_type else ""
    try:
        pairs = parse_qsl(
            "&".join(filter(None, (query, form))), keep_blank_values=True,
            max_num_fields=MOST_PARAMETERS,
        )  # fmt: skip
    except ValueError:
        raise InvalidParameterValueException(
            f"A request for IAM has {MOST_PARAMETERS} parameters at most."
        ) from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidParameterValueException("A parameter stands there more than once.")
    return Request({k: v for k, v in parameters.items() if not k.startswith("X-Amz-")})


def subject(request: Request) -> Subject | None:
    """Who has to be looked up before the request can be judged."""
    named = [member for member in _NAMED if member in request.parameters]
    if len(named) != 1 or request.operation in _CREATED:
        return None
    _, operation, result = _NAMED[named[0]]
    return Subject(named[0], request.parameters[named[0]], operation, result)


def wishes(request: Request, account: str, found: str | None) -> tuple[Wish, ...]:
    """`found`: the ARN of the subject, if IAM knows it."""
    told = request.parameters
    action = f"iam:{request.operation}"
    made = [Wish(action, _resource(request, account, found), dict(_facts(request)))]
    if request.operation == "AddRoleToInstanceProfile":
        # A role that EC2 may act with from then on. Its path is not known here.
        made.append(Wish("iam:PassRole", None, {"iam:passedtoservice": "ec2.amazonaws.com"}))
    if request.operation.startswith("Create") and any(k.startswith("Tags.") for k in told):
        kind = {"CreateRole": "iam:TagRole", "CreatePolicy": "iam:TagPolicy"}
        made.append(Wish(kind.get(request.operation, "iam:TagUser"), made[0].resource))
    return tuple(made)


def _resource(request: Request, account: str, found: str | None) -> str | None:
    told, operation = request.parameters, request.operation
    where = f"arn:aws:iam::{account}:"
    path = told.get("Path", "/")
    if operation in _CREATED:
        member = _CREATED[operation]
        return f"{where}{_NAMED[member][0]}{path}{told.get(member, '')}"
    if operation == "CreatePolicy":
        return f"{where}policy{path}{told.get('PolicyName', '')}"
    if any(member in told for member in _NAMED):
        return found
    return told.get("PolicyArn")


def _facts(request: Request) -> list[tuple[str, Fact]]:
    told, facts = request.parameters, list[tuple[str, Fact]]()
    if request.operation.startswith(_ATTACHING):
        facts.append(("iam:policyarn", told.get("PolicyArn")))
    if request.operation in _BOUNDED:
        facts.append(("iam:permissionsboundary", told.get("PermissionsBoundary")))
    return facts

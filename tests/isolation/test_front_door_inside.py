"""A function at the server's own front door: it is itself, whatever it signs, and may do little."""

import http.client
from contextlib import closing
from typing import Any

import pytest

from tests.isolation.conftest import Attack
from tests.running import REGION, StokerProcess, deploy

pytestmark = pytest.mark.root
MAY = ("Invoke", "CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups", "ListBuckets",
       "GetCallerIdentity")  # fmt: skip


@pytest.mark.parametrize("key", ["", "111111111111"], ids=["own key", "another account's key"])
def test_a_function_may_invoke_log_and_use_neighbours_and_nothing_else(
    key: str, attack: Attack, attackers: dict[str, str]
) -> None:
    outcomes = attack("door.operations", function=attackers["victim"], key=key).value
    for name in MAY:
        assert outcomes.pop(name) == "done", name
    assert len(outcomes) == 10
    assert set(outcomes.values()) == {"AccessDeniedException"}


def test_the_refusal_is_in_awss_words(attack: Attack) -> None:
    assert attack("door.myself").value == (
        "User: arn:aws:sts::000000000000:assumed-role/any/attacker is not authorized to perform:"
        f" lambda:GetFunction on resource: arn:aws:lambda:{REGION}:000000000000:function:attacker"
        " because no identity-based policy allows the lambda:GetFunction action"
    )


def test_functions_of_other_accounts_and_regions_cannot_be_invoked(
    attack: Attack, server: StokerProcess
) -> None:
    foreign: dict[str, Any] = {"aws_access_key_id": "111111111111"}
    code = "def handler(event, context): return 'reached'"
    with closing(server.client("lambda", **foreign)) as functions:
        deploy(functions, code, FunctionName="foreign")
    with closing(server.client("lambda", region_name="us-west-2")) as functions:
        deploy(functions, code, FunctionName="foreign")
    arns = [
        f"arn:aws:lambda:{REGION}:111111111111:function:foreign",
        "arn:aws:lambda:us-west-2:000000000000:function:foreign",
        f"arn:aws:lambda:{REGION}:000000000000:function:foreign",
    ]
    assert attack("door.foreign", arns=arns).value == [
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ResourceNotFoundException",
    ]


def test_what_is_ours_alone_is_not_shown(attack: Attack, server: StokerProcess) -> None:
    """Also not to who has somebody's link to the code."""
    paths = [
        "/_stoker/api/environments",
        "/_stoker/api/environments?x",
        "//_stoker/api/environments",
        "/_stoker//api/environments",
        "/%5fstoker/api/environments",
        "/x/../_stoker/api/environments",
        "http://localhost/_stoker/api/environments",
        "/_stoker/api",
        "/_stoker/",
        code_link(server),
    ]
    statuses = attack("door.get", paths=paths).value
    assert set(statuses.values()) <= {403, 404}, statuses
    assert attack("door.get", paths=["/_stoker/health"]).value == {"/_stoker/health": 200}


def code_link(server: StokerProcess) -> str:
    """A link that is good outside."""
    with closing(server.client("lambda")) as functions:
        link: str = functions.get_function(FunctionName="victim")["Code"]["Location"]
    path = link.removeprefix(server.url)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        connection.request("GET", path)
        assert connection.getresponse().status == 200
    return path


@pytest.mark.parametrize("name", ["evil.example", "169.254.169.254", "198.18.0.1", "h" * 300])
def test_the_door_answers_to_its_own_names_alone(name: str, attack: Attack) -> None:
    path = "/_stoker/health"
    assert attack("door.get", paths=[path], host=name).value == {path: 403}

"""The form of a new function: what it asks for, what it offers, where a refusal is shown."""

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from stoker.console import starters
from stoker.console.pages import creating
from stoker.core.limits import RUNTIMES, Family
from stoker.core.roles import LAMBDA, trusts

ROLE = "arn:aws:iam::000000000000:role/r"


def test_the_form_says_what_to_create_by_awss_names() -> None:
    form = {
        "FunctionName": " orders ", "Runtime": "python3.12", "Architectures": "x86_64",
        "RoleChoice": "existing", "Role": ROLE, "MemorySize": "256", "Timeout": "",
        "Layer2": "arn:b", "Layer1": "arn:a", "Layer3": " ", "Tags": "team=a=b\n\n empty \n",
        "token": "t",
    }  # fmt: skip
    wanted, wrong = creating.wishes(form)
    assert wrong == {}
    assert wanted == {
        "FunctionName": "orders",
        "Runtime": "python3.12",
        "Architectures": ["x86_64"],
        "Role": ROLE,
        "MemorySize": 256,
        "Layers": ["arn:a", "arn:b"],
        "Tags": {"team": "a=b", "empty": ""},
    }


def test_everything_that_is_wrong_is_said_at_once_each_at_its_field() -> None:
    form = {
        "FunctionName": "a b", "RoleChoice": "existing", "Role": "admin", "MemorySize": "²",
        "Timeout": "-1", "Tags": "a=1\na=2",
    }  # fmt: skip
    _, wrong = creating.wishes(form)
    assert set(wrong) == {"FunctionName", "Role", "MemorySize", "Timeout", "Tags"}
    assert set(creating.wishes({})[1]) == {"FunctionName"}
    assert "Tags" in creating.wishes({"Tags": "=1"})[1]


@pytest.mark.parametrize(
    ("refusal", "field"),
    [
        ("ValidationException: 1 validation error detected: Value '64' at 'memorySize' failed to"
         " satisfy constraint: Member must have value greater than or equal to 128", "MemorySize"),
        ("1 validation error detected: Value 'x' at 'architectures' failed", "Architectures"),
        ("1 validation error detected: Value 'x' at 'tags.a.member' failed", "Tags"),
        ("ResourceConflictException: Function already exist: f", "FunctionName"),
        ("The role defined for the function cannot be assumed by Lambda.", "Role"),
        ("Layer version arn:x does not exist.", "Layers"),
        ("Cannot reference more than 5 layers.", "Layers"),
        ("Number of tags exceeds resource tag limit.", "Tags"),
        ("Something else at 'vpcConfig'", ""),
    ],
)  # fmt: skip
def test_a_refusal_is_shown_at_the_field_that_it_is_of(refusal: str, field: str) -> None:
    assert creating.field_of(refusal) == field


def test_runtimes_are_offered_by_language_and_the_newest_first() -> None:
    found = ["python3.9", "python3.13", "provided.al2", "provided.al2023", "nodejs22.x", "dotnet8"]
    assert creating.offered(found) == [
        creating.Choice("Python", ("python3.13", "python3.9")),
        creating.Choice("Node.js", ("nodejs22.x",)),
        creating.Choice("Custom runtime (bash)", ("provided.al2023", "provided.al2")),
    ]
    assert creating.offered([]) == []


def test_a_role_of_this_form_lets_lambda_write_the_functions_log_and_nothing_else() -> None:
    policy = creating.log_policy("000000000000", "eu-central-1", "f")
    actions = [one["Action"] for one in policy["Statement"]]
    assert actions == ["logs:CreateLogGroup", ["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert policy["Statement"][1]["Resource"] == [
        "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/f:*"
    ]
    trusting = {"Arn": "arn:1", "AssumeRolePolicyDocument": creating.TRUST}
    others = {"Arn": "arn:2", "AssumeRolePolicyDocument": {"Statement": []}}
    broken = {"Arn": "arn:3", "AssumeRolePolicyDocument": "%7B"}
    assert creating.usable([trusting, others, broken]) == ["arn:1"]
    assert not trusts("{}", LAMBDA)
    assert len(creating.role_names("x" * 64, "12345678").role) == 64


def test_every_language_that_runs_here_has_a_starter() -> None:
    families = {one.family for one in RUNTIMES.values() if not one.blocked} - {Family.OTHER}
    assert set(starters.STARTERS) == families
    assert starters.starter("dotnet8") is starters.starter("python2.7") is None
    assert starters.starter("<b>") is None


def test_a_package_is_the_same_each_time_and_its_bootstrap_is_executable() -> None:
    begin = starters.starter("provided.al2023")
    assert begin is not None
    package = starters.packed(begin)
    assert package == starters.packed(begin)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        modes = {one.filename: one.external_attr >> 16 for one in archive.infolist()}
    assert modes == {"bootstrap": 0o100755, "hello.sh": 0o100644}


def test_the_java_starter_is_for_the_oldest_java_that_is_supported() -> None:
    begin = starters.STARTERS[Family.JAVA]
    assert begin.files["example/Hello.class"][6:8] == (55).to_bytes(2, "big")  # Java 11


@pytest.mark.slow
def test_the_java_starter_is_what_its_source_says(tmp_path: Path) -> None:
    javac = shutil.which("javac")
    if javac is None or b" 17." not in subprocess.check_output([javac, "-version"]):
        pytest.skip("it was made by the javac of Java 17")
    source = tmp_path / "Hello.java"
    source.write_bytes(starters.STARTERS[Family.JAVA].files["example/Hello.java"])
    subprocess.run([javac, "--release", "11", "-g:none", "-d", tmp_path, source], check=True)
    made = (tmp_path / "example" / "Hello.class").read_bytes()
    assert made == starters.STARTERS[Family.JAVA].files["example/Hello.class"]

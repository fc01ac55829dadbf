"""What is run instead of what is deployed, while somebody works on it."""

from dataclasses import replace

import pytest

from stoker.core.developing import Overlay, folder_of, is_fingerprint, variables
from tests.core.test_environ import TARGET as ORDERS

TARGET = replace(ORDERS, environment=(("JAVA_TOOL_OPTIONS", "-Dmine=1"),))


def test_each_state_of_a_folder_has_environments_of_its_own() -> None:
    overlays = [
        Overlay("dev-1", "aa"),
        Overlay("dev-1", "bb"),
        Overlay("dev-2", "aa"),
        Overlay("dev-1", "aa", packages="dev-3"),
        Overlay("dev-1", "aa", debug="listen"),
    ]
    keys = {TARGET.key, *(overlay.over(TARGET).key for overlay in overlays)}
    assert len(keys) == 1 + len(overlays)
    assert Overlay("dev-1", "aa").over(TARGET).key == overlays[0].over(TARGET).key


def test_what_is_deployed_is_known_of_what_is_developed() -> None:
    target = Overlay("dev-1", "aa").over(TARGET)
    assert folder_of(target.code) == "dev-1"
    assert target.developed is not None
    assert target.developed.deployed == TARGET.code
    assert folder_of(TARGET.code) is None


@pytest.mark.parametrize("text", ["", "g", "A", "a" * 65, "a@b", "a\n"])
def test_a_state_is_hexadecimal(text: str) -> None:
    assert is_fingerprint("09af")
    assert not is_fingerprint(text)


@pytest.mark.parametrize(
    ("runtime", "debug", "said"),
    [
        ("python3.13", "listen", {"_STOKER_DEBUG": "5678,listen"}),
        ("nodejs22.x", "wait", {"_STOKER_DEBUG": "9229,wait"}),
        ("java21", "wait", {"JAVA_TOOL_OPTIONS": "-Dmine=1 -agentlib:jdwp=transport=dt_socket,"
                            "server=y,suspend=y,address=127.0.0.1:5005"}),
        ("java21", "", {}),
        ("provided.al2023", "listen", {}),
    ],
)  # fmt: skip
def test_each_language_is_told_of_its_debugger_in_its_own_way(
    runtime: str, debug: str, said: dict[str, str]
) -> None:
    target = Overlay("dev-1", "aa", debug=debug).over(replace(TARGET, runtime=runtime))
    assert variables(target, "/var/packages") == said


def test_only_what_is_developed_is_told_anything() -> None:
    assert variables(TARGET, "/var/packages") == {}
    target = Overlay("dev-1", "aa", packages="dev-2").over(TARGET)
    assert variables(target, "/here") == {"_STOKER_PACKAGES": "/here"}

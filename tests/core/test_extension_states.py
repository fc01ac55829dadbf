"""The Extensions API's table of legal calls, whole, and the words of every refusal."""

import json

import pytest

from stoker.core import extension_states as states
from stoker.core.extension_states import (
    ExtensionCall,
    ExtensionState,
    Registration,
    Standing,
    identifier,
    name_refusal,
    refusal,
    registered,
    registration,
    registration_refusal,
    unknown_identifier,
)
from stoker.core.runtime_states import Answer

# Rows: states; columns: event/next, init/error, exit/error. "ok" is carried out; 202 is thanked,
# and nothing happens.
TABLE = """
Started     403 403 403
Registered  ok  ok  ok
Ready       ok  403 ok
Running     ok  403 ok
InitError   403 202 403
ExitError   403 403 202
Exited      403 403 403
LaunchError 403 403 403
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (ExtensionState(state), call, answer)
    for state, *answers in ROWS
    for call, answer in zip(ExtensionCall, answers, strict=True)
]


def test_the_table_is_whole() -> None:
    assert {state for state, _, _ in CELLS} == set(ExtensionState)
    assert len(CELLS) == len(ExtensionState) * len(ExtensionCall)


@pytest.mark.parametrize(("state", "call", "answer"), CELLS)
def test_a_call_in_each_state(state: ExtensionState, call: ExtensionCall, answer: str) -> None:
    refused = refusal(state, call, "agent")
    assert (str(refused.status) if refused else "ok") == answer


def words(answer: Answer | None) -> tuple[int, str, str]:
    assert answer is not None
    body = json.loads(answer.body)
    assert list(body) == ["errorMessage", "errorType"]
    return answer.status, body["errorType"], body["errorMessage"]


def test_a_refused_transition_names_both_states_and_the_extension() -> None:
    assert words(refusal(ExtensionState.INIT_ERROR, ExtensionCall.NEXT, "agent.sh")) == (
        403,
        "Extension.InvalidExtensionState",
        "State transition from InitError to Ready failed for extension agent.sh."
        " Error: State transition is not allowed",
    )


BODIES = {
    b"{}": Registration(False, False),
    b"null": Registration(False, False),
    b'{"events":null}': Registration(False, False),
    b'{"events":[],"configurationKeys":[]}': Registration(False, False),
    b'{"events":["INVOKE","SHUTDOWN","INVOKE"]}': Registration(True, True),
    b'{"events":["SHUTDOWN"],"else":1}': Registration(False, True),
    b"": ("InvalidRequestFormat", "unexpected end of JSON input"),
    b"{": ("InvalidRequestFormat", ""),
    b"[]": ("InvalidRequestFormat", "the body is not an object"),
    b"\xff": ("InvalidRequestFormat", ""),
    b"[" * 60_000: ("InvalidRequestFormat", ""),
    b'{"events":"INVOKE"}': ("InvalidRequestFormat", "events is not an array of strings"),
    b'{"events":[1]}': ("InvalidRequestFormat", "events is not an array of strings"),
    b'{"configurationKeys":["A"]}': (
        "InvalidRequestFormat",
        "configurationKeys are deprecated; use environment variables instead",
    ),
    b'{"events":["invoke"]}': ("Extension.InvalidEventType", "invoke: ErrorInvalidEventType"),
}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:40]))
def test_what_a_registration_may_ask_for(body: bytes) -> None:
    expected = BODIES[body]
    wants = registration(body, external=True)
    if isinstance(expected, Registration):
        assert wants == expected
    else:
        assert isinstance(wants, Answer)
        status, kind, text = words(wants)
        assert (status, kind) == (403, expected[0])
        assert text == expected[1] or not expected[1]
        assert len(text) < 400


def test_an_internal_extension_cannot_hear_of_the_end() -> None:
    wants = registration(b'{"events":["INVOKE","SHUTDOWN"]}', external=False)
    assert isinstance(wants, Answer)
    assert words(wants)[1:] == (
        "Extension.InvalidEventType",
        "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
    )


TAKEN = "Extension.InvalidExtensionState"
CLOSED = "Extension.RegistrationClosed"
STANDINGS = [
    (Standing(True, True, ExtensionState.STARTED, 10), None),
    (Standing(True, True, ExtensionState.STARTED, 11), None),
    (Standing(True, True, ExtensionState.REGISTERED, 1), TAKEN),
    (Standing(True, True, ExtensionState.EXITED, 1), TAKEN),
    (Standing(True, True, None, 1), CLOSED),
    (Standing(False, True, ExtensionState.STARTED, 1), CLOSED),
    (Standing(False, True, ExtensionState.READY, 1), TAKEN),
    (Standing(True, False, None, 9), None),
    (Standing(True, False, None, 10), "Extension.TooManyExtensions"),
    (Standing(True, False, ExtensionState.REGISTERED, 1), TAKEN),
    (Standing(False, False, None, 0), CLOSED),
    (Standing(False, False, ExtensionState.READY, 1), CLOSED),
]


@pytest.mark.parametrize(("standing", "kind"), STANDINGS)
def test_who_may_register(standing: Standing, kind: str | None) -> None:
    refused = registration_refusal(standing, "agent")
    assert (words(refused)[1] if refused else None) == kind


def test_the_refusals_of_a_name_are_worded_as_awss() -> None:
    twice = registration_refusal(Standing(True, True, ExtensionState.READY, 1), "a")
    assert words(twice)[2] == (
        "State transition from Ready to Registered failed for extension a."
        " Error: State transition is not allowed"
    )
    twice = registration_refusal(Standing(True, False, ExtensionState.READY, 1), "a")
    assert words(twice)[2] == "Extension with this name already registered"
    closed = registration_refusal(Standing(False, False, None, 0), "a")
    assert words(closed)[2] == "Extension registration closed already"
    full = registration_refusal(Standing(True, False, None, 10), "a")
    assert words(full)[2] == "Extension limit (10) reached"
    assert words(name_refusal(""))[1:] == (
        "Extension.InvalidExtensionName",
        "Empty extension name",
    )
    assert words(name_refusal("x" * 256))[1] == "Extension.InvalidExtensionName"
    assert name_refusal("x" * 255) is None


def test_an_identifier_is_a_uuid() -> None:
    uuid = "3FA85F64-5717-4562-B3FC-2C963F66AFA6"
    assert identifier({"lambda-extension-identifier": uuid}) == uuid.lower()
    assert identifier({}) is states.MISSING_ID
    assert words(states.MISSING_ID)[1:] == (
        "Extension.MissingExtensionIdentifier",
        "Missing Lambda-Extension-Identifier header",
    )
    for wrong in ("x", uuid + "0", uuid[:-1], f"{{{uuid}}}", uuid + "\n"):
        assert identifier({"lambda-extension-identifier": wrong}) is states.INVALID_ID
    assert words(states.INVALID_ID)[1:] == (
        "Extension.InvalidExtensionIdentifier",
        "Invalid Lambda-Extension-Identifier",
    )
    assert words(unknown_identifier("u", on_next=True))[2] == "Unknown extension u"
    assert words(unknown_identifier("u", on_next=False))[1:] == (
        "Extension.UnknownExtensionIdentifier",
        "Unknown Lambda-Extension-Identifier",
    )


def test_a_new_extension_hears_whom_it_serves() -> None:
    greeting = b'"functionName":"f","functionVersion":"$LATEST","handler":"h.main"}'
    assert registered("f", "$LATEST", "h.main", "123456789012", "") == b"{" + greeting
    for accept in ("accountId", "other, accountId"):
        assert registered("f", "$LATEST", "h.main", "123456789012", accept) == (
            b'{"accountId":"123456789012",' + greeting
        )
    assert registered("f", "$LATEST", "h.main", "1", "accountid,x") == b"{" + greeting

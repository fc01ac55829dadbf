"""Which call of the Extensions API (2020-01-01) is legal when, and the exact answer to one that
is not.

As in runtime_states.py the table protects what is behind it: the function can make these calls as
well as an extension can. First the request itself is checked, then the extension's state; a call
that is refused changes nothing. All refusals are AWS's, but for the length of a name.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from stoker.core.invoke_limits import EXTENSION_NAME_CHARS, EXTENSIONS
from stoker.core.runtime_states import ACCEPTED, Answer, error_answer

ID_HEADER = "Lambda-Extension-Identifier"
ERROR_TYPE_HEADER = "Lambda-Extension-Function-Error-Type"
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"


class ExtensionState(StrEnum):
    """An extension as the API sees it. The values are the names AWS prints."""

    STARTED = "Started"  # its process runs, and has not registered
    REGISTERED = "Registered"  # has not asked for its first event
    READY = "Ready"  # waits for an event
    RUNNING = "Running"  # has one
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    EXITED = "Exited"
    LAUNCH_ERROR = "LaunchError"


class ExtensionCall(StrEnum):
    """A call of a registered extension, by the name of the state it asks for."""

    NEXT = "Ready"
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"


@dataclass(frozen=True, slots=True)
class Registration:
    """A body of /extension/register."""

    invoke: bool
    shutdown: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is when a name wants to register."""

    open: bool  # the runtime has not asked for its first event yet
    external: bool  # a file of /opt/extensions has this name
    state: ExtensionState | None  # of the extension with this name, if there is one
    count: int  # extensions: files that were started, and internal ones that registered


def _refused(kind: str, message: str) -> Answer:
    return error_answer(403, message, kind)


MISSING_ID = _refused("Extension.MissingExtensionIdentifier", f"Missing {ID_HEADER} header")
INVALID_ID = _refused("Extension.InvalidExtensionIdentifier", f"Invalid {ID_HEADER}")
_UNKNOWN_ID = "Extension.UnknownExtensionIdentifier"
MISSING_ERROR_TYPE = _refused("Extension.MissingHeader", f"{ERROR_TYPE_HEADER} not found")
EMPTY_NAME = _refused("Extension.InvalidExtensionName", "Empty extension name")
LONG_NAME = _refused("Extension.InvalidExtensionName", "Extension name is too long")  # ours
_DEPRECATED = _refused(
    "InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead"
)
_CLOSED = _refused("Extension.RegistrationClosed", "Extension registration closed already")
_TAKEN = _refused("Extension.InvalidExtensionState", "Extension with this name already registered")
_TOO_MANY = _refused("Extension.TooManyExtensions", f"Extension limit ({EXTENSIONS}) reached")

_LEGAL = {
    ExtensionCall.NEXT: {
        ExtensionState.REGISTERED, ExtensionState.READY, ExtensionState.RUNNING,
    },
    ExtensionCall.INIT_ERROR: {ExtensionState.REGISTERED},
    ExtensionCall.EXIT_ERROR: {
        ExtensionState.REGISTERED, ExtensionState.READY, ExtensionState.RUNNING,
    },
}  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def refusal(state: ExtensionState, call: ExtensionCall, name: str) -> Answer | None:
    """The answer to a call that must not be carried out; None if it is legal and must be.

    Whoever repeats its own last words is thanked again, and nothing happens.
    """
    if state in _LEGAL[call]:
        return None
    if call.value == state.value:
        return ACCEPTED
    return _transition(state, call.value, name)


def name_refusal(name: str) -> Answer | None:
    if not name:
        return EMPTY_NAME
    return LONG_NAME if len(name) > EXTENSION_NAME_CHARS else None


def registration(body: bytes, *, external: bool) -> Registration | Answer:
    """What the body asks for, or why it cannot be."""
    if not body.strip():
        return _format("unexpected end of JSON input")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        return _format(str(error))
    if document is None:
        document = {}
    if not isinstance(document, dict):
        return _format("the body is not an object")
    if document.get("configurationKeys"):
        return _DEPRECATED
    events = document.get("events")
    events = [] if events is None else events
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        return _format("events is not an array of strings")
    for event in events:
        if event not in (INVOKE, SHUTDOWN):
            shown = event[:EXTENSION_NAME_CHARS]
            return _refused("Extension.InvalidEventType", f"{shown}: ErrorInvalidEventType")
        if event == SHUTDOWN and not external:
            return _refused(
                "Extension.InvalidEventType",
                f"{SHUTDOWN}: ShutdownEventNotSupportedForInternalExtension",
            )
    return Registration(INVOKE in events, SHUTDOWN in events)


def registration_refusal(standing: Standing, name: str) -> Answer | None:
    """Why `name` may not register now; None: it must be registered."""
    if standing.external and standing.state not in (ExtensionState.STARTED, None):
        return _transition(standing.state, ExtensionState.REGISTERED, name)
    if not standing.open or (standing.external and standing.state is None):
        return _CLOSED
    if standing.state is not None and not standing.external:
        return _TAKEN
    return _TOO_MANY if not standing.external and standing.count >= EXTENSIONS else None


def identifier(headers: dict[str, str]) -> str | Answer:
    """The id in a request's headers, or the answer to a request without a valid one."""
    value = headers.get(ID_HEADER.lower(), "")
    if not value:
        return MISSING_ID
    return value.lower() if _UUID.fullmatch(value) else INVALID_ID


def unknown_identifier(value: str, *, on_next: bool) -> Answer:
    text = f"Unknown extension {value}" if on_next else f"Unknown {ID_HEADER}"
    return _refused(_UNKNOWN_ID, text)


def registered(name: str, version: str, handler: str, account: str, accept: str) -> bytes:
    """The body that greets a new extension. `accept`: Lambda-Extension-Accept-Feature."""
    facts = {"functionName": name, "functionVersion": version, "handler": handler}
    if "accountId" in (feature.strip() for feature in accept.split(",")):
        facts = {"accountId": account, **facts}
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode()


def _format(problem: str) -> Answer:
    return _refused("InvalidRequestFormat", problem)


def _transition(state: ExtensionState | None, wanted: str, name: str) -> Answer:
    return _refused(
        "Extension.InvalidExtensionState",
        f"State transition from {state} to {wanted} failed for extension {name}."
        " Error: State transition is not allowed",
    )

"""The HTTP responses that hand events to the runtime and to extensions, built by filling in.

Date is left out: no client reads it, and this is the hottest response of all.
"""

import json
from functools import lru_cache

from stoker.core.invocation import Invocation

_encode = json.JSONEncoder().encode
_JSON = "application/json"
_USUAL = _JSON.encode()
_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: %b\r\n"
    b"Lambda-Runtime-Aws-Request-Id: %b\r\n"
    b"Lambda-Runtime-Deadline-Ms: %d\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: %b\r\n"
    b"%b"
    b"Content-Length: %d\r\n"
    b"\r\n"
    b"%b"
)


def next_response(invocation: Invocation, deadline_ms: int) -> bytes:
    """A header whose value would be empty is left out, as on AWS."""
    optional, kind = b"", invocation.content_type
    if invocation.trace_id:
        optional = b"Lambda-Runtime-Trace-Id: %b\r\n" % header_value(invocation.trace_id)
    if invocation.client_context:
        value = header_value(invocation.client_context)
        optional += b"Lambda-Runtime-Client-Context: %b\r\n" % value
    if invocation.cognito_identity:
        value = header_value(invocation.cognito_identity)
        optional += b"Lambda-Runtime-Cognito-Identity: %b\r\n" % value
    if invocation.target.tenant:
        value = header_value(invocation.target.tenant)
        optional += b"Lambda-Runtime-Aws-Tenant-Id: %b\r\n" % value
    return _HEAD % (
        _USUAL if kind == _JSON else header_value(kind),
        invocation.request_id.encode(),
        deadline_ms,
        _arn_value(invocation.invoked_arn),
        optional,
        len(invocation.event),
        invocation.event,
    )


def invoke_event(invocation: Invocation, deadline_ms: int) -> bytes:
    """What an extension hears of an invocation. AWS tells of tracing whether it is on or not."""
    return _INVOKE_EVENT % (
        deadline_ms,
        invocation.request_id.encode(),
        _quoted(invocation.invoked_arn),
        _encode(invocation.trace_id).encode(),
    )


def shutdown_event(reason: str, deadline_ms: int) -> bytes:
    """reason: lower case on the wire, whatever the documentation prints."""
    event = {"eventType": "SHUTDOWN", "deadlineMs": deadline_ms, "shutdownReason": reason}
    return json.dumps(event, separators=(",", ":")).encode()


def extension_response(event_id: str, event: bytes) -> bytes:
    return _EXTENSION_HEAD % (event_id.encode(), len(event), event)


_EXTENSION_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json\r\n"
    b"Lambda-Extension-Event-Identifier: %b\r\n"
    b"Content-Length: %d\r\n"
    b"\r\n"
    b"%b"
)
_INVOKE_EVENT = (
    b'{"eventType":"INVOKE","deadlineMs":%d,"requestId":"%b","invokedFunctionArn":%b,'
    b'"tracing":{"type":"X-Amzn-Trace-Id","value":%b}}'
)
_CONTROLS = bytes.maketrans(bytes(range(32)), b" " * 32)


def header_value(text: str) -> bytes:
    """UTF-8 that cannot end its header: JSON may be spread over lines, callers may be hostile."""
    if text.isascii() and text.isprintable():
        return text.encode()
    return text.encode("utf-8", "replace").translate(_CONTROLS, b"\x7f")


def _quoted_value(text: str) -> bytes:
    return _encode(text).encode()


_quoted = lru_cache(1024)(_quoted_value)
_arn_value = lru_cache(1024)(header_value)

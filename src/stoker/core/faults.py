"""Why an init or an invocation failed, in AWS's types and words, and what the caller reads."""

import json
import re
from dataclasses import dataclass

from stoker.core.invoke_limits import ERROR_CAUSE_BYTES, RESPONSE_BYTES


@dataclass(frozen=True, slots=True)
class Fault:
    type: str  # "Runtime.ExitError"
    text: str  # "Runtime exited with error: exit status 1"
    posted: bool = False  # the runtime told us itself: its own words are the payload


NO_BOOTSTRAP = Fault(
    "Runtime.InvalidEntrypoint",
    "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
)
TRUNCATED = Fault("Runtime.TruncatedResponse", "HTTP request detected as truncated")
OVERSIZED = Fault(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes).",
)
BAD_RESPONSE_MODE = Fault("Runtime.InvalidResponseModeHeader", "Invalid function response mode")

RESTORE_TIMED_OUT = Fault("Runtime.RestoreHookUserTimeout", "Restore timed out")

# os/signal's names as Go prints them: these words are in AWS's payloads.
_GO_SIGNALS = {
    1: "hangup", 2: "interrupt", 3: "quit", 4: "illegal instruction",
    5: "trace/breakpoint trap", 6: "aborted", 7: "bus error", 8: "floating point exception",
    9: "killed", 10: "user defined signal 1", 11: "segmentation fault",
    12: "user defined signal 2", 13: "broken pipe", 14: "alarm clock", 15: "terminated",
    16: "stack fault", 17: "child exited", 18: "continued", 19: "stopped (signal)",
    20: "stopped", 21: "stopped (tty input)", 22: "stopped (tty output)",
    23: "urgent I/O condition", 24: "CPU time limit exceeded", 25: "file size limit exceeded",
    26: "virtual timer expired", 27: "profiling timer expired", 28: "window changed",
    29: "I/O possible", 30: "power failure", 31: "bad system call",
}  # fmt: skip


def runtime_exit(
    code: int | None, signal: int | None, error: str | None, *, out_of_memory: bool
) -> Fault:
    """The fault that the end of the runtime's process is.

    out_of_memory: the kernel killed something in this environment for want of memory.
    """
    if error is not None:
        return Fault("Runtime.InvalidEntrypoint", error)
    if signal is not None:
        name = _GO_SIGNALS.get(signal, f"signal {signal}")
        kind = "Runtime.OutOfMemory" if out_of_memory and signal == 9 else "Runtime.ExitError"
        return Fault(kind, f"Runtime exited with error: signal: {name}")
    if code:
        return Fault("Runtime.ExitError", f"Runtime exited with error: exit status {code}")
    return Fault("Runtime.ExitError", "Runtime exited without providing a reason")


def extension_exit(code: int | None, signal: int | None, error: str | None) -> Fault:
    """The fault that the end of an extension's process is, outside shutdown."""
    if error is not None:
        return Fault("Extension.LaunchError", error)
    if signal is not None:
        return Fault("Extension.Crash", f"signal: {_GO_SIGNALS.get(signal, f'signal {signal}')}")
    return Fault("Extension.Crash", f"exit status {code or 0}")


TOO_MANY_EXTENSIONS = Fault("Extension.LaunchError", "Too many extensions")


def launch_error_type(fault: Fault) -> str:
    """Why an extension was not started, as the platform's record of it says."""
    if fault is TOO_MANY_EXTENSIONS:
        return "TooManyExtensions"
    denied = fault.text.endswith(": permission denied")
    return "PermissionDenied" if denied else "UnknownError"


def timed_out(timeout_s: float) -> Fault:
    return Fault("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds")


_KNOWN_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


def posted_type(header: str) -> str:
    """Lambda-Runtime-Function-Error-Type as the platform's own records carry it."""
    if len(header) <= 256 and _KNOWN_TYPE.search(header):
        return header
    return "Function.Unknown" if header.startswith("Function.") else "Runtime.Unknown"


def payload(fault: Fault, request_id: str) -> bytes:
    """What a synchronous caller reads, byte for byte."""
    if fault.type == OVERSIZED.type:  # AWS: other key order, no request id
        body = {"errorMessage": fault.text, "errorType": fault.type}
    else:
        message = f"RequestId: {request_id} Error: {fault.text}"
        body = {"errorType": fault.type, "errorMessage": message}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def without_cause(body: bytes) -> tuple[bytes, str, str]:
    """A body of type application/vnd.aws.lambda.error.cause+json as the caller gets it, and its
    content type: less the cause, which is for tracing and comes last."""
    try:
        error = json.loads(body) if len(body) <= ERROR_CAUSE_BYTES else None
    except (ValueError, RecursionError):
        error = None
    if not isinstance(error, dict):
        return b"Invalid error body", "application/octet-stream", ""
    cause = json.dumps(error.pop("errorCause", None))
    text = json.dumps(error, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass"), "application/json", cause

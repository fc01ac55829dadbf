"""What a handler sees of its runtime: errors, JSON, the context object, the log.

Names, texts, orders of keys and formats are those of AWS's own client.
"""

from __future__ import annotations

import json
import logging
import marshal
import os
import re
import sys
import time
import traceback

TYPE_CHECKING = False  # typing's own constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
W3C_FIELDS = ("traceparent", "tracestate", "baggage")
CONTEXT_FIELDS = (
    "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
    "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
)  # fmt: skip
RECORD_FIELDS = frozenset(  # of a LogRecord; whatever else is in one came by `extra`
    (
        "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info",
        "exc_text", "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated",
        "thread", "threadName", "processName", "process", "aws_request_id", "tenant_id",
    )
)  # fmt: skip

UNHANDLED_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, "
    "or can be applied automatically. To determine if the runtime has been updated, check the "
    "runtime version in the INIT_START log entry. If this error correlates with a change in the "
    "runtime version, you may be able to mitigate this error by temporarily rolling back to the "
    "previous runtime version. For more information, see "
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


class Current:
    """The invocation in hand, for the log."""

    request_id: str | None = None
    tenant_id: str | None = None


current = Current()


# -- errors -----------------------------------------------------------------------------------


class Fault(Exception):
    """A failure that AWS has a name for, rather than the exception that showed it."""

    def __init__(self, type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.trace = trace or []


def decode_event(event: bytes, headers: dict[str, str]) -> Any:
    if headers.get("content-type", "application/json") != "application/json":
        return event
    try:
        return json.loads(str(event, "utf-8"))
    except Exception as error:  # RecursionError included
        text = f"Unable to unmarshal input: {error}"
        raise Fault("Runtime.UnmarshalError", text) from error


def text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the function's own __str__
        return f"<unprintable {type(error).__name__} object>"


def error_payload(
    message: str, kind: str, trace: list[str], request_id: str = ""
) -> dict[str, Any]:
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def xray_cause(message: str, kind: str, frames: list[Any]) -> dict[str, Any]:
    """What X-Ray is told."""
    try:
        directory = os.getcwd()  # noqa: PTH109 (no pathlib here: memory)
    except OSError:  # the function removed it
        directory = ""
    stack = [{"label": name, "path": path, "line": line} for path, line, name, _ in frames]
    return {
        "working_directory": directory,
        "exceptions": [{"message": message, "type": kind, "stack": stack}],
        "paths": list({path for path, *_ in frames}),
    }


# -- JSON -------------------------------------------------------------------------------------


class Encoder:
    """JSON as AWS's client writes it with simplejson.

    That is the standard library's, but Decimals are numbers, named tuples are objects, bytes
    inside of a result are text, and from Python 3.12 on characters are not escaped.
    """

    def __init__(self, execution_env: str | None = None) -> None:
        minor = (execution_env or "").rpartition("_python3.")[2]
        minor_version = int(minor) if minor.isdigit() else sys.version_info[1]
        ascii_only = minor_version < 12
        self._encode = json.JSONEncoder(ensure_ascii=ascii_only, default=self._foreign).encode
        self._mark = ""

    def result(self, value: object) -> bytes:
        try:
            try:
                text = self.text(value)
            except TypeError:
                text = self.text(_plain(value))  # a key that json would not have
            else:
                if _has_named_tuple(value):
                    text = self.text(_plain(value))
            return text.encode("utf-8", "backslashreplace")  # half a surrogate pair: \\ud800
        except Exception as error:  # the function's own objects may raise anything
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error

    def text(self, value: object) -> str:
        self._mark = ""
        text = self._encode(value)
        if self._mark:
            text = re.sub(f'"{self._mark}([^"]*)"', r"\1", text)
        return text

    def _foreign(self, value: object) -> object:
        """What json does not know. It has no way to write a number's text as it is, so that a
        Decimal leaves as a string with a mark nobody can guess, and `text` unwraps it."""
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            self._mark = self._mark or os.urandom(16).hex()
            return self._mark + str(value)
        if isinstance(value, bytes):
            return value.decode()
        if callable(getattr(value, "_asdict", None)):
            return value._asdict()  # type: ignore[attr-defined]
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _has_named_tuple(value: Any) -> bool:
    """Whether json would write an array where simplejson writes an object.

    marshal refuses whatever is of a subclass, and is eight times faster than looking.
    """
    try:
        marshal.dumps(value, 2)
    except ValueError:
        pass
    else:
        return False
    found: list[Any] = [value]
    for item in found:  # grows while it is read; json has refused cycles before
        if isinstance(item, dict):
            found.extend(item.values())
        elif isinstance(item, (list, tuple)):
            if callable(getattr(item, "_asdict", None)):
                return True
            found.extend(item)
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if callable(getattr(value, "_asdict", None)):
        return _plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _key(key: Any) -> Any:
    if isinstance(key, bytes):
        return key.decode()
    if key is None or isinstance(key, (str, int, float)):
        return key
    kind = type(key).__name__  # json's own text differs between versions of Python
    raise TypeError(f"keys must be str, int, float, bool or None, not {kind}")


# -- the context object ------------------------------------------------------------------------


class LambdaContext:
    """The handler's second argument."""

    aws_request_id: str
    invoked_function_arn: str | None
    tenant_id: str | None

    def __init__(self, headers: Mapping[str, str], constants: Mapping[str, Any]) -> None:
        self.__dict__.update(constants)
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        client = _json_of(headers.get("lambda-runtime-client-context"), "Client Context")
        identity = _json_of(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity")
        self._w3c_fields = _take_w3c(client) if client else {}
        self.client_context = ClientContext(client) if client is not None else None
        self.identity = CognitoIdentity(identity)
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", 0))

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the invocation."""
        return dict(self._w3c_fields)

    def log(self, message: object) -> None:
        """Write to the log as it is, without level and time."""
        for handler in logging.getLogger().handlers:
            sink = getattr(handler, "log_sink", None)
            if sink is not None:
                sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return _describe(self, CONTEXT_FIELDS)


class _Record:
    """An object whose attributes are the members of a JSON object; None where there is none."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, members: Mapping[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, members.get(name))

    def __repr__(self) -> str:
        return _describe(self, self.__slots__)


class Client(_Record):
    __slots__ = (  # noqa: RUF023 - in the order in which AWS prints them
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Record):
    __slots__ = ("custom", "env", "client")  # noqa: RUF023

    def __init__(self, members: Mapping[str, Any]) -> None:
        super().__init__(members)
        client = members.get("client")
        self.client = Client(client) if client is not None else None


class CognitoIdentity(_Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, members: Mapping[str, Any] | None) -> None:
        self.cognito_identity_id = self.cognito_identity_pool_id = None
        if members is not None:
            self.cognito_identity_id = members.get("cognitoIdentityId")
            self.cognito_identity_pool_id = members.get("cognitoIdentityPoolId")


def _describe(thing: object, names: Iterable[str]) -> str:
    fields = ",".join(f"{name}={getattr(thing, name)}" for name in names)
    return f"{type(thing).__name__}([{fields}])"


def context_constants(environ: Mapping[str, str]) -> dict[str, str | None]:
    """What is the same in the context of every invocation, in the order of AWS's attributes."""
    return {
        "aws_request_id": None,
        "log_group_name": environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        "log_stream_name": environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        "function_name": environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "memory_limit_in_mb": environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "function_version": environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
    }


def _take_w3c(client: Any) -> dict[str, str]:
    """The trace context, which travels in the client context and is not shown there."""
    trace = client.pop("w3c", None) if isinstance(client, dict) else None
    if not isinstance(trace, dict):
        return {}
    return {name: trace[name] for name in W3C_FIELDS if isinstance(trace.get(name), str)}


def _json_of(header: str | None, name: str) -> Any:
    if not header:
        return None
    try:
        return json.loads(header)
    except Exception as error:
        message = f"Unable to parse {name} JSON: {error}"
        raise Fault("Runtime.LambdaContextUnmarshalError", message) from error


# -- logging -----------------------------------------------------------------------------------


def set_up_logging(sink: StreamSink) -> None:
    """One handler on the root logger, in the format of the function's LoggingConfig."""
    logging.Formatter.converter = time.gmtime
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    as_json = _logs_json()
    handler = (
        LambdaLoggerHandlerWithFrameType(sink) if as_json or level else LambdaLoggerHandler(sink)
    )
    handler.setFormatter(
        JsonFormatter() if as_json else logging.Formatter(TEXT_FORMAT, TIME_FORMAT)
    )
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)


def _logs_json() -> bool:
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def _frame_type(level: int, is_text: bool) -> bytes:
    """Frame types count levels from TRACE = 1: logging's 10, 20 … become 2, 3 …"""
    step = _level(level) // 10
    return (0xA55A0002 | (step + 1 if step else 0) << 2 | is_text).to_bytes(4, "big")


def _level(level: int) -> int:
    """The standard level at or below; AWS knows no others."""
    return min(50, max(0, level)) // 10 * 10


def rehearse() -> None:
    """Format a record, and forget it."""
    handler = LambdaLoggerHandler(StreamSink())
    handler.setFormatter(logging.Formatter(TEXT_FORMAT, TIME_FORMAT))
    handler.addFilter(LambdaLoggerFilter())
    record = logging.LogRecord("root", logging.INFO, "", 0, "%s", ("rehearsal",), None)
    handler.filter(record)
    handler.format(record)
    handler.close()
    current.request_id = current.tenant_id = None


class LambdaLoggerHandler(logging.Handler):
    """Records as undefined text. The name and `log_sink` are what libraries look for."""

    def __init__(self, log_sink: StreamSink) -> None:
        super().__init__()
        self.log_sink = log_sink

    def emit(self, record: logging.LogRecord) -> None:
        self.log_sink.log(self.format(record))


class LambdaLoggerHandlerWithFrameType(LambdaLoggerHandler):
    """Records with their level, so that the platform can filter them."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        is_text = not isinstance(self.formatter, JsonFormatter)
        self.log_sink.log(text, _frame_type(record.levelno, is_text))


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = current.request_id or ""
        record.tenant_id = current.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object per record; `extra` attributes become members of it."""

    def __init__(self) -> None:
        super().__init__(datefmt=TIME_FORMAT + "Z")
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def format(self, record: logging.LogRecord) -> str:
        as_is = isinstance(record.msg, dict) and not record.args
        kind, raised, trace = record.exc_info or (None, None, None)
        place = f"{record.pathname}:{record.funcName}:{record.lineno}"
        members = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": logging.getLevelName(_level(record.levelno)),
            "message": record.msg if as_is else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if kind else None,
            "errorType": kind.__name__ if kind else None,
            "errorMessage": str(raised) if kind else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": place if kind else None,
        }
        tenant = getattr(record, "tenant_id", None)
        if tenant is not None:
            members["tenantId"] = tenant
        for name, value in record.__dict__.items():
            if name not in RECORD_FIELDS:
                members.setdefault(name, value)
        return self._encode({k: v for k, v in members.items() if v is not None}) + "\n"


class StreamSink:
    """The log when nobody reads frames: stdout, where \r keeps the lines of one record together."""

    def log(self, text: str, frame_type: bytes | None = None) -> None:
        sys.stdout.write(text)

    def error(self, error: dict[str, Any], encoder: Encoder) -> None:
        self.log("\r".join(_error_lines(error, encoder)) + "\n")


class FrameSink(StreamSink):
    """The log as frames: type, length, microseconds since 1970, text; numbers big-endian."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def log(self, text: str, frame_type: bytes | None = None) -> None:
        data = text.encode("utf-8", "backslashreplace")
        stamp = (time.time_ns() // 1000).to_bytes(8, "big")
        kind = frame_type or _frame_type(logging.NOTSET, True)
        frame = memoryview(b"".join((kind, len(data).to_bytes(4, "big"), stamp, data)))
        while frame:
            frame = frame[os.write(self._descriptor, frame) :]

    def error(self, error: dict[str, Any], encoder: Encoder) -> None:
        self.log(
            "\n".join(_error_lines(error, encoder)), _frame_type(logging.ERROR, not _logs_json())
        )


def _error_lines(error: dict[str, Any], encoder: Encoder) -> list[str]:
    """An error as AWS logs it. Indentation in NO-BREAK SPACES survives CloudWatch's console."""
    if _logs_json():
        stamp = time.strftime(TIME_FORMAT + "Z", time.gmtime())
        return [encoder.text({"timestamp": stamp, "level": "ERROR", **error})]
    first = "[ERROR]"
    if error["errorType"]:
        first += " " + error["errorType"]
    if error["errorMessage"]:
        first += (": " if error["errorType"] else " ") + error["errorMessage"]
    lines = [first, "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    return lines

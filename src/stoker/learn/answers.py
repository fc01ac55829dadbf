"""What came of an invocation, as an experiment judges it. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from stoker.core.report_lines import Measured, read_report

THROTTLED: Final = "TooManyRequestsException"
_PAYLOAD_BYTES = 16 * 1024  # more is not shown, nor judged


@dataclass(frozen=True, slots=True)
class Answer:
    event: Any  # JSON
    payload: Any = None  # JSON; what is none is text
    error: str = ""  # FunctionError, or the code of what AWS refuses
    refused: bool = False  # the function did not run
    message: str = ""  # of a refusal
    version: str = ""
    request_id: str = ""
    measured: Measured | None = None  # its REPORT line
    log: str = ""  # the last 4 KB

    @property
    def throttled(self) -> bool:
        return self.refused and self.error == THROTTLED

    @property
    def cold(self) -> bool:
        """Its REPORT has an Init Duration, or a Restore Duration."""
        return self.measured is not None and self.measured.cold

    @property
    def before_ms(self) -> float | None:
        """What passed before the handler of a cold start ran."""
        return self.measured.before_ms if self.measured is not None and self.cold else None

    def told(self, name: str) -> Any:
        """What the function answered under this name; None: nothing."""
        return self.payload.get(name) if isinstance(self.payload, Mapping) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step of an experiment observed."""

    answers: tuple[Answer, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else, by name; as JSON has it


def answer_of(event: Any, answered: Mapping[str, Any]) -> Answer:
    """`answered`: to an Invoke with its log's tail, as boto3 would show it."""
    log = base64.b64decode(answered.get("LogResult") or "").decode("utf-8", "replace")
    request_id = str(answered.get("ResponseMetadata", {}).get("RequestId", ""))
    return Answer(
        event=event,
        payload=_payload(answered.get("Payload") or b""),
        error=answered.get("FunctionError") or "",
        version=answered.get("ExecutedVersion") or "",
        request_id=request_id,
        measured=read_report(log, request_id),
        log=log,
    )


def _payload(payload: bytes) -> Any:
    if not payload:
        return None
    if len(payload) <= _PAYLOAD_BYTES:
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass
    return payload[:_PAYLOAD_BYTES].decode("utf-8", "replace")

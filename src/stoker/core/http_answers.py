"""What a function answered through an HTTP API, as an HTTP answer; and the API's own refusals.

    2.0   as through a function URL (core/url_answers.py): also JSON without a statusCode
    1.0   {"statusCode": …, "headers": …, "multiValueHeaders": …, "body": …, "isBase64Encoded": …}

All of it comes from inside: what does not make an HTTP answer raises BadAnswer, and is a 500.
"""

from dataclasses import dataclass, field

import orjson

from stoker.core.url_answers import JSON, BadAnswer, Head, body_of, head_of

UNTYPED = ("Content-Type", "text/plain;charset=UTF-8")  # what AWS says of what says nothing
SEVERAL = 1000  # values of headers (ours)


@dataclass
class Refused(Exception):
    """The API itself answers: {"message": …}."""

    status: int
    message: str
    reason: str = ""  # for the log
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return orjson.dumps({"message": self.message})


def failed(reason: str) -> Refused:
    """The function, its answer or the configuration is at fault."""
    return Refused(500, "Internal Server Error", reason)


def unavailable(reason: str) -> Refused:
    return Refused(503, "Service Unavailable", reason)


def forbidden(reason: str = "") -> Refused:
    return Refused(403, "Forbidden", reason)


def unauthorized(reason: str = "", headers: list[tuple[str, str]] | None = None) -> Refused:
    return Refused(401, "Unauthorized", reason, headers or [])


def not_found() -> Refused:
    return Refused(404, "Not Found")


def too_large() -> Refused:
    return Refused(413, "Request Entity Too Large")


def read(version: str, payload: bytes) -> tuple[Head, bytes]:
    """A function's answer in format `version`."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadAnswer("it is not JSON") from None
    said = isinstance(answer, dict) and "statusCode" in answer
    if version == "2.0":
        if not said:
            return Head(200, [JSON]), answer.encode() if isinstance(answer, str) else payload
        return head_of(answer, untyped=UNTYPED), body_of(answer)
    if not said:
        raise BadAnswer("it has no statusCode, and format 1.0 needs one")
    several = answer.get("multiValueHeaders")
    answer.pop("cookies", None)  # of format 2.0
    if not isinstance(several, dict | None):
        raise BadAnswer("multiValueHeaders must be an object")
    listed = [
        (name, value)
        for name, values in (several or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if len(listed) > SEVERAL:
        raise BadAnswer(f"it has more than {SEVERAL} values of headers")
    return head_of(answer, listed, UNTYPED), body_of(answer)

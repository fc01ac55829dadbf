"""What a function answered to a proxy integration of a REST API, as an HTTP answer.

    {"statusCode": …, "headers": …, "multiValueHeaders": …, "body": …, "isBase64Encoded": …}

None of these is needed and no other is taken: anything else is a 502. It all comes from inside.
"""

from typing import Any

import orjson

from stoker.core.url_answers import BadAnswer, Head, body_of, head_of

_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
SEVERAL = 1000  # values of headers (ours)


def proxied(payload: bytes, *, decode: bool) -> tuple[Head, bytes]:
    """`decode`: the client takes binary media, so base64 is to be undone. Raise BadAnswer."""
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise BadAnswer("it is not JSON") from None
    if not isinstance(answer, dict):
        raise BadAnswer("it is no object")
    if not answer.keys() <= _MEMBERS:
        other = min(answer.keys() - _MEMBERS)
        raise BadAnswer(f"a proxy integration's answer has no member {other[:64]!r}")
    status = answer.get("statusCode")
    one, many = _named(answer, "headers"), _named(answer, "multiValueHeaders")
    named = {name.lower() for name in many}  # a name in both has the values of the list
    single = {n: v for n, v in one.items() if n.lower() not in named and v is not None}
    told = {"statusCode": 200 if status is None else status, "headers": single}
    head = head_of(told, _several(many))
    return head, body_of({**answer, "isBase64Encoded": decode and answer.get("isBase64Encoded")})


def _named(answer: dict[str, Any], member: str) -> dict[str, Any]:
    found = answer.get(member)
    if not isinstance(found, dict | None):
        raise BadAnswer(f"{member} is no object")
    return found or {}


def _several(many: dict[str, Any]) -> list[tuple[str, Any]]:
    found = [
        (name, value)
        for name, values in many.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if len(found) > SEVERAL:
        raise BadAnswer(f"it has more than {SEVERAL} values of headers")
    return found

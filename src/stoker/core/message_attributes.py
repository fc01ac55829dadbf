"""Attributes of messages: what is legal, how large they are, and the digest that clients check."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from stoker.core.queue_errors import InvalidMessageContents, InvalidParameterValue

ATTRIBUTES = 10  # of one message
NAME_CHARS = 256
_NAME = re.compile(r"[A-Za-z0-9_\-.]+", re.ASCII)
_KINDS = ("String", "Number", "Binary")
# Of a message's text: #x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Value:
    kind: str  # "String", "Number", "Binary", each perhaps with ".something"
    text: str | None = None
    data: bytes | None = None

    @property
    def raw(self) -> bytes:
        return self.data if self.text is None else self.text.encode()  # type: ignore[return-value]


def check_text(body: str) -> None:
    if _UNSPEAKABLE.search(body):
        raise InvalidMessageContents(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to"
            " #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF."
        )


def check(attributes: Mapping[str, Value]) -> None:
    """Refuse what AWS refuses."""
    if len(attributes) > ATTRIBUTES:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10]."
        )
    for name, value in attributes.items():
        lowered = name.lower()
        if (
            not _NAME.fullmatch(name)
            or len(name) > NAME_CHARS
            or lowered.startswith(("aws.", "amazon."))
            or name.startswith(".")
            or name.endswith(".")
            or ".." in name
        ):
            raise InvalidParameterValue(
                "Message attribute name can contain upper and lower case score alphanumeric "
                "characters, periods, hyphens and underscores."
            )
        _check_value(name, value)


def _check_value(name: str, value: Value) -> None:
    base = value.kind.partition(".")[0]
    if base not in _KINDS:
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    given = value.data if base == "Binary" else value.text
    if not given:
        raise InvalidParameterValue(
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{value.kind}'."
        )
    if value.text is not None:
        check_text(value.text)
    if base == "Number":
        try:
            float(value.text or "")
        except ValueError:
            raise InvalidParameterValue(
                f"Can't cast the value of message (user) attribute '{name}' to a number."
            ) from None


def size(attributes: Mapping[str, Value]) -> int:
    """Names, kinds and values all count."""
    return sum(
        len(name.encode()) + len(value.kind.encode()) + len(value.raw)
        for name, value in attributes.items()
    )


def digest(attributes: Mapping[str, Value]) -> str | None:
    """MD5 over the sorted attributes, each part with its length before it (developer guide,
    "Calculating the MD5 message digest for message attributes")."""
    if not attributes:
        return None
    hashed = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        for part in (name.encode(), value.kind.encode()):
            hashed.update(len(part).to_bytes(4, "big") + part)
        raw = value.raw
        transport = b"\1" if value.text is not None else b"\2"
        hashed.update(transport + len(raw).to_bytes(4, "big") + raw)
    return hashed.hexdigest()

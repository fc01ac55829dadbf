"""Where a list goes on: opaque to the caller, a name or a number to us."""

import base64
import binascii

from stoker.core.errors import InvalidParameterValueException


def marker(last: str) -> str:
    """For a list that goes on behind `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def read(given: str | None) -> str:
    """What the list goes on behind; "" for its beginning."""
    try:
        return base64.b64decode(given or "", altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterValueException(f"Invalid Marker: {given}") from error


def read_number(given: str | None) -> int | None:
    """The same for a list in the order of numbers; None for its beginning."""
    text = read(given)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidParameterValueException(f"Invalid Marker: {given}")
    return int(text)


def pair(name: str, number: int) -> str:
    """For a list that goes on behind a name and a number under it."""
    return marker(f"{name}:{number}" if number else name)


def read_pair(given: str | None) -> tuple[str, int]:
    """The same, read; ("", 0) for the beginning."""
    name, _, number = read(given).partition(":")
    if not number:
        return name, 0
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise InvalidParameterValueException(f"Invalid Marker: {given}")
    return name, int(number)

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

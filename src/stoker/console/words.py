"""How values are written on pages: bytes, milliseconds, moments, and text from anywhere. Pure."""

import unicodedata
from datetime import UTC, datetime

_SHOWN = {"\n", "\t"}
_LONGEST = 64 * 1024  # of one text; nobody reads more of it


def readable(text: object, most: int = _LONGEST) -> str:
    """Text of anybody's without what moves the cursor, turns the direction of reading or is not
    there to be seen: these become their code points. HTML is escaped by the template."""
    given = str(text)
    cut = given[:most]
    shown = "".join(_seen(char) for char in cut) if not cut.isprintable() else cut
    more = len(given) - len(cut)
    return f"{shown}… ({more} more characters)" if more else shown


class Exact(str):
    """Text in an editor, which sends it back: it is shown as it is, whole. Made by `exact`."""

    __slots__ = ()


def exact(text: str) -> Exact | None:
    """None for text that a form does not send back as it was: it has what cannot be seen."""
    return Exact(text) if text.translate(_PLAIN).isprintable() else None


_PLAIN = dict.fromkeys(map(ord, _SHOWN))


def _seen(char: str) -> str:
    if char.isprintable() or char in _SHOWN:
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return f"\\u{{{ord(char):x}}}"


def lined(text: str) -> str:
    """A form's text: browsers send its lines with the line ends of mail."""
    return text.replace("\r\n", "\n")


def bytes_of(size: float) -> str:
    """1536 → "1.5 KB": as AWS's console writes it."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GB"


def ms_of(ms: float) -> str:
    """12.3456 → "12.3 ms", 61234 → "61.2 s"."""
    if ms < 1000:
        return f"{ms:.3g} ms"
    return f"{ms / 1000:.3g} s" if ms < 3_600_000 else f"{ms / 3_600_000:.3g} h"


def count_of(number: float) -> str:
    """1234567 → "1,234,567"."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"


def moment_of(epoch_ms: float) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")

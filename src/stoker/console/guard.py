"""Who may use the console: whoever opened it, in a page of its own. Pure.

Nobody signs in, so every other page in the same browser must be kept out: the front door has
checked the Host (a name that a stranger made lead here is not ours), and here the browser's own
words are checked, of every request. What changes something must besides bring a token that only a
page of the console shows.
"""

import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

TOKEN: Final = "token"  # a field of forms
TOKEN_HEADER: Final = "x-stoker-token"  # what scripts send instead
OWN: Final = ("none", "same-origin")  # none: the user typed it, or followed a bookmark

HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def token_of(secret: bytes) -> str:
    """The same after a restart, so that a page that was left open goes on working."""
    return blake2b(b"the console's forms", key=secret[:64], digest_size=20).hexdigest()


def stranger(headers: Mapping[str, str]) -> str | None:
    """Why this request is refused, if a page of somebody else's makes the browser send it."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin.lower() not in (
        f"http://{host}".lower(),
        f"https://{host}".lower(),
    ):
        return f"Web pages of {origin!r} may not use the console."
    site = headers.get("sec-fetch-site", "none")
    if site not in OWN:
        return (
            f"Another web page led here (Sec-Fetch-Site: {site!r}). Type the console's address"
            " yourself, or open it from a bookmark."
        )
    return None


def forged(headers: Mapping[str, str], form: Mapping[str, str], token: str) -> str | None:
    """Why this change is refused, if no page of the console sent it."""
    given = headers.get(TOKEN_HEADER) or form.get(TOKEN, "")
    if hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return None
    return "This form is no longer good. Load its page again, and send it from there."

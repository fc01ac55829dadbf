"""Addresses of HTTP_PROXY integrations, before their variables are known and after."""

import re
from urllib.parse import urlsplit

STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([a-zA-Z0-9_]+)\}", re.ASCII)
PATH_VARIABLE = re.compile(r"\{([^{}/+]+)\+?\}")
_UNSPEAKABLE = re.compile(r"[\s{}\x00-\x20\x7f]")


def is_proxy_uri(uri: str) -> bool:
    """Whether it can be an address, whatever the variables are."""
    return is_address(PATH_VARIABLE.sub("x", STAGE_VARIABLE.sub("x", uri)))


def is_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        return False
    return parts.username is None and uri.isascii() and _UNSPEAKABLE.search(uri) is None

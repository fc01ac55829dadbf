"""Requests that a web page makes somebody's browser send: whose they are. Pure.

Signatures are not verified here, so a page of anybody's could change what is ours from any browser
that reaches us. Browsers say where a request comes from: `Origin` with scripts' and with every
POST, and `Sec-Fetch-Site` with all, also an image's, a link's or a form's
(https://www.w3.org/TR/fetch-metadata/). What is no browser sends neither.
"""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import parse_qs

from stoker.core import gateway_addresses
from stoker.core.errors import IncompleteSignatureException
from stoker.core.function_urls import PATH, Cors
from stoker.core.http_proxies import MARK
from stoker.core.sigv4 import scope_of_query

# A user's page under our own name would be of one origin with AWS's API and the console here.
SANDBOXED = ("Content-Security-Policy", "sandbox allow-downloads allow-forms allow-scripts")
CODE = "/_stoker/code/"  # links to functions' packages
# What by path would have our origin, and all others' there.
BY_PATH = (PATH, gateway_addresses.PATH, gateway_addresses.REST_PATH)


def is_ours(host: str, names: Collection[str]) -> bool:
    """Whether we answer to this name. A web page can make a browser call a name of its own that
    leads to us (DNS rebinding); the browser then says that name."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if gateway_addresses.is_aws_name(name) or name in names:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def stranger(
    method: str, target: str, headers: Mapping[str, str], origins: Collection[str]
) -> str | None:
    """Why this request is refused, if a page asks that is none of `origins`. Whoever follows a
    link to a package or an object gets it: that is for the reader, and the page learns nothing."""
    origin = headers.get("origin")
    if origin is not None:
        return None if origin in origins else f"Web pages of {origin!r} may not call this server."
    site = headers.get("sec-fetch-site", "none")
    followed = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
    if site == "none" or (followed and _is_download(target)):  # none: the user typed it
        return None
    return (
        f"Web pages may not call this server without saying who they are (Sec-Fetch-Site: {site!r},"
        " no Origin)."
    )


def passed_on(headers: Mapping[str, str]) -> str | None:
    """Why this request is refused, if an API's integration sends it: whoever may ask that API
    could say anything here, with any signature."""
    if MARK not in headers.get("via", ""):
        return None
    return (
        "Requests that come through an API of API Gateway reach function URLs, other APIs and load"
        " balancers here, and not this server's own API."
    )


def may_call_url(
    cors: Cors | None, target: str, headers: Mapping[str, str], origins: Collection[str]
) -> bool:
    """Whether a function URL, or a route, with AWS_IAM takes this request, as far as a page sends
    it: one of the URL's own (not by path), or of those that its Cors or the operator names."""
    own = not target.startswith(BY_PATH)
    origin = headers.get("origin")
    if origin is None:
        site = headers.get("sec-fetch-site", "none")
        return site == "none" or (own and site == "same-origin")
    named = (cors and cors.origins) or ()
    itself = own and origin == f"http://{headers.get('host', '')}"
    return itself or origin in origins or origin in named or "*" in named


def _is_download(target: str) -> bool:
    path, _, query = target.partition("?")
    if path.startswith(CODE):
        return True
    if path.startswith(("/20", "/_")):  # Lambda's, and ours
        return False
    try:
        scope = scope_of_query(query)
    except IncompleteSignatureException:
        return False
    if scope is None or scope.service != "s3":
        return False
    said = parse_qs(query, keep_blank_values=True)
    # No other service may take it for its own.
    credentials = [*said.get("X-Amz-Credential", ()), *said.get("AWSAccessKeyId", ())]
    return "Action" not in said and len(credentials) == 1

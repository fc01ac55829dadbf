"""What function URLs and HTTP APIs tell browsers: a Cors configuration, one request's headers.

A preflight (OPTIONS with Access-Control-Request-Method) is answered here and never reaches the
function. What the function itself says under the same names gives way, for a browser takes no
header of these twice.
"""

from collections.abc import Mapping

from stoker.core.function_urls import Cors

Headers = list[tuple[str, str]]
PREFIX = "access-control-"


def is_preflight(cors: Cors | None, method: str, headers: Mapping[str, str]) -> bool:
    return (
        cors is not None
        and method == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def preflight(cors: Cors, headers: Mapping[str, str]) -> Headers:
    """What may be asked; nothing for a page that may not ask."""
    origin = _origin(cors, headers)
    if origin is None:
        return []
    found = [("Access-Control-Allow-Origin", origin)]
    if cors.methods:
        asked = headers["access-control-request-method"]
        found.append(("Access-Control-Allow-Methods", _listed(cors, cors.methods, asked)))
    if cors.headers:
        asked = headers.get("access-control-request-headers", "")
        found.append(("Access-Control-Allow-Headers", _listed(cors, cors.headers, asked)))
    if cors.max_age_s is not None:
        found.append(("Access-Control-Max-Age", str(cors.max_age_s)))
    return found + _with_credentials(cors)


def added(cors: Cors | None, request: Mapping[str, str], answer: Headers) -> Headers:
    """The headers of an answer, for this request."""
    if cors is None or "origin" not in request:
        return answer
    origin = _origin(cors, request)
    if origin is None:
        return answer
    found = [(name, value) for name, value in answer if not name.lower().startswith(PREFIX)]
    found.append(("Access-Control-Allow-Origin", origin))
    if cors.exposed:
        found.append(("Access-Control-Expose-Headers", ",".join(cors.exposed)))
    return found + _with_credentials(cors)


def _origin(cors: Cors, headers: Mapping[str, str]) -> str | None:
    origin = headers["origin"]
    allowed = cors.origins or ()
    if "*" in allowed:
        return origin if cors.credentials else "*"  # to browsers * excludes credentials
    scheme = origin.partition("://")[0]
    return origin if origin in allowed or f"{scheme}://*" in allowed else None


def _listed(cors: Cors, allowed: tuple[str, ...], asked: str) -> str:
    """With credentials browsers take * for a name, so what is asked for is said instead."""
    return asked if "*" in allowed and cors.credentials and asked else ",".join(allowed)


def _with_credentials(cors: Cors) -> Headers:
    more = [("Access-Control-Allow-Credentials", "true")] if cors.credentials else []
    return [*more, ("Vary", "Origin")]

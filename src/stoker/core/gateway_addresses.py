"""Where APIs of API Gateway answer: which API a request is for, by its Host or by its path.

    http://ID.execute-api.localhost:PORT/STAGE/…            by name,
    http://ID.execute-api.REGION.localhost:PORT/STAGE/…     the same,
    https://ID.execute-api.REGION.amazonaws.com/STAGE/…     AWS's own name, sent here by a proxy
    /_aws/execute-api/ID/STAGE/…                            by path, at the server's address
    /restapis/ID/STAGE/_user_request_/…                     the same, as some tools write it

IDs are one name space: REST APIs and HTTP APIs are told apart by who has the ID.
"""

import re
from dataclasses import dataclass

PATH = "/_aws/execute-api/"
REST_PATH = "/restapis/"
NAME = ".execute-api."
_HOST = re.compile(r"([a-z0-9]{1,32})\.execute-api\.([^:]+)(?::[0-9]+)?", re.ASCII)
_AWS = re.compile(r"[a-z0-9]{1,32}\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?::[0-9]+)?", re.ASCII)
_PATH = re.compile(r"/_aws/execute-api/([a-z0-9]{1,32})(/[^?]*)?(\?.*)?", re.ASCII | re.DOTALL)
_REST_PATH = re.compile(
    r"/restapis/([a-z0-9]{1,32})/([^/?]+)/_user_request_(/[^?]*)?(\?.*)?", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """What a request says of the API that it is for."""

    api_id: str
    target: str  # "/STAGE/…?…", percent-encoded; a stage may be missing where one is the default
    domain: str  # the name by which it came; "" by path


def gateway_asked(host: str, target: str) -> GatewayAddress | None:
    """None: not for an API."""
    name = host.lower()
    if NAME in name:
        found = _HOST.fullmatch(name)
        if found is None:
            return None
        return GatewayAddress(found[1], target, f"{found[1]}{NAME}{found[2]}")
    if target.startswith(PATH):
        found = _PATH.fullmatch(target)
        return found and GatewayAddress(found[1], (found[2] or "/") + (found[3] or ""), "")
    if target.startswith(REST_PATH):
        found = _REST_PATH.fullmatch(target)
        return found and GatewayAddress(
            found[1], f"/{found[2]}{found[3] or '/'}{found[4] or ''}", ""
        )
    return None


def is_aws_name(host: str) -> bool:
    """Whether it is the name of an API at AWS. Nobody else can make such a name lead here, so
    it needs no permission."""
    return _AWS.fullmatch(host.lower()) is not None


def domain(api_id: str, region: str) -> str:
    """The name of an API here."""
    return f"{api_id}.execute-api.{region}.localhost"

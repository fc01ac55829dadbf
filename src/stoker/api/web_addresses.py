"""Addresses of the users' own: of functions, APIs and target groups, beside AWS's API."""

from stoker.api import gateway_front
from stoker.core import alb_events, function_urls, gateway_addresses, target_groups
from stoker.core.function_urls import url_asked
from stoker.core.gateway_addresses import GatewayAddress, gateway_asked
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.target_groups import GroupAddress, group_asked

WebAddress = tuple[str, str] | GatewayAddress | GroupAddress
PATHS = (  # a target that begins otherwise is for one of these by its host's name, or not at all
    function_urls.PATH,
    gateway_addresses.PATH,
    gateway_addresses.REST_PATH,
    target_groups.PATH,
)
_NAMES = (function_urls.NAME, gateway_addresses.NAME, target_groups.NAME)


def is_name(host: str) -> bool:
    """Whether the host's name alone may make a request one for these."""
    name = host.lower()
    return any(part in name for part in _NAMES)


def asked(host: str, target: str) -> WebAddress | None:
    """A function's URL, an API of the user's, or a target group that it is for. None: it asks
    AWS's API."""
    return url_asked(host, target) or gateway_asked(host, target) or group_asked(host, target)


def most_bytes(web: WebAddress) -> int:
    """How long a body may be that is for one of these."""
    match web:
        case GatewayAddress():
            return gateway_front.BODY_BYTES
        case GroupAddress():
            return alb_events.BODY_BYTES
        case _:
            return SYNC_PAYLOAD_BYTES

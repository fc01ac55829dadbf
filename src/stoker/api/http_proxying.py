"""HTTP_PROXY integrations: a request goes on to another server, its answer comes back as it is."""

import asyncio

from stoker.api.control import Control
from stoker.core import http_proxies
from stoker.core.http_requests import ApiRequest
from stoker.core.limits import MIB
from stoker.core.neighbours import passed_back
from stoker.core.served_apis import Integration
from stoker.core.url_answers import Head

ANSWER_BYTES = 10 * MIB  # AWS: "Payload size"
BODILESS = ("GET", "HEAD")


async def answer_of(
    control: Control, asked: ApiRequest, integration: Integration
) -> tuple[Head, bytes]:
    """Raises CannotProxy, Unreachable, TimeoutError."""
    url = http_proxies.address(asked, integration)
    method = http_proxies.method(asked, integration)
    headers = http_proxies.headers(asked)
    body = b"" if method in BODILESS else asked.request.body
    async with asyncio.timeout(integration.timeout_s):
        reply = await control.gateways.outside.ask(method, url, headers, body, most=ANSWER_BYTES)
    return Head(reply.status, passed_back(reply.headers)), reply.body

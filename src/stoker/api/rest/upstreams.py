"""Integrations of REST APIs that go on to another server, or to one of AWS's services by this
server's own front door, as the account of the API's role.

HTTP_PROXY  request as it is ─► server ─► its answer is the HTTP answer
HTTP, AWS   request template ─► server, service ─► pattern held against the status ─► template
"""

import asyncio

from stoker.api.control import Control
from stoker.core.http_proxies import CannotProxy
from stoker.core.limits import MIB
from stoker.core.neighbours import passed_back, passed_on_within
from stoker.core.rest.gateway_responses import Refused
from stoker.core.rest.upstreams import Upstream
from stoker.neighbours.neighbours import Unreachable, whole
from stoker.neighbours.outside import Reply

ANSWER_BYTES = 10 * MIB  # AWS: "Payload size"
BODILESS = ("GET", "HEAD")


class NoAnswer(Exception):
    """None in time."""


async def ask(control: Control, to: Upstream, account: str, body: bytes, timeout_s: float) -> Reply:
    """Raises NoAnswer, CannotProxy, and Refused where nobody can be reached."""
    if to.method in BODILESS:
        body = b""
    try:
        async with asyncio.timeout(timeout_s):
            if to.service is None:
                reply = await control.gateways.outside.ask(
                    to.method, to.target, to.headers, body, most=ANSWER_BYTES
                )
            else:
                reply = await _of_aws(control, to, account, body)
    except TimeoutError:
        raise NoAnswer(f"{to.target[:200]} has not answered in {timeout_s:g} s") from None
    except Unreachable as reason:
        raise Refused(
            "INTEGRATION_FAILURE",
            "Network error communicating with endpoint",
            "InternalServerErrorException",
        ) from reason
    return Reply(reply.status, passed_back(reply.headers), reply.body)


async def _of_aws(control: Control, to: Upstream, account: str, body: bytes) -> Reply:
    assert to.service is not None
    name = to.service.signing_name
    if control.inward is None:
        raise CannotProxy("this server does not ask itself")
    headers = passed_on_within(to.headers, account=account, region=to.region, service=name)
    async with control.inward.ask(name, to.method, to.target, headers, body) as answer:
        try:
            found = await whole(answer.body, ANSWER_BYTES)
        except OverflowError:
            raise Unreachable(f"{name}: more than {ANSWER_BYTES} bytes") from None
        return Reply(answer.status, answer.headers, found)

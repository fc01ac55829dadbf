"""What answers for the APIs of API Gateway: whose API is it, and which kind.

    address ─► who has the ID? ─► HTTP API: api/http_api_front.py
                              ├─► REST API: api/rest/front.py
                              └─► nobody: 403, as AWS answers under a name that it does not know

Here other kinds of APIs hang in. Their bodies, too, have 10 MB at most.
"""

from stoker.api import http_api_front
from stoker.api.control import Caller, Control
from stoker.api.rest import front as rest_front
from stoker.core.gateway_addresses import GatewayAddress
from stoker.core.http_answers import forbidden
from stoker.core.limits import MIB
from stoker.core.sigv4 import Scope
from stoker.http.base import Exchange

BODY_BYTES = 10 * MIB  # AWS: "Payload size"; longer ones are answered 413


async def answer(
    control: Control,
    exchange: Exchange,
    address: GatewayAddress,
    scope: Scope | None,
    caller: Caller | None,
) -> None:
    """`caller`: who signed, or which environment this comes from; None: nobody."""
    http_api = control.gateways.http_api(address.api_id)
    if http_api is not None:
        await http_api_front.answer(control, exchange, address, http_api, scope, caller)
        return
    if control.gateways.rest.has(address.api_id):
        await rest_front.answer(control, exchange, address, scope, caller)
        return
    refusal = forbidden()
    exchange.respond(refusal.status, [("Content-Type", "application/json")], refusal.body)

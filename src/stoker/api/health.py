"""Is the server up? For scripts, load balancers and tools that wait for LocalStack."""

from importlib.metadata import version

import orjson

from stoker.api import services
from stoker.api.control import Control
from stoker.http.base import Exchange


async def health(control: Control, exchange: Exchange) -> None:
    """Answer 200 with the services that are there."""
    facts = {
        "status": "running",
        "edition": "stoker",
        "version": version("stoker"),
        "sandbox": control.settings.sandbox,
        "services": dict.fromkeys(services.BUILT, "running"),
    }
    exchange.respond(200, [("Content-Type", "application/json")], orjson.dumps(facts))

"""On whose behalf pollers, destinations and dead-letter queues call AWS's other services."""

from stoker.core.errors import ServiceError
from stoker.core.model import FunctionKey
from stoker.invoke.catalog import Catalog
from stoker.neighbours.acting import Actor


def actor(catalog: Catalog, key: FunctionKey) -> Actor:
    """The function's role, as it is now."""
    try:
        role = catalog.resolve(key.account, key.region, key.name, None).role
    except ServiceError:
        role = ""
    return Actor(key.account, role, key.name)

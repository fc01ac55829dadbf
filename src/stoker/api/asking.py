"""Which service and which operation a request is for, as far as it can be told.

The SigV4 credential scope says the service, else X-Amz-Target, else the path.
"""

import asyncio
from dataclasses import dataclass

from stoker.api import services
from stoker.api.refusals import Dialect
from stoker.api.services import Match, Service
from stoker.core.errors import ServiceError
from stoker.core.sigv4 import Scope, scope_of_header, scope_of_query
from stoker.http.base import Exchange


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request wants, as far as it can be told."""

    dialect: Dialect
    found: Match | None = None  # None: no service knows it
    service: str = ""
    scope: Scope | None = None  # None: unsigned
    refusal: ServiceError | None = None  # of the signature


async def asked_of(exchange: Exchange) -> Asked:
    scope, refusal = None, None
    try:
        scope = scope_of(exchange)
    except ServiceError as error:
        refusal = error
    found = _look(exchange, _candidates(services.built(), exchange, scope))
    if (found is None or found.found is None) and scope is not None:
        found = await asyncio.to_thread(_look_further, exchange, scope)
    if found is None:
        return Asked(guess(exchange), None, "", scope, refusal)
    return Asked(found.dialect, found.found, found.service, scope, refusal)


def scope_of(exchange: Exchange) -> Scope | None:
    if "authorization" in exchange.headers:
        return scope_of_header(exchange.headers["authorization"])
    return scope_of_query(exchange.target.partition("?")[2])


def _look_further(exchange: Exchange, scope: Scope) -> Asked | None:
    """It is not for one of ours: for which of AWS's is it? The one that it is signed for by name
    would come first among all of them, which take 0.3 s to read."""
    likely = services.named(scope.service)
    found = _look(exchange, [likely]) if likely is not None else None
    if found is not None and found.found is not None:
        return found
    return _look(exchange, _candidates(services.every(), exchange, scope))


def _candidates(
    known: tuple[Service, ...], exchange: Exchange, scope: Scope | None
) -> list[Service]:
    """The services that this request may be for, the likeliest first."""
    if scope is not None:
        signed_for = [one for one in known if one.signing_name == scope.service]
        if signed_for:  # those of the same name first: docdb and neptune sign as rds
            return sorted(signed_for, key=lambda one: one.name != scope.service)
    prefix = exchange.headers.get("x-amz-target", "").rpartition(".")[0]
    if prefix:
        return [one for one in known if one.target_prefix == prefix]
    return [one for one in known if one.name == "lambda"]


def _look(exchange: Exchange, candidates: list[Service]) -> Asked | None:
    """The operation that is asked for; without one, still who should refuse."""
    first: Asked | None = None
    for one in candidates:
        found = services.find(
            one, exchange.method, exchange.target, exchange.headers, exchange.body
        )
        protocol = services.protocol(one, exchange.headers)
        model = services.model(one.name) if one.name in services.BUILT else None
        asked = Asked(Dialect(protocol, one.json_version, model), found, one.name)
        if found is not None:
            return asked
        first = first or asked
    return first


def guess(exchange: Exchange) -> Dialect:
    """How a caller probably wants to be answered whose service is not known."""
    headers = exchange.headers
    content_type = headers.get("content-type", "")
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return Dialect("smithy-rpc-v2-cbor")
    if "x-amz-target" in headers:
        return Dialect("json", "1.1" if "json-1.1" in content_type else "1.0")
    return Dialect("query" if "x-www-form-urlencoded" in content_type else "rest-json")

"""One request to an HTTP API, as far as its route is known: what is asked, where, and by what name.

The event has the path with the stage before it, if the stage has a name; routes have it without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stoker.core.http_routes import DEFAULT, Chosen
from stoker.core.proxy_events import Place, Request, Signer
from stoker.core.served_apis import Guarded, ServedApi, ServedStage


@dataclass(frozen=True, slots=True)
class ApiRequest:
    api: ServedApi
    stage: ServedStage
    path: str  # within the stage, percent-encoded
    request: Request
    place: Place
    chosen: Chosen
    guarded: Guarded
    id: str  # of the request

    @property
    def arn(self) -> str:
        """What access is asked for."""
        return self.api.arn(f"{self.stage.name}/{self.request.method}{self.path}")

    @property
    def sources(self) -> tuple[str, str]:
        """By which policies of functions may name it: by its route, and as it came."""
        key = self.chosen.route.key
        route = key if key == DEFAULT else f"{self.request.method}{key.partition(' ')[2]}"
        return self.api.arn(f"{self.stage.name}/{route}"), self.arn

    def authorized(self, found: Mapping[str, Any], principal: str = "") -> "ApiRequest":
        """`found`: what the event's `authorizer` is to be, in format 2.0."""
        place = replace(self.place, authorizer=found, principal=principal)
        return replace(self, place=place)

    def signed(self, signer: Signer) -> "ApiRequest":
        request = replace(self.request, signer=signer)
        return replace(self.authorized(signer.shown), request=request)

    def traced(self, root: str) -> Request:
        """With the header as the function is to see it."""
        return replace(self.request, headers={**self.request.headers, "x-amzn-trace-id": root})


def located(
    api: ServedApi, stage: ServedStage, path: str, request: Request, *, domain: str, id: str
) -> ApiRequest | None:
    """`request`: its target as it came, the query included. None: no route takes it."""
    chosen = stage.choose(request.method, path)
    if chosen is None:
        return None
    query = request.target.partition("?")[1:]
    shown = path if stage.name == DEFAULT else f"/{stage.name}{path}"
    place = Place(
        account=api.account,
        id=api.id,
        domain=domain,
        stage=stage.name,
        route_key=chosen[0].route.key,
        parameters=chosen[0].parameters,
        variables=stage.variables,
    )
    seen = replace(request, target="".join((shown, *query)))
    return ApiRequest(api, stage, path, seen, place, *chosen, id)

"""The APIs of API Gateway as requests find them: follows the store, asks nobody.

gateways = Gateways(); await gateways.follow(store)   # all there is, and every commit after it
gateways.http_api(id)                                 # -> ServedApi, made when first asked for
gateways.rest                                         # the REST APIs (api/rest/served.py)
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from stoker.api.rest import served as rest
from stoker.api.rest.served import RestApis
from stoker.core.http_apis import HttpApi
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.served_apis import ServedApi, served
from stoker.store.base import Aggregate, Key, Store

if TYPE_CHECKING:
    from stoker.api.http_authorizers import Authorizers
    from stoker.neighbours.outside import Outside

KINDS = (Kind.HTTP_DEPLOYMENT, Kind.HTTP_API, *rest.KINDS)


class Gateways:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: by which what authorizers said grows old."""
        self._clock = clock
        self.rest = RestApis(clock)
        self._apis: dict[str, Resource] = {}
        self._snapshots: dict[str, dict[str, Mapping[str, Any]]] = {}  # API, deployment
        self._served: dict[str, ServedApi] = {}
        self._authorizers: Authorizers | None = None
        self._outside: Outside | None = None

    async def follow(self, store: Store) -> None:
        async with store.transaction() as tx:
            for kind in KINDS:
                for resource in await tx.resources.every(kind):
                    self.change(resource.key, resource)
            # Still inside: nobody can commit between what was read and what will be heard.
            store.watch(self.change)

    def change(self, key: Key, now: Aggregate | None) -> None:
        """This is what it is now; None: deleted."""
        if not isinstance(key, ResourceKey) or key.kind not in KINDS:
            return
        if key.kind in rest.KINDS:
            self.rest.change(key, now if isinstance(now, Resource) else None)
            return
        api_id, _, deployment = key.id.partition("/")
        self._served.pop(api_id, None)
        if key.kind is Kind.HTTP_API:
            if isinstance(now, Resource):
                self._apis[api_id] = now
            else:
                self._apis.pop(api_id, None)
        elif isinstance(now, Resource):
            self._snapshots.setdefault(api_id, {})[deployment] = now.record
        else:
            left = self._snapshots.get(api_id, {})
            left.pop(deployment, None)
            if not left:
                self._snapshots.pop(api_id, None)

    def http_api(self, api_id: str) -> ServedApi | None:
        found = self._served.get(api_id)
        if found is None and (kept := self._apis.get(api_id)) is not None:
            key, api = kept.key, HttpApi(**kept.record)
            snapshots = self._snapshots.get(api_id, {})
            found = self._served[api_id] = served(key.account, key.region, api_id, api, snapshots)
        return found

    @property
    def authorizers(self) -> "Authorizers":
        """Made when the first request needs one: what they import takes a while."""
        if self._authorizers is None:
            from stoker.api.http_authorizers import Authorizers

            self._authorizers = Authorizers(self.outside, self._clock)
        return self._authorizers

    @property
    def outside(self) -> "Outside":
        """Likewise."""
        if self._outside is None:
            from stoker.neighbours.outside import Outside

            self._outside = Outside()
        return self._outside

    def forget_authorizations(self, api_id: str, stage: str) -> None:
        if self._authorizers is not None:
            self._authorizers.forget(api_id, stage)

    async def close(self) -> None:
        if self._authorizers is not None:
            await self._authorizers.close()
        if self._outside is not None:
            await self._outside.close()

"""The REST APIs as requests find them: told of every change in the store, asks nobody.

A part of api/gateways.py, which follows the store.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.rest import accounts
from stoker.core.rest.grants import Grants
from stoker.core.rest.serving import ServedStage, served

KINDS = (Kind.REST_DEPLOYMENT, Kind.REST_API, Kind.REST_ACCOUNT)


class RestApis:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock  # by which what authorizers said grows old
        self.grants = Grants()
        self._apis: dict[str, Resource] = {}
        self._contents: dict[tuple[str, str], Mapping[str, Any]] = {}  # API, deployment
        self._accounts: dict[tuple[str, str], Mapping[str, Any]] = {}  # account, region
        self._served: dict[str, dict[str, ServedStage]] = {}  # API, stage

    def change(self, key: ResourceKey, now: Resource | None) -> None:
        """This is what it is now; None: deleted."""
        if key.kind is Kind.REST_ACCOUNT:
            _set(self._accounts, (key.account, key.region), now and now.record)
            return
        api_id, _, deployment = key.id.partition("/")
        if key.kind is Kind.REST_DEPLOYMENT:
            _set(self._contents, (api_id, deployment), now and now.record)
        else:
            _set(self._apis, api_id, now)
        self._served.pop(api_id, None)

    def has(self, api_id: str) -> bool:
        return api_id in self._apis

    def stage(self, api_id: str, name: str) -> ServedStage | None:
        """Made ready when it is first asked for."""
        found = self._served.get(api_id, {}).get(name)
        if found is not None:
            return found
        kept = self._apis.get(api_id)
        told = kept.record["stages"].get(name) if kept is not None else None
        if kept is None or told is None:
            return None
        content = self._contents.get((api_id, told["deploymentId"]))
        if content is None:
            return None
        found = served(kept.key.account, kept.key.region, kept.record, name, content)
        self._served.setdefault(api_id, {})[name] = found
        return found

    def key_id(self, stage: ServedStage, value: str) -> str | None:
        """The API key of that value, if it opens the stage."""
        it = stage.stage
        doc = self._accounts.get((it.account, it.region))
        return None if doc is None else accounts.opens(dict(doc), value, it.api_id, it.name)


def _set(table: dict[Any, Any], key: object, now: object | None) -> None:
    if now is None:
        table.pop(key, None)
    else:
        table[key] = now

"""Function URLs: what store/base.py calls `Urls`. They are settings of which watchers hear."""

from stoker.core.function_urls import KIND, FunctionUrl, UrlKey
from stoker.core.model import FunctionKey
from stoker.store.base import Note, Settings


class SettingUrls:
    def __init__(self, settings: Settings, note: Note) -> None:
        self._settings = settings
        self._note = note

    async def put(self, url: FunctionUrl) -> None:
        await self._settings.put(url.key.function, url.key.qualifier, KIND, url.dump())
        self._note(url.key, url)

    async def get(self, key: UrlKey) -> FunctionUrl | None:
        record = await self._settings.get(key.function, key.qualifier, KIND)
        return None if record is None else FunctionUrl.load(key, record)

    async def remove(self, key: UrlKey) -> bool:
        there = await self._settings.remove(key.function, key.qualifier, KIND)
        if there:
            self._note(key, None)
        return there

    async def of(self, key: FunctionKey, *, after: str, limit: int) -> list[FunctionUrl]:
        found = await self._settings.of(key, KIND, after=after, limit=limit)
        return [FunctionUrl.load(UrlKey(key, qualifier), record) for qualifier, record in found]

    async def every(self) -> list[FunctionUrl]:
        found = await self._settings.every(KIND)
        return [FunctionUrl.load(UrlKey(key, qualifier), one) for key, qualifier, one in found]

"""Where the bytes of deployment packages are: by the SHA-256 of their content."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Protocol


class BlobMissing(Exception):
    """There is no such blob. Code that a function refers to should never be missing."""


class Blobs(Protocol):
    async def put(self, content: bytes) -> str:
        """Keep it and return its digest (SHA-256, hex). On the disk before this returns.
        What is there already is not written again."""
        ...

    async def restore(self, digest: str, content: bytes) -> None:
        """It is there and whole, whatever was there; on the disk when `sync` has brought it."""
        ...

    async def sync(self, digests: Collection[str]) -> None:
        """These are on the disk when it returns, but for those that are gone."""
        ...

    async def read(self, digest: str) -> bytes:
        """Raise BlobMissing."""
        ...

    def content(self, digest: str) -> bytes:
        """The same for who is in a thread of its own, and may wait for the disk."""
        ...

    def chunks(self, digest: str) -> AsyncIterator[bytes]:
        """The content in pieces. Raise BlobMissing before the first one."""
        ...

    async def delete(self, digest: str) -> None:
        """Harmless if there is none."""
        ...

    async def collect(self, needed: Callable[[], Awaitable[Collection[str]]]) -> int:
        """Delete what nobody needs: neither `needed` names it, which is asked after this has
        begun, nor is it or was it since then on its way to an owner. At any time, but one
        collection at a time. Returns how many were deleted."""
        ...

    async def clear_up(self) -> None:
        """Delete what a dead predecessor left half-written. Only before the first `put`."""
        ...

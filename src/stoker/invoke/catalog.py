"""What can be run now: name and qualifier -> Target, without asking the store.

    catalog = Catalog(); await catalog.follow(store)    # all there is, and every commit after it
    catalog.resolve(account, region, name, qualifier)   # -> Target, or AWS's refusal

One entry per function, replaced whole whenever a change of it is committed. An entry is never
changed, so an invocation that has its Target keeps it, whatever happens to the function.
"""

import platform
from dataclasses import dataclass

from stoker.core.errors import (
    InvalidRuntimeException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
)
from stoker.core.invocation import Target
from stoker.core.model import Function, FunctionKey, State, in_state, target
from stoker.core.names import LATEST, function_not_found
from stoker.store.base import Store


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands behind one name: a target, or why there is none."""

    target: Target | None
    refusal: type[ServiceError] = ResourceNotFoundException
    message: str = ""


def host_architecture() -> str:
    """AWS's name for what this machine runs."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


class Catalog:
    def __init__(self, architecture: str | None = None) -> None:
        self._architecture = architecture or host_architecture()
        self._entries: dict[tuple[str, str, str], Entry] = {}

    async def follow(self, store: Store) -> None:
        """Take in every function, and from then on every committed change."""
        async with store.transaction() as tx:
            for function in await tx.every_function():
                self.change(function.key, function)
            # Still inside: nobody can commit between what was read and what will be heard.
            store.watch(self.change)

    def change(self, key: FunctionKey, function: Function | None) -> None:
        """This is what the function is now; None: deleted."""
        name = (key.account, key.region, key.name)
        if function is None:
            self._entries.pop(name, None)
        else:
            self._entries[name] = self._entry(function)

    def resolve(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        """What an invocation of this name would run."""
        entry = self._entries.get((account, region, name))
        if entry is None or (qualifier is not None and qualifier != LATEST):
            raise function_not_found(region, account, name, qualifier)
        if entry.target is None:
            raise entry.refusal(entry.message)
        return entry.target

    def serves(self, target: Target) -> bool:
        """Whether anybody can still ask for exactly this target."""
        entry = self._entries.get((target.account, target.region, target.name))
        return entry is not None and entry.target is not None and entry.target.key == target.key

    def targets(self) -> frozenset[tuple[str, ...]]:
        """The keys of everything that can be asked for."""
        return frozenset(e.target.key for e in self._entries.values() if e.target is not None)

    def _entry(self, function: Function) -> Entry:
        serving = function.serving
        if serving is None:
            message = in_state(function.state)
            if function.state is State.FAILED:
                message = f"{message}. {function.state_reason}"
            return Entry(None, ResourceConflictException, message)
        if serving.architecture != self._architecture:
            return Entry(
                None,
                InvalidRuntimeException,
                f"{function.key.arn} is built for {serving.architecture} and this machine is "
                f"{self._architecture}. Update the function with Architectures "
                f"[{self._architecture}], or run it on a machine of its own kind.",
            )
        return Entry(target(function.key, serving))

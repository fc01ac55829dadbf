"""One account's view of the operations on functions, over a real store and real blobs."""

import asyncio
import io
import re
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from inspect import getmodule
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import pytest

from stoker.api import functions
from stoker.api.control import Call, Caller, Control, Settings
from stoker.api.shapes import lambda_ as shapes
from stoker.blobs.directory import DirectoryBlobs
from stoker.core import model, versions
from stoker.core.architectures import Machine
from stoker.core.errors import (
    ServiceError,
)
from stoker.core.invocation import RequestId
from stoker.core.model import FunctionKey
from stoker.invoke.catalog import Catalog
from stoker.store.sqlite import SqliteStore

ME = Caller("000000000000", "us-east-1", "test")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def zipped(content: bytes = b"def handler(event, context): ...", name: str = "main.py") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return data.getvalue()


ZIP = zipped()
AS_AWS = Settings()


@dataclass
class Account:
    """The control plane as one caller sees it, and what it told the reconcilers."""

    control: Control
    changes: list[None]
    caller: Caller = ME
    folder: Path = field(default_factory=Path)

    async def ask(self, operation: Callable[..., Awaitable[Any]], given: object) -> Any:
        call = Call(given, self.caller, RequestId("id"), "http://127.0.0.1:4566")
        return await operation(self.control, call)

    async def do(self, operation: Callable[..., Awaitable[Any]], **given: Any) -> Any:
        """Any operation, its input by the members' names; of function f unless said otherwise."""
        (kind,) = get_args(get_type_hints(operation, vars(getmodule(operation)))["call"])
        if "function_name" in {field.name for field in fields(kind)}:
            given.setdefault("function_name", "f")
        return await self.ask(operation, kind(**given))

    async def create(self, name: str = "f", **more: Any) -> shapes.FunctionConfiguration:
        more.setdefault("code", shapes.FunctionCode(zip_file=ZIP))
        given = {
            "runtime": "python3.11",
            "handler": "main.handler",
            "role": "arn:aws:iam::000000000000:role/r",
            **more,
        }
        asked = shapes.CreateFunctionInput(function_name=name, **given)
        return cast(shapes.FunctionConfiguration, await self.ask(functions.create_function, asked))

    async def get(self, name: str = "f", qualifier: str | None = None) -> Any:
        asked = shapes.GetFunctionInput(function_name=name, qualifier=qualifier)
        return await self.ask(functions.get_function, asked)

    async def configuration(self, name: str = "f", qualifier: str | None = None) -> Any:
        asked = shapes.GetFunctionConfigurationInput(function_name=name, qualifier=qualifier)
        return await self.ask(functions.get_function_configuration, asked)

    async def list(self, **given: Any) -> Any:
        return await self.ask(functions.list_functions, shapes.ListFunctionsInput(**given))

    async def update(self, name: str = "f", **given: Any) -> Any:
        asked = shapes.UpdateFunctionConfigurationInput(function_name=name, **given)
        return await self.ask(functions.update_function_configuration, asked)

    async def update_code(self, name: str = "f", **given: Any) -> Any:
        asked = shapes.UpdateFunctionCodeInput(function_name=name, **given)
        return await self.ask(functions.update_function_code, asked)

    async def delete(self, name: str = "f", qualifier: str | None = None) -> Any:
        asked = shapes.DeleteFunctionInput(function_name=name, qualifier=qualifier)
        return await self.ask(functions.delete_function, asked)

    async def settle(self, name: str = "f", failure: str | None = None) -> None:
        """What the activation reconciler does in the end."""
        key = FunctionKey(self.caller.account, self.caller.region, name)
        async with self.control.store.transaction() as tx:
            function = await tx.function(key)
            assert function
            revision = f"settled after {function.revision_id}"
            settled = (
                model.activated(function, revision=revision)
                if failure is None
                else model.failed(function, failure, "InvalidRuntime", revision=revision)
            )
            await tx.put_function(settled, expected=function.revision_id)
            for version in [one for one in await tx.versions.every() if one.unsettled]:
                ended = (
                    versions.activated(version)
                    if failure is None
                    else versions.failed(version, failure, "InvalidRuntime")
                )
                await tx.versions.put(ended, expected=version.revision_id)

    async def active(self, name: str = "f", **more: Any) -> Any:
        await self.create(name, **more)
        await self.settle(name)
        return await self.configuration(name)


Story = Callable[[Account], Awaitable[None]]


def tell(folder: Path, story: Story, settings: Settings = AS_AWS) -> None:
    async def main() -> None:
        store, blobs = SqliteStore(folder / "db"), DirectoryBlobs(folder / "blobs")
        await store.open()
        try:
            catalog, changes = Catalog(Machine()), list[None]()
            await catalog.follow(store)
            control = Control(
                store=store,
                blobs=blobs,
                catalog=catalog,
                invoker=cast(Any, None),  # no operation on functions invokes or logs
                events=cast(Any, None),
                queues=cast(Any, None),
                logs_store=cast(Any, None),
                metric_store=cast(Any, None),
                settings=settings,
                changed=lambda: changes.append(None),
            )
            await story(Account(control, changes, folder=folder))
        finally:
            await store.close()
            await blobs.close()

    asyncio.run(main())


async def refused(kind: type[ServiceError], asked: Awaitable[object]) -> str:
    with pytest.raises(kind) as refusal:
        await asked
    assert type(refusal.value) is kind
    return refusal.value.message

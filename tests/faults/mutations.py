"""Changes everything that the control plane can change, as fast as it can, and says so.

    python -m tests.faults.mutations FOLDER SEED

Each transaction that changes something is told twice: "will H" before its commit, "did H" behind
it; H stands for all that the store then holds. Beside it packages without owners are collected,
and small ones become files, all the time.
"""

import asyncio
import hashlib
import json
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from stoker.api import (
    aliases,
    capacity_providers,
    code_signing,
    concurrency,
    event_invoke,
    event_sources,
    function_settings,
    function_urls,
    http_api_parts,
    http_api_stages,
    http_apis,
    layer_policies,
    layers,
    policies,
    provisioned,
    tags,
    versions,
)
from stoker.api.control import Control, Settings
from stoker.api.rest import apis as rest_apis
from stoker.api.rest import deployments as rest_deployments
from stoker.api.shapes import lambda_ as shapes
from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import ServiceError
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.packages import Packages
from stoker.store.sqlite import SqliteStore, SqliteTransaction
from tests.component.one_account import ARN, ME, Account, zipped
from tests.rest_apis import PROXY, definition

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
PROVIDER = {
    "vpc_config": shapes.CapacityProviderVpcConfig(subnet_ids=(), security_group_ids=()),
    "permissions_config": shapes.CapacityProviderPermissionsConfig(
        capacity_provider_operator_role_arn="arn:aws:iam::000000000000:role/r"
    ),
}
PUBLISHERS = shapes.AllowedPublishers(signing_profile_version_arns=("arn:aws:signer:::p",))


def content(db: sqlite3.Connection) -> str:
    """Stands for every row of every table."""
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall()) for name in tables}
    return hashlib.sha256(repr(sorted(rows.items())).encode()).hexdigest()


class TellingStore(SqliteStore):
    told = ""

    @asynccontextmanager
    async def transaction(self, *, lasting: bool = True) -> AsyncIterator[SqliteTransaction]:
        async with super().transaction(lasting=lasting) as tx:
            yield tx
            state = await tx._run(lambda: content(tx._db), reading=True)
            if state != self.told:
                print("will", state, flush=True)
        if state != self.told:
            self.told = state
            print("did", state, flush=True)


async def needed(store: SqliteStore, catalog: Catalog) -> Collection[str]:
    """As reconcilers/removal.py has it, where nothing runs."""
    async with store.transaction() as tx:
        return await tx.layers.digests() | catalog.trees()


class Hand:
    """Makes one change after the other, at random."""

    def __init__(self, my: Account, draw: random.Random) -> None:
        self._my = my
        self._draw = draw

    @property
    def changes(self) -> list[Callable[[], Awaitable[Any]]]:
        return [
            *(self.functions, self.code, self.published, self.aliases, self.layers, self.policies),
            *(self.settings, self.removals, self.urls, self.mappings, self.signing, self.providers),
            *(self.provisioned, self.documents, self.ended, self.apis, self.rest_apis),
        ]

    async def change(self) -> None:
        with suppress(ServiceError):  # it was refused: that is the whole of its effect
            await self._draw.choice(self.changes)()

    async def tried(self, operation: Any, **given: Any) -> None:
        with suppress(ServiceError):
            await self.do(operation, **given)

    def do(self, operation: Any, **given: Any) -> Awaitable[Any]:
        return self._my.do(operation, **given)

    def zip(self) -> bytes:
        return zipped(self._draw.randbytes(8))

    async def functions(self) -> None:
        code = shapes.FunctionCode(zip_file=self.zip())
        await self._my.active(code=code, publish=self._draw.random() < 0.5)

    async def code(self) -> None:
        await self._my.update_code(zip_file=self.zip(), publish=self._draw.random() < 0.5)
        await self._my.settle()

    async def published(self) -> None:
        await self.do(versions.publish_version, description=str(self._draw.random()))

    async def aliases(self) -> None:
        await self.tried(aliases.create_alias, name="a", function_version="$LATEST")
        await self.do(aliases.update_alias, name="a", description=str(self._draw.random()))
        if self._draw.random() < 0.2:
            await self.do(aliases.delete_alias, name="a")

    async def layers(self) -> None:
        made = await self.do(
            layers.publish_layer_version,
            layer_name="l",
            content=shapes.LayerVersionContentInput(zip_file=self.zip()),
        )
        await self.do(
            layer_policies.add_layer_version_permission,
            layer_name="l", version_number=made.version, statement_id="s", principal="*",
            action="lambda:GetLayerVersion",
        )  # fmt: skip
        await self.tried(
            layer_policies.remove_layer_version_permission,
            layer_name="l", version_number=made.version, statement_id="s",
        )  # fmt: skip
        await self._my.update(layers=(made.layer_version_arn,))
        await self._my.settle()
        await self.do(layers.delete_layer_version, layer_name="l", version_number=made.version)

    async def policies(self) -> None:
        sid, qualifier = f"s{self._draw.randrange(5)}", self._draw.choice([None, "a"])
        statement = {"statement_id": sid, "qualifier": qualifier}
        await self.tried(policies.remove_permission, **statement)
        await self.do(
            policies.add_permission, principal="*", action="lambda:InvokeFunction", **statement
        )
        if self._draw.random() < 0.5:
            await self.do(policies.remove_permission, **statement)

    async def settings(self) -> None:
        number = self._draw.randrange(1, 100)
        await self.do(concurrency.put_function_concurrency, reserved_concurrent_executions=number)
        await self.do(event_invoke.put_function_event_invoke_config, maximum_retry_attempts=1)
        await self.do(function_settings.put_function_recursion_config, recursive_loop="Allow")
        await self.do(tags.tag_resource, resource=ARN, tags={"n": str(number)})
        await self.do(
            function_settings.put_runtime_management_config,
            update_runtime_on=self._draw.choice(["Auto", "FunctionUpdate"]),
        )

    async def removals(self) -> None:
        """Of what `settings` made, where that has been."""
        await self.tried(
            event_invoke.update_function_event_invoke_config,
            maximum_event_age_in_seconds=self._draw.randrange(60, 6000),
        )
        await self.tried(event_invoke.delete_function_event_invoke_config)
        await self.do(tags.untag_resource, resource=ARN, tag_keys=("n",))
        await self.do(concurrency.delete_function_concurrency)

    async def documents(self) -> None:
        """A policy as a whole."""
        admitted = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"}
        statement = {"Sid": str(self._draw.random()), "Resource": ARN, **admitted}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await self.do(policies.put_resource_policy, resource_arn=ARN, policy=policy)
        if self._draw.random() < 0.5:
            await self.do(policies.delete_resource_policy, resource_arn=ARN)

    async def provisioned(self) -> None:
        """Of the last version. What is asked for is no part of what this process makes."""
        scaling = shapes.FunctionScalingConfig(min_execution_environments=self._draw.randrange(9))
        await self.tried(
            capacity_providers.put_function_scaling_config,
            qualifier="$LATEST.PUBLISHED", function_scaling_config=scaling,
        )  # fmt: skip
        found = await self.do(versions.list_versions_by_function)
        last = {"qualifier": found.versions[-1].version}
        await self.tried(provisioned.delete_provisioned_concurrency_config, **last)
        await self.do(
            provisioned.put_provisioned_concurrency_config,
            provisioned_concurrent_executions=self._draw.randrange(1, 9), **last,
        )  # fmt: skip

    async def urls(self) -> None:
        qualifier = self._draw.choice([None, "a"])
        await self.tried(function_urls.delete_function_url_config, qualifier=qualifier)
        made = function_urls.create_function_url_config
        await self.do(made, auth_type="NONE", qualifier=qualifier)
        changed = function_urls.update_function_url_config
        await self.do(changed, auth_type="AWS_IAM", qualifier=qualifier)

    async def mappings(self) -> None:
        await self.tried(
            event_sources.create_event_source_mapping, event_source_arn=QUEUE, tags={"a": "b"}
        )
        page = await self._my.do(event_sources.list_event_source_mappings, function_name=None)
        for one in page.event_source_mappings:
            await self._my.ask(
                event_sources.update_event_source_mapping,
                shapes.UpdateEventSourceMappingInput(
                    uuid=one.uuid, batch_size=self._draw.randrange(1, 10)
                ),
            )
            if self._draw.random() < 0.5:
                await self.do(event_sources.delete_event_source_mapping, uuid=one.uuid)

    async def signing(self) -> None:
        made = await self.do(code_signing.create_code_signing_config, allowed_publishers=PUBLISHERS)
        arn = made.code_signing_config.code_signing_config_arn
        await self.do(
            code_signing.update_code_signing_config,
            code_signing_config_arn=arn, description=str(self._draw.random()),
        )  # fmt: skip
        await self.do(code_signing.put_function_code_signing_config, code_signing_config_arn=arn)
        await self.do(code_signing.delete_function_code_signing_config)
        await self.do(code_signing.delete_code_signing_config, code_signing_config_arn=arn)

    async def providers(self) -> None:
        name = {"capacity_provider_name": "p"}
        await self.tried(capacity_providers.create_capacity_provider, **name, **PROVIDER)
        scaling = shapes.CapacityProviderScalingConfig(max_v_cpu_count=self._draw.randrange(12, 99))
        await self.do(
            capacity_providers.update_capacity_provider,
            capacity_provider_scaling_config=scaling, **name,
        )  # fmt: skip
        await self.do(capacity_providers.delete_capacity_provider, **name)

    async def apis(self) -> None:
        id = (await self.do(http_apis.create_api, name="a", protocol_type="HTTP")).api_id
        made = await self.do(
            http_api_parts.create_integration,
            api_id=id, integration_type="AWS_PROXY", integration_uri=ARN,
        )  # fmt: skip
        await self.do(
            http_api_stages.create_stage, api_id=id, stage_name="$default", auto_deploy=True
        )
        for key in ("GET /", "$default"):
            behind = f"integrations/{made.integration_id}"
            await self.do(http_api_parts.create_route, api_id=id, route_key=key, target=behind)
        if self._draw.random() < 0.7:
            await self.do(http_apis.delete_api, api_id=id)

    async def rest_apis(self) -> None:
        """Two records change in one transaction: the API's, and its deployment's."""
        made = await self.do(rest_apis.import_rest_api, body=definition({"/": {"get": PROXY}}))
        for name in ("dev", "prod"):
            kept = await self.do(
                rest_deployments.create_deployment, rest_api_id=made.id, stage_name=name
            )
        await self.do(rest_deployments.delete_stage, rest_api_id=made.id, stage_name="prod")
        await self.do(
            rest_deployments.delete_deployment, rest_api_id=made.id, deployment_id=kept.id
        )
        if self._draw.random() < 0.7:
            await self.do(rest_apis.delete_rest_api, rest_api_id=made.id)

    async def ended(self) -> None:
        if self._draw.random() < 0.3:
            await self._my.delete()


async def main(folder: Path, seed: int) -> None:
    store, blobs, catalog = TellingStore(folder / "db"), DirectoryBlobs(folder / "blobs"), Catalog()
    await blobs.clear_up()
    await store.open()
    await catalog.follow(store)
    control = Control(
        store=store,
        blobs=blobs,
        catalog=catalog,
        invoker=cast(Any, None),
        events=cast(Any, None),
        logs_store=cast(Any, None),
        metric_store=cast(Any, None),
        queues=cast(Any, None),
        settings=Settings(),
        changed=lambda: None,
    )
    hand = Hand(Account(control, [], ME, folder), random.Random(seed))
    packages = Packages(store=store, blobs=blobs, code=CodeCache(folder / "code", blobs))

    async def collect() -> None:
        while True:
            await blobs.collect(lambda: needed(store, catalog))

    async def settle() -> None:
        while True:
            await packages.settle()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(collect())
        tasks.create_task(settle())
        while True:
            await hand.change()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

"""Tenant isolation: kept, shown, what it excludes, and how events keep their tenant."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from stoker.core.errors import InvalidParameterValueException, TooManyRequestsException
from stoker.core.tenancy import of_tenant
from stoker.store import event_queue
from stoker.store.event_queue import Content, EventQueue
from tests import front_door
from tests.component.test_event_queue import add, content, nothing, told
from tests.core.test_tenancy import LACKING
from tests.eventing import F, Hands, Scene, tell
from tests.front_door import ACCOUNT, REGION, Door, at_the_door, create_function, refused, signed
from tests.http_apis import OK, URI, answering, permit
from tests.invoking import ECHO, Ground, run
from tests.rest_apis import fetch, make, mapped

PER_TENANT = {"TenantIsolationMode": "PER_TENANT"}
INVALID = "InvalidParameterValueException"


def isolated(folder: Path, story: front_door.Story) -> None:
    async def told(door: Door) -> None:
        await create_function(door, TenancyConfig=PER_TENANT)
        await story(door)

    at_the_door(folder, told)


async def ask(door: Door, operation: str, **given: Any) -> Any:
    return await door.call("lambda", operation, FunctionName="f", **given)


def test_the_mode_is_shown_everywhere_and_stays(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await ask(door, "update_function_configuration", Description="other")
        await ask(door, "publish_version")
        shown = [
            (await ask(door, "get_function"))["Configuration"],
            await ask(door, "get_function_configuration", Qualifier="1"),
            *(await door.call("lambda", "list_functions"))["Functions"],
        ]
        assert [one["TenancyConfig"] for one in shown] == [PER_TENANT] * 3
        other = {"TenantIsolationMode": "NONE"}
        _, kind, message = await refused(create_function(door, "g", TenancyConfig=other))
        assert kind == "ValidationException"
        assert "enum value set: [PER_TENANT]" in message
        await create_function(door, "g")
        assert "TenancyConfig" not in await ask_of(door, "g")

    isolated(tmp_path, story)


async def ask_of(door: Door, name: str) -> Any:
    return await door.call("lambda", "get_function_configuration", FunctionName=name)


def test_what_aws_does_not_have_with_it_is_refused(tmp_path: Path) -> None:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"

    async def story(door: Door) -> None:
        await ask(door, "publish_version")
        snap_start = {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": "python3.12"}
        made = {"TenancyConfig": PER_TENANT, "SnapStart": snap_start["SnapStart"]}
        amount = {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1}
        for what, asked in (
            ("Function URL", ask(door, "create_function_url_config", AuthType="NONE")),
            ("SnapStart", ask(door, "update_function_configuration", **snap_start)),
            (
                "SnapStart",
                create_function(door, "g", **made),
            ),
            (
                "Provisioned Concurrency",
                ask(door, "put_provisioned_concurrency_config", **amount),
            ),
            (
                "Event source mapping",
                ask(door, "create_event_source_mapping", EventSourceArn=queue),
            ),
        ):
            message = f"{what} is not supported for functions enabled with tenancy configuration."
            assert await refused(asked) == (400, INVALID, message)

    isolated(tmp_path, story)


def test_invoke_wants_a_tenant_that_is_legal(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for given in ({}, {"InvocationType": "Event"}, {"InvocationType": "DryRun"}):
            assert await refused(ask(door, "invoke", **given)) == (400, INVALID, LACKING)
        assert await refused(ask(door, "invoke_async", InvokeArgs=b"{}")) == (400, INVALID, LACKING)
        for wrong in ("a,b", "é".encode().decode("latin-1"), "x" * 257):
            _, kind, _ = await refused(ask(door, "invoke", TenantId=wrong))
            assert kind == "ValidationException"
        target = "/2015-03-31/functions/f/invocations"
        nameless = signed(door.host, "POST", target, b"{}", **{"X-Amz-Tenant-Id": ""})
        empty = await door.send_raw(nameless)
        assert empty.status == 400
        assert empty["x-amzn-errortype"] == "ValidationException"
        assert door.echo.invocations == []
        await ask(door, "invoke", TenantId="a b/c:d=e+f-g@h._", Payload=b"1")
        (one,) = door.echo.invocations
        assert one.target.tenant == "a b/c:d=e+f-g@h._"
        assert door.control.catalog.serves(one.target), "its environments are kept"

    isolated(tmp_path, story)


def test_a_function_without_isolation_has_no_tenants(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        _, kind, message = await refused(ask(door, "invoke", TenantId="blue"))
        assert kind == INVALID
        assert "Remove the tenant ID" in message
        assert door.echo.invocations == []

    at_the_door(tmp_path, story)


def test_a_rest_api_names_the_tenant_by_a_mapping(tmp_path: Path) -> None:
    name = {
        "integration.request.header.X-Amz-Tenant-Id": "method.request.header.x-tenant-id",
    }
    later = {**name, "integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    proxy: dict[str, Any] = {
        "type": "aws_proxy", "httpMethod": "POST", "uri": URI, "requestParameters": name
    }  # fmt: skip
    parameters = [{"name": "x-tenant-id", "in": "header", "type": "string"}]
    paths = {
        "/proxy": {"get": {"parameters": parameters, "x-amazon-apigateway-integration": proxy}},
        "/mapped": {"post": {"parameters": parameters, **mapped(requestParameters=name)}},
        "/later": {"post": {"parameters": parameters, **mapped(requestParameters=later)}},
    }

    async def story(door: Door) -> None:
        await permit(door)
        answering(door, OK)
        api = await make(door, paths)
        for path, method in (("/proxy", "GET"), ("/mapped", "POST"), ("/later", "POST")):
            answer = await fetch(door, api, path, method, x_tenant_id="blue")
            assert answer.status == 200, answer.body
            for wrong in ({}, {"x_tenant_id": "a,b"}, {"x_amz_tenant_id": "blue"}):
                refusal = await fetch(door, api, path, method, **wrong)
                assert refusal.status == 400
                if "x_tenant_id" not in wrong:
                    assert refusal.json == {"message": LACKING}
        await until_run(door, 3)
        assert [one.target.tenant for one in door.echo.invocations] == ["blue"] * 3

    isolated(tmp_path, story)


async def until_run(door: Door, many: int) -> None:
    async with asyncio.timeout(30):
        while len(door.echo.invocations) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_an_event_keeps_its_tenant_through_failures_and_a_restart(tmp_path: Path) -> None:
    clock = Hands()

    async def first(here: Scene) -> None:
        await here.function(per_tenant=True)
        for number, tenant in enumerate(("blue", "green")):
            event = Content(f"r{number}", F.arn, "application/json", "", "", b"{}", tenant)
            await here.dispatcher.keep(F, None, event)
        ran = [await here.run(), await here.run()]
        assert [one.invocation.target.tenant for one in ran] == ["blue", "green"]
        for one in ran:
            one.fails()
        await here.until(lambda: here.held() == {"later": 2})

    async def second(here: Scene) -> None:
        clock.forward(60)
        ran = [await here.run(), await here.run()]
        assert [one.invocation.target.tenant for one in ran] == ["blue", "green"]
        for one in ran:
            one.ends()
        await here.until(lambda: not here.held())

    tell(tmp_path, first, clock=clock)
    tell(tmp_path, second, clock=clock)


def test_a_destination_that_isolates_tenants_takes_no_record(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        there = await here.function("apart", per_tenant=True)
        await here.function()
        await here.says(on_success=there.arn)
        await here.send()
        (await here.run()).ends()
        await here.until(lambda: here.count("DestinationDeliveryFailures"))

    tell(tmp_path, story)


def test_events_of_an_older_stoker_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    first = Path(event_queue.__file__).with_name("event_queue_1.sql").read_text()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{first}; PRAGMA user_version = 1;")
        row = (7, "a", "r", "f", None, 5.0, 5.0, 0, 0, 2)
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        facts = (7, "old", "arn", "application/json", "", "", b"{}")
        db.execute("INSERT INTO event_contents VALUES (?, ?, ?, ?, ?, ?, ?)", facts)
        db.commit()

    async def story(queue: EventQueue) -> None:
        added = await add(queue)
        assert await queue.contents([7, added.id]) == {
            7: Content("old", "arn", "application/json", "", "", b"{}"),
            added.id: content(),
        }

    assert [waiting.id for waiting in told(path, story)] == [7]
    assert [waiting.id for waiting in told(path, nothing)] == [7, 8]


def test_an_environment_serves_its_tenant_and_nobody_else(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: os.getpid())", per_tenant=True)
        pids = {}
        for tenant in ("blue", "green", "blue", "green"):
            pids.setdefault(tenant, set()).add((await world.invoke(of_tenant(f, tenant))).payload)
        assert [len(mine) for mine in pids.values()] == [1, 1]
        assert pids["blue"].isdisjoint(pids["green"])
        refusal = await world.refused(f)
        assert isinstance(refusal, InvalidParameterValueException)
        assert refusal.message == LACKING
        # Whoever can be asked for is kept, whosever he is.
        world.invoker.retire(lambda target: target.for_all == f.key)
        assert len(world.invoker.environments()) == 2
        world.invoker.retire(lambda target: target.for_all != f.key)
        await world.until(lambda: not world.invoker.environments())

    run(tmp_path, story)


def test_tenants_beyond_what_the_functions_concurrency_allows_are_throttled(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f, other = (world.function(ECHO, per_tenant=True) for _ in range(2))
        world.invoker.reserve(key_of(f), 1)
        for tenant in ("blue", "green", "blue"):
            await world.invoke(of_tenant(f, tenant))
            await world.idle(of_tenant(f, tenant))
        assert isinstance(await world.refused(of_tenant(f, "red")), TooManyRequestsException)
        await world.invoke(of_tenant(other, "red"))
        await world.invoke(of_tenant(f, "green"))

    run(tmp_path, story)


def key_of(target: Any) -> Any:
    return replace(F, account=target.account, region=target.region, name=target.name)

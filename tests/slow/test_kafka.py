"""Mappings of Kafka on the real broker: every way to log in, kills on either side, a group that is
shared, what is compressed, and a million records."""

import asyncio
import base64
import json
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from stoker.core.resources import ResourceKey
from tests.eventing import ACCOUNT, REGION, Run
from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.polling import Polling, polling
from tests.printed import printed
from tests.running import StokerProcess, deploy
from tests.slow.kafka_broker import PASSWORD, USER, KafkaBroker, has_tools, jars, kafka_broker
from tests.slow.kafka_certificates import KEY_PASSWORD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_tools(), reason="needs java and mvn"),
]
PATIENCE_S = 120.0
SEEN = """
import base64, json, os, time
def handler(event, context):
    ((_, records),) = event["records"].items()
    data = [base64.b64decode(one["value"]).decode() for one in records]
    print("SEEN", json.dumps(data), flush=True)
    if os.environ.get("HELD") in data:
        time.sleep(600)
"""
MINE = {"region_name": REGION, "aws_access_key_id": ACCOUNT}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    folder = tmp_path_factory.mktemp("kafka")
    with kafka_broker(jars(folder), folder / "broker") as made:
        yield made


async def topic(broker: KafkaBroker, name: str, partitions: int = 1) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()
    return name


async def put(broker: KafkaBroker, name: str, *values: str, **more: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.address(), **more)
    await producer.start()
    try:
        sent = [await producer.send(name, one.encode(), key=b"k") for one in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def asked(broker: KafkaBroker, name: str, listener: str = "PLAIN", **more: Any) -> dict[str, Any]:
    servers = {"KAFKA_BOOTSTRAP_SERVERS": [broker.address(listener)]}
    return {
        "SelfManagedEventSource": {"Endpoints": servers},
        "Topics": [name],
        "StartingPosition": "TRIM_HORIZON",
        **more,
    }


def batches(server: StokerProcess, function: str) -> list[list[str]]:
    with closing(server.client("logs", **MINE)) as logs:
        return [json.loads(line) for line in printed(logs, function, "SEEN")]


WAYS = {
    "none": ("PLAIN", []),
    "plain": ("SASL", ["BASIC_AUTH"]),
    "scram-256": ("SASL", ["SASL_SCRAM_256_AUTH"]),
    "scram-512-tls": ("SASLTLS", ["SASL_SCRAM_512_AUTH", "SERVER_ROOT_CA_CERTIFICATE"]),
    "plain-tls": ("SASLTLS", ["BASIC_AUTH", "SERVER_ROOT_CA_CERTIFICATE"]),
    "certificate": ("MUTUAL", ["CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE"]),
}
LOST = {
    "wrong-plain": ("SASL", ["BASIC_AUTH"], "PROBLEM: SASL authentication failed."),
    "wrong-scram": ("SASL", ["SASL_SCRAM_512_AUTH"], "PROBLEM: SASL authentication failed."),
    "unknown-authority": (
        "MUTUAL", ["CLIENT_CERTIFICATE_TLS_AUTH"], "PROBLEM: Lambda failed to authenticate server."
    ),
    "no-certificate": ("MUTUAL", ["SERVER_ROOT_CA_CERTIFICATE"], "PROBLEM: "),
    "no-topic": ("PLAIN", [], "PROBLEM: The topic does not exist."),
}  # fmt: skip


@pytest.mark.root
def test_every_way_to_log_in_works_and_why_one_does_not_is_shown(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def prepared() -> None:
        for name in (*WAYS, *(one for one in LOST if one != "no-topic")):
            await topic(broker, name)
        for name in WAYS:
            await put(broker, name, name)

    asyncio.run(prepared())
    own = broker.certificates
    client = {
        "certificate": own.client,
        "privateKey": own.client_key,
        "privateKeyPassword": KEY_PASSWORD,
    }
    secrets = {
        "login": {"username": USER, "password": PASSWORD},
        "wrong": {"username": USER, "password": "no"},
        "CLIENT_CERTIFICATE_TLS_AUTH": client,
        "SERVER_ROOT_CA_CERTIFICATE": {"certificate": own.authority.read_text()},
    }
    with (
        StokerProcess(tmp_path / "data") as server,
        closing(server.client("lambda", **MINE)) as functions,
        closing(server.client("secretsmanager", **MINE)) as vault,
    ):
        arns = {
            name: vault.create_secret(Name=name, SecretString=json.dumps(said))["ARN"]
            for name, said in secrets.items()
        }
        deploy(functions, SEEN, FunctionName="f")

        def mapped(name: str, listener: str, kinds: list[str], login: str) -> str:
            configured = [{"Type": one, "URI": arns.get(one, arns[login])} for one in kinds]
            made = functions.create_event_source_mapping(
                FunctionName="f",
                **asked(broker, name, listener, SourceAccessConfigurations=configured),
            )
            return str(made["UUID"])

        for name, (listener, kinds) in WAYS.items():
            mapped(name, listener, kinds, "login")
        lost = {
            mapped(name, listener, kinds, "wrong"): words
            for name, (listener, kinds, words) in LOST.items()
        }
        wanted = [[name] for name in sorted(WAYS)]
        until(lambda: sorted(batches(server, "f")), lambda seen: seen == wanted, PATIENCE_S)
        for mapping, words in lost.items():
            until(
                lambda one=mapping: functions.get_event_source_mapping(UUID=one),
                lambda shown, w=words: shown.get("LastProcessingResult", "").startswith(w),
                PATIENCE_S,
            )
        assert server.stop() == 0


@pytest.mark.root
def test_what_a_killed_server_had_at_a_function_comes_again(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    numbers = [str(one) for one in range(10)]

    async def prepared() -> None:
        await topic(broker, "killed")
        await put(broker, "killed", *numbers)

    asyncio.run(prepared())
    with (
        StokerProcess(tmp_path / "data") as server,
        closing(server.client("lambda", **MINE)) as functions,
    ):
        instance = Instance.of(server.pid, tmp_path / "data")
        held = {"Variables": {"HELD": "4"}}
        deploy(functions, SEEN, FunctionName="f", Timeout=700, Environment=held)
        functions.create_event_source_mapping(
            FunctionName="f", BatchSize=2, **asked(broker, "killed")
        )
        until(lambda: batches(server, "f"), lambda seen: ["4", "5"] in seen, PATIENCE_S)
        server.process.kill()
        server.wait()
        all_gone(instance)
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "0") as server,
        closing(server.client("lambda", **MINE)) as functions,
    ):
        functions.update_function_configuration(FunctionName="f", Environment={"Variables": {}})
        seen = until(lambda: batches(server, "f"), lambda found: ["8", "9"] in found, PATIENCE_S)
        assert server.stop() == 0
    following = 0
    for first, last in seen:
        assert int(last) == int(first) + 1 <= following + 1, "records were left out"
        following = max(following, int(last) + 1)


def values(run: Run) -> list[str]:
    ((_, found),) = json.loads(run.invocation.event)["records"].items()
    return [base64.b64decode(one["value"]).decode() for one in found]


def tell(folder: Path, story: Callable[[Polling], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        async with polling(folder, **settings) as here, asyncio.timeout(PATIENCE_S):
            await here.events.function()
            await story(here)

    asyncio.run(main())


async def mapped(here: Polling, broker: KafkaBroker, name: str, **said: Any) -> ResourceKey:
    return await here.map_topic(broker.address(), name, **said)


def test_what_failed_is_in_another_topic_with_its_key(broker: KafkaBroker, tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await topic(broker, "source")
        await topic(broker, "dead")
        await put(broker, "source", "a", "b")
        destination = {"OnFailure": {"Destination": "kafka://dead"}}
        await mapped(here, broker, "source", BatchSize=2, MaximumRetryAttempts=0,
                     DestinationConfig=destination)  # fmt: skip
        (await here.run()).fails()
        consumer = AIOKafkaConsumer(
            "dead", bootstrap_servers=broker.address(), auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            found = [await consumer.getone() for _ in "ab"]
        finally:
            await consumer.stop()
        said = [json.loads(one.value) for one in found]
        assert [one.key for one in found] == [b"k", b"k"]
        assert [one["KafkaBatchInfo"]["recordInfo"]["offset"] for one in said] == ["0", "1"]
        assert said[1]["payload"]["records"]["source-0"][0]["value"] == "Yg=="

    tell(tmp_path, story)


def test_a_group_that_somebody_joins_is_shared_and_nothing_is_lost(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    async def story(here: Polling) -> None:
        await topic(broker, "shared", 4)
        group = {"ConsumerGroupId": "ours"}
        await mapped(here, broker, "shared", BatchSize=1, SelfManagedKafkaEventSourceConfig=group)
        producer = AIOKafkaProducer(bootstrap_servers=broker.address())
        await producer.start()
        seen: set[str] = set()

        async def sent(*names: str) -> None:
            for number, name in enumerate(names):
                await producer.send_and_wait("shared", name.encode(), partition=number % 4)

        await sent(*"abcd")
        while seen != set("abcd"):
            run = await here.run()
            seen |= set(values(run))
            run.ends()
        other = AIOKafkaConsumer(
            "shared", bootstrap_servers=broker.address(), group_id="ours",
            auto_offset_reset="earliest",
        )  # fmt: skip
        await other.start()
        assert len(other.assignment()) == 2
        await sent(*"efgh")
        mine, theirs = set(), set()
        for _ in range(2):
            theirs.add((await other.getone()).value.decode())
            run = await here.run()
            mine |= set(values(run))
            run.ends()
        assert (len(mine), mine | theirs) == (2, set("efgh"))
        await other.stop()
        await sent(*"ijkl")
        while not set("ijkl") <= seen:  # all four partitions are ours again
            run = await here.run()
            seen |= set(values(run))
            run.ends()
        await producer.stop()

    tell(tmp_path, story)


def test_a_broker_that_was_away_is_read_on(broker: KafkaBroker, tmp_path: Path) -> None:
    async def story(here: Polling) -> None:
        await topic(broker, "away")
        await put(broker, "away", "a", "b")
        key = await mapped(here, broker, "away", BatchSize=1)
        run = await here.run()
        broker.kill()
        await shown(here, key, lambda one: one.startswith("PROBLEM: Connection error."))
        run.ends()
        await asyncio.to_thread(broker.start)
        seen: list[str] = []
        while "b" not in seen:
            run = await here.run()
            seen += values(run)
            run.ends()
        assert seen in (["b"], ["a", "b"])  # what was not committed may come again
        await shown(here, key, lambda one: one == "OK")

    tell(tmp_path, story)


async def shown(here: Polling, key: ResourceKey, wanted: Callable[[str], bool]) -> None:
    while not wanted(here.mappings.result(key)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["gzip", "snappy", "lz4", "zstd"])
def test_what_is_compressed_is_read(broker: KafkaBroker, tmp_path: Path, how: str) -> None:
    async def story(here: Polling) -> None:
        await topic(broker, how)
        await put(broker, how, "x" * 1000, "y", compression_type=how)
        await mapped(here, broker, how, BatchSize=2)
        assert values(await here.run()) == ["x" * 1000, "y"]

    tell(tmp_path, story)


def test_a_million_tiny_records_take_little_memory(broker: KafkaBroker, tmp_path: Path) -> None:
    many = 1_000_000

    async def story(here: Polling) -> None:
        await topic(broker, "many", 2)
        producer = AIOKafkaProducer(
            bootstrap_servers=broker.address(), compression_type="lz4",
            max_batch_size=512 * 1024, linger_ms=50,
        )  # fmt: skip
        await producer.start()
        for number in range(many):
            await producer.send("many", b"%d" % number, partition=number % 2)
        await producer.stop()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, count = time.monotonic(), 0
        await mapped(here, broker, "many", BatchSize=10_000)
        while count < many:
            run = await here.run()
            count += run.invocation.event.count(b'"offset"')
            run.ends()
        took = time.monotonic() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{many / took:.0f} records a second, {grown / 1024:.0f} MB more")
        assert grown < 200 * 1024
        assert count == many

    tell(tmp_path, story)

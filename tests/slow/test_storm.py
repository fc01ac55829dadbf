"""A storm: a thousand invocations of one function at once, while others work on."""

import asyncio
import collections
import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.scene import environments, until
from tests.instances import Instance
from tests.running import REGION, StokerProcess, deploy

pytestmark = [pytest.mark.slow, pytest.mark.root]

CALLERS = 1000
SIGNED = (
    f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/lambda/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
WORKS = """
import time
def handler(event, context):
    time.sleep(0.2)
    return event
"""


async def invoke(port: int, name: str, event: object) -> tuple[int, dict[str, str], bytes]:
    """One connection, one invocation: status, headers, body."""
    body = json.dumps(event).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: {SIGNED}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        "".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, rest = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
    return int(status.split()[1]), headers, rest


@pytest.mark.parametrize("limit", [1000, 300])
def test_everybody_is_answered_or_throttled_and_nothing_is_left(tmp_path: Path, limit: int) -> None:
    options = ("--account-concurrency", str(limit), "--unreserved-minimum", "0")

    async def storm(port: int) -> list[tuple[int, dict[str, str], bytes]]:
        async with asyncio.timeout(600):
            return await asyncio.gather(*(invoke(port, "stormy", n) for n in range(CALLERS)))

    with StokerProcess(tmp_path / "data", *options) as server:
        instance = Instance.of(server.pid, tmp_path / "data")
        with closing(server.client("lambda")) as functions:
            deploy(functions, WORKS, FunctionName="stormy", Timeout=60, MemorySize=128)
            began = time.monotonic()
            answers = asyncio.run(storm(server.port))
            print(f"{CALLERS} callers in {time.monotonic() - began:.1f} s")
            kinds: collections.Counter[object] = collections.Counter()
            for number, (status, headers, body) in enumerate(answers):
                if status == 200:
                    assert "x-amz-function-error" not in headers, body
                    assert json.loads(body) == number
                    kinds["answered"] += 1
                    continue
                told = json.loads(body)
                if status == 429:
                    assert headers["retry-after"] == "1"
                    kinds[told["Reason"]] += 1
                else:
                    assert (status, "sufficient capacity" in str(told)) == (500, True), told
                    kinds["no capacity"] += 1
            print(dict(kinds))
            assert kinds["answered"] >= min(limit, 100)
            assert set(kinds) <= {
                "answered", "no capacity", "ConcurrentInvocationLimitExceeded",
            }  # fmt: skip
            if limit < CALLERS:
                assert kinds["ConcurrentInvocationLimitExceeded"] >= 1
            # All units are back: as many as may run at a time are answered again, and one more is.
            until(
                lambda: {one["phase"] for one in environments(server) if not one.get("ended")},
                lambda phases: phases <= {"Idle"},
                60,
            )
            for _ in range(3):
                assert functions.invoke(FunctionName="stormy", Payload="1")["StatusCode"] == 200
        assert server.stop() == 0
    until(instance.remains, lambda found: not found, 30)

"""Streamed answers that are too much, too fast, cut short or not taken."""

import asyncio
import json
from pathlib import Path

from stoker.core.pace import StreamLimits
from tests.invoking import Ground, run
from tests.streaming import FAST, STREAM, Caller, streamed


def test_a_body_that_breaks_off_is_told_behind_what_came(tmp_path: Path) -> None:
    caller, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.socket.sendall(b"8\\r\\nhalf")
stream.socket.close()
next_event()
""",
    )
    assert caller.received == b"half"
    assert result.function_error == "Runtime.TruncatedResponse"
    assert json.loads(result.payload)["errorType"] == "Runtime.TruncatedResponse"


def test_a_chunk_that_lies_about_its_size_ends_the_stream(tmp_path: Path) -> None:
    caller, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.socket.sendall(b"2\\r\\nlonger\\r\\n")
status, body = stream.answer()
assert status == 400, (status, body)
next_event()
""",
    )
    assert caller.received in (b"", b"lo")
    assert result.function_error == "Runtime.TruncatedResponse"


def test_trailers_without_end_end_the_stream(tmp_path: Path) -> None:
    _, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id, trailers=ERROR)
stream.socket.sendall(b"0\\r\\n")
try:
    while True:
        stream.socket.sendall(b"a: b\\r\\n" * 1000)
except OSError:
    pass
next_event()
""",
    )
    assert result.function_error == "Runtime.TruncatedResponse"


def test_more_than_the_most_is_cut_off(tmp_path: Path) -> None:
    caller, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
for _ in range(3):
    stream.write(b"x" * 50_000)
status, body = stream.finish()
assert status == 413, (status, body)
next_event()
""",
        limits=StreamLimits(most_bytes=100_000),
    )
    assert len(caller.received) <= 100_000
    assert result.function_error == "Function.ResponseSizeTooLarge"


def test_a_caller_who_takes_nothing_makes_the_runtime_s_writes_block(tmp_path: Path) -> None:
    sent = tmp_path / "sent"

    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + f"""
request_id, _, _ = next_event()
stream = Stream(request_id)
for n in range(640):
    stream.socket.settimeout(1)
    try:
        stream.write(b"x" * 100_000)
    except TimeoutError:
        open({str(sent)!r}, "w").write(str(n))
        break
next_event()
"""
        )
        caller = Caller(takes=1)
        result = asyncio.ensure_future(world.invoke(f, recipient=caller))
        await world.until(sent.exists)
        # What the kernel keeps between the two, and one read.
        assert 1 <= len(caller.received) <= 1_000_000
        assert int(sent.read_text()) < 400
        caller.take_all()
        assert (await result).function_error

    run(tmp_path, story, stream=FAST)


def test_a_caller_who_takes_it_again_gets_everything(tmp_path: Path) -> None:
    async def story(_: Ground, caller: Caller) -> None:
        caller.takes = 1
        for mebibytes in range(1, 12):
            await caller.until(lambda c: bool(c.received))
            caller.takes = mebibytes * 1_000_000
            assert caller.flow is not None
            caller.flow.resume()
            await caller.until(lambda c: len(c.received) >= (c.takes or 0))
        caller.take_all()

    caller, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
for n in range(120):
    stream.write(b"%099999d\\n" % n)
stream.finish()
next_event()
""",
        story,
    )
    assert result.function_error is None
    assert caller.received == b"".join(b"%099999d\n" % n for n in range(120))


def test_beyond_the_burst_it_goes_no_faster_than_the_rate(tmp_path: Path) -> None:
    took: list[float] = []

    async def story(_: Ground, caller: Caller) -> None:
        loop = asyncio.get_running_loop()
        await caller.until(lambda c: bool(c.received))
        began = loop.time()
        await caller.until(lambda c: len(c.received) == 1_000_000)
        took.append(loop.time() - began)

    streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
for n in range(100):
    stream.write(b"x" * 10_000)
stream.finish()
next_event()
""",
        story,
        limits=StreamLimits(burst_bytes=200_000, bytes_per_s=1_000_000),
    )
    # 800 kB beyond the burst; the last read may overdraw by its own size.
    assert took[0] > 0.4


def test_a_flood_of_chunks_of_one_byte_comes_through(tmp_path: Path) -> None:
    caller, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id)
for _ in range(100):
    stream.socket.sendall(b"1\\r\\nx\\r\\n" * 2_000)
stream.finish()
next_event()
""",
    )
    assert (len(caller.received), result.function_error) == (200_000, None)

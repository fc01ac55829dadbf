"""What libFuzzer calls, over and over: `python harness.py TARGET [options of libFuzzer] FOLDER`.

    parser    the bytes of a connection: however they are cut, the same requests and answers
    texts     every reader of bytes that come from inside an environment

atheris, which steers it by what the code under test covers, must be importable. Whatever is
raised here ends the run, and libFuzzer keeps the input.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from itertools import pairwise

import atheris
import orjson

with atheris.instrument_imports(include=["stoker"]):
    from stoker.core import error_cause, extension_states, faults, receipts, subscriptions, tracing
    from stoker.core.dialects import Dialect
    from stoker.core.frames import Frames, Lines
    from stoker.core.invocation import LogSettings
    from stoker.core.log_format import JsonLog
    from stoker.core.platform_events import tracing as end_of_record
    from stoker.core.runtime_states import Answer
    from stoker.core.subscriptions import Api
    from tests.http_in_memory import converse, cut

MARKS = 4  # bytes at the beginning of an input that say where the rest is cut
SMALL_EVENT = 64  # so that inputs of a few hundred bytes are long events, too
EVERY_TYPE = ("platform", "function", "extension")


def parser(runner: asyncio.Runner) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        marks, stream = data[:MARKS], data[MARKS:]
        whole = runner.run(converse([stream] if stream else [], late=False))
        late = bool(marks) and marks[0] % 2 == 1
        places = [mark * (len(stream) + 1) // 256 for mark in marks]
        pieces = [piece for piece in cut(stream, places) if piece]
        assert runner.run(converse(pieces, late=late)) == whole, pieces

    return one


def texts(_: asyncio.Runner) -> Callable[[bytes], None]:
    log = JsonLog(LogSettings("/any", "JSON"), wraps=True)
    dialects = [
        Dialect(Api.TELEMETRY, "2022-12-13", objects=True),
        Dialect(Api.TELEMETRY, "2022-07-01", objects=False),
        Dialect(Api.LOGS, "2021-03-18", objects=False),
    ]

    def one(data: bytes) -> None:
        header = data.decode("latin-1")
        for external in (True, False):
            _refused(extension_states.registration(data, external=external))
        _refused(extension_states.identifier({"lambda-extension-identifier": header}))
        for api in Api:
            _refused(subscriptions.parse(api, data, frozenset({9001})))
        body, _, cause = faults.without_cause(data)
        body.decode("utf-8", "surrogatepass")
        for said in (cause, header):
            orjson.dumps(error_cause.error_cause(said))
        faults.posted_type(header)
        tracing.fields_of(header)
        tracing.segment_of(data)
        tracing.segment_of(b'{"format":"json","version":1}\n' + data)
        orjson.loads(b'{"":0%b}' % end_of_record(header))
        _answer_of_a_subscriber(data)
        _pipes(data)
        log.printed(data, 0, None)
        for dialect in dialects:
            (event,) = dialect.render([("function", 0, data)])
            assert b"\n" not in event
            orjson.loads(event)

    return one


def _refused(answer: object) -> None:
    """A refusal is a client's mistake, in JSON."""
    if isinstance(answer, Answer):
        assert 400 <= answer.status < 500
        json.loads(answer.body)


def _answer_of_a_subscriber(data: bytes) -> None:
    try:
        found = receipts.receipt(data)
    except ValueError:  # it is no HTTP: the connection ends
        return
    assert found is None or found.head_bytes <= len(data)


def _pipes(data: bytes) -> None:
    """Nothing that is written to a pipe is lost or held back, however it is cut."""
    for make in (Lines, Frames):
        whole, pieces = make(SMALL_EVENT), make(SMALL_EVENT)
        marks = [len(data) * part // 5 for part in range(6)]
        first = _taken(whole, [data])
        second = _taken(pieces, [data[a:b] for a, b in pairwise(marks)])
        assert first == second, (first, second)
        if make is Lines:
            assert first == data


def _taken(pipe: Lines | Frames, pieces: list[bytes]) -> bytes:
    events = []
    for piece in pieces:
        pipe.feed(piece)
        while found := pipe.take(3):
            events += found
    events += pipe.flush()
    assert all(len(message) <= SMALL_EVENT for message, _ in events)
    return b"".join(message for message, _ in events)


def main() -> None:
    target = {"parser": parser, "texts": texts}[sys.argv[1]]
    with asyncio.Runner() as runner:
        atheris.Setup([sys.argv[0], *sys.argv[2:]], target(runner))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

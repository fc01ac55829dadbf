"""AWS's own runtime clients, unchanged, in functions of every fate: one list of expectations.

What a client words itself is in CLIENTS, word for word; everything else is the same for all.
`make slow ARGS="tests/slow/clients -k [go]"` runs one client's.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.running import StokerProcess, deploy
from tests.slow.clients.projects import NoToolchain, Package, package

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(1800)]

PARTS = b"part 0\npart 1\npart 2\n"
MEGABYTES = 6 * 1024 * 1024
ROOT = "1-5759e988-bd862e3fe1be46a994272793"

TIMEOUT_S = 8  # the next process starts within it, also a Java on a machine that is busy


@dataclass(frozen=True, slots=True)
class Client:
    """What one client does in its own way."""

    refusal: dict[str, Any]  # the payload of a handled error
    panic: dict[str, Any]  # of a panic, an exception that nobody catches, an abort; or its begin
    survives_panic: bool = False
    streamed: bytes | None = None  # the body of a streamed answer; None: it cannot
    broken: tuple[bytes, str | None] = (b"", None)  # of one that breaks off: the body, its type


ABORTED = {
    "errorType": "Runtime.ExitError",
    "errorMessage": "RequestId: {id} Error: Runtime exited with error: signal: aborted",
}
PRELUDE = (
    b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}'
    + b"\0" * 8
)
CLIENTS = {
    "go": Client(
        refusal={"errorMessage": "not today", "errorType": "errorString"},
        panic={"errorMessage": "out of luck", "errorType": "string"},
        streamed=PARTS,
        broken=(PARTS, "errorString"),
    ),
    "rust": Client(
        refusal={
            "errorType": "&alloc::boxed::Box<dyn core::error::Error"
            " + core::marker::Send + core::marker::Sync>",
            "errorMessage": "not today",
        },
        panic={
            "errorType": "&alloc::boxed::Box<dyn core::any::Any + core::marker::Send>",
            "errorMessage": "Lambda panicked: out of luck",
        },
        survives_panic=True,
        streamed=PRELUDE + PARTS,
        # It writes its trailers into the body, so that nobody sees that they are some.
        broken=(
            PRELUDE
            + PARTS
            + b"Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"
            + b"Lambda-Runtime-Function-Error-Body: "
            + base64.b64encode(b"broke off")
            + b"\r\n",
            None,
        ),
    ),
    "cpp": Client(
        refusal={"errorMessage": "not today", "errorType": "Refused", "stackTrace": []},
        panic=ABORTED,
    ),
    "python": Client(
        refusal={
            "errorMessage": "not today",
            "errorType": "Refused",
            "requestId": "{id}",
            "stackTrace": [
                '  File "/var/task/main.py", line 27, in handler\n    raise Refused("not today")\n'
            ],
        },
        panic=ABORTED,
    ),
    "java": Client(
        refusal={
            "errorMessage": "not today",
            "errorType": "Main$Refused",
            "stackTrace": ["Main.handleRequest(Main.java:35)", "Main.handleRequest(Main.java:8)"],
        },
        panic={"errorMessage": "out of luck", "errorType": "java.lang.StackOverflowError"},
    ),
}
STREAMING = [name for name, client in CLIENTS.items() if client.streamed is not None]


@dataclass(frozen=True, slots=True)
class Answer:
    payload: bytes
    error: str | None
    request_id: str
    log: str

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Function:
    """One deployed function, and how to call it."""

    def __init__(self, functions: Any, built: Package, **settings: Any) -> None:
        settings = {"Runtime": built.runtime, "Handler": built.handler, **settings}
        self.client = functions
        self.name = deploy(functions, built.files, ("bootstrap",), MemorySize=1769, **settings)

    def invoke(self, do: str, *, context: str = "", **event: Any) -> Answer:
        options = {"ClientContext": base64.b64encode(context.encode()).decode()} if context else {}
        answer = self.client.invoke(
            FunctionName=self.name, Payload=event_of(do, **event), LogType="Tail", **options
        )
        with answer["Payload"] as stream:
            return Answer(
                payload=stream.read(),
                error=answer.get("FunctionError"),
                request_id=answer["ResponseMetadata"]["RequestId"],
                log=base64.b64decode(answer["LogResult"]).decode(),
            )

    def stream(self, do: str) -> tuple[list[bytes], dict[str, str]]:
        """The chunks, and how it ended."""
        answer = self.client.invoke_with_response_stream(
            FunctionName=self.name, Payload=event_of(do)
        )
        *chunks, end = answer["EventStream"]
        return [chunk["PayloadChunk"]["Payload"] for chunk in chunks], end["InvokeComplete"]

    def count(self) -> int:
        """How often this process was asked to count."""
        counted: int = self.invoke("count").json
        return counted


def event_of(do: str, **event: Any) -> bytes:
    return json.dumps({"do": do, **event}, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def servers(server: StokerProcess, tmp_path_factory: Any) -> Iterator[Callable[..., Any]]:
    """Clients of servers by their options; without any it is everybody's server."""
    own: dict[tuple[str, ...], StokerProcess] = {(): server}

    def client(*options: str) -> Any:
        if options not in own:
            own[options] = StokerProcess(tmp_path_factory.mktemp("own") / "data", *options)
        return own[options].client("lambda")

    yield client
    for options, process in own.items():
        if options:
            assert process.stop() == 0


@pytest.fixture
def function(servers: Callable[..., Any]) -> Iterator[Callable[..., Function]]:
    made: list[Function] = []

    def function(name: str, **settings: Any) -> Function:
        try:
            built = package(name)
        except NoToolchain as reason:
            pytest.skip(str(reason))
        made.append(Function(servers(*built.server_options), built, **settings))
        return made[-1]

    yield function
    for one in made:
        with closing(one.client), suppress(one.client.exceptions.ResourceNotFoundException):
            one.client.delete_function(FunctionName=one.name)


every_client = pytest.mark.parametrize("name", CLIENTS)
streaming_clients = pytest.mark.parametrize("name", STREAMING)
Deploy = Callable[..., Function]


def words(payload: dict[str, Any], answer: Answer) -> Any:
    """An expected payload with the request's id in it."""
    return json.loads(json.dumps(payload).replace("{id}", answer.request_id))


@every_client
def test_an_event_goes_in_and_an_answer_and_a_log_line_come_out(
    name: str, function: Deploy
) -> None:
    value = {"text": 'é \U0001f600 "quoted" \\ /', "list": [1, -2.5, None, True], "deep": {"a": {}}}
    answer = function(name).invoke("echo", value=value)
    assert (answer.json, answer.error) == (value, None)
    assert "asked to echo\n" in answer.log
    assert f"REPORT RequestId: {answer.request_id}" in answer.log


@every_client
def test_a_warm_process_keeps_what_it_has(name: str, function: Deploy) -> None:
    it = function(name)
    first = it.invoke("count")
    assert first.json == 1
    assert "Init Duration" in first.log
    later = [it.invoke("count") for _ in range(3)]
    assert [answer.json for answer in later] == [2, 3, 4]
    assert not any("Init Duration" in answer.log for answer in later)


@every_client
def test_a_handled_error_comes_in_the_clients_words(name: str, function: Deploy) -> None:
    it = function(name)
    assert it.count() == 1
    answer = it.invoke("error")
    assert answer.error == "Unhandled"
    assert answer.json == words(CLIENTS[name].refusal, answer)
    assert it.count() == 2, "an error ends no process"


@every_client
def test_a_panic_comes_in_the_clients_words_and_the_next_invocation_works(
    name: str, function: Deploy
) -> None:
    it, client = function(name), CLIENTS[name]
    assert it.count() == 1
    answer = it.invoke("panic")
    assert answer.error == "Unhandled"
    told = answer.json
    trace = told.pop("stackTrace", None)
    assert told == words(client.panic, answer)
    if name == "go":
        assert any(frame["label"] == "handle" and frame["line"] > 0 for frame in trace), trace
    assert it.count() == (2 if client.survives_panic else 1)


@every_client
def test_an_exit_in_the_handler_is_told_with_its_status(name: str, function: Deploy) -> None:
    it = function(name)
    assert it.count() == 1
    answer = it.invoke("exit")
    assert answer.error == "Unhandled"
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited with error: "
        "exit status 7",
    }
    assert it.count() == 1, "another process"


@every_client
def test_an_exit_in_the_init_is_told_with_its_status(name: str, function: Deploy) -> None:
    answer = function(name, Environment={"Variables": {"INIT": "exit"}}).invoke("count")
    assert answer.error == "Unhandled"
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert answer.json["errorMessage"].endswith("Runtime exited with error: exit status 7")
    assert "Phase: init" in answer.log


@every_client
def test_a_timeout_ends_the_process_and_the_next_invocation_works(
    name: str, function: Deploy
) -> None:
    it = function(name, Timeout=TIMEOUT_S)
    assert it.count() == 1
    answer = it.invoke("sleep")
    assert answer.error == "Unhandled"
    text = f"Task timed out after {TIMEOUT_S}.00 seconds"
    assert answer.json == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: {text}",
    }
    assert it.count() == 1, "another process"


@every_client
def test_six_megabytes_go_in_and_come_out(name: str, function: Deploy) -> None:
    it = function(name)
    size = MEGABYTES - len(event_of("length", data=""))
    answer = it.invoke("length", data="x" * size)
    assert (answer.json, answer.error) == (size, None)
    answer = it.invoke("large", size=MEGABYTES)
    assert answer.error is None
    assert answer.payload == b'"' + b"x" * MEGABYTES + b'"'
    assert it.count() == 1


@every_client
def test_an_answer_that_is_too_large_is_refused_and_the_next_invocation_works(
    name: str, function: Deploy
) -> None:
    it = function(name)
    answer = it.invoke("large", size=MEGABYTES + 200)
    assert answer.error == "Unhandled"
    assert answer.json["errorType"] == "Function.ResponseSizeTooLarge"
    assert it.count() == 1, "it counts from 1 in the same process and in another"


@every_client
def test_the_context_says_what_is_so(name: str, function: Deploy) -> None:
    it = function(name)

    def trace(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amzn-Trace-Id"] = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0"

    it.client.meta.events.register("before-call.lambda.Invoke", trace)
    context = {
        "client": {
            **{"installation_id": "i", "app_version_name": "1", "app_version_code": "2"},
            **{"app_package_name": "p", "app_title": "a title"},
        },
        "custom": {"key": "value"},
    }
    answer = it.invoke("context", context=json.dumps(context, separators=(",", ":")))
    said = answer.json
    assert f"Root={ROOT};" in said.pop("trace")
    assert 0 < said.pop("remaining_ms") <= 30_000
    arn = it.client.get_function_configuration(FunctionName=it.name)["FunctionArn"]
    assert said == {
        "request_id": answer.request_id,
        "arn": arn,
        "app_title": "a title",
        "custom": {"key": "value"},
        "function": it.name,
        "memory_mb": 1769,
    }
    without = it.invoke("context").json
    assert (without["app_title"], without["custom"] or {}) == ("", {})


# --- streaming ----------------------------------------------------------------------------------


@streaming_clients
def test_a_streamed_answer_comes_whole_to_either_caller(name: str, function: Deploy) -> None:
    it, client = function(name), CLIENTS[name]
    answer = it.invoke("stream")
    assert (answer.payload, answer.error) == (client.streamed, None)
    chunks, end = it.stream("stream")
    assert (b"".join(chunks), end) == (client.streamed, {})
    assert it.count() == 1


@streaming_clients
def test_an_answer_that_breaks_off_says_so_behind_what_came(name: str, function: Deploy) -> None:
    it, (body, kind) = function(name), CLIENTS[name].broken
    chunks, end = it.stream("stream-breaks")
    assert b"".join(chunks) == body
    assert end.get("ErrorCode") == kind
    if kind is not None:
        assert json.loads(end["ErrorDetails"])["errorMessage"] == "broke off"
    assert it.count() == 1


@streaming_clients
def test_what_was_streamed_before_a_timeout_has_reached_its_caller(
    name: str, function: Deploy
) -> None:
    it = function(name, Timeout=TIMEOUT_S)
    chunks, end = it.stream("stream-stalls")
    assert b"".join(chunks) == CLIENTS[name].streamed
    assert end["ErrorCode"] == "Sandbox.Timedout"
    assert it.count() == 1


@pytest.mark.parametrize("name", [name for name in CLIENTS if name not in STREAMING])
def test_a_client_that_cannot_stream_answers_a_streaming_caller(
    name: str, function: Deploy
) -> None:
    chunks, end = function(name).stream("count")
    assert (b"".join(chunks), end) == (b"1", {})

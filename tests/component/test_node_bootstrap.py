"""Our Node.js runtime client, executed by each node that this machine has.

Formats and texts are those of AWS's own client for the same version of Node.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from stoker.core.limits import Family
from stoker.runtimes.found import FoundRuntime
from tests.scripted_runtime_api import Event, Post, Run, play
from tests.user import found_of

CLIENT = Path(__file__).parents[2] / "src" / "stoker" / "runtimes" / "nodejs"
TEXT_INFO, TEXT_ERROR, JSON_INFO = 0xA55A000F, 0xA55A0017, 0xA55A000E
IDLE = Event(b"{}")


NODES = found_of(Family.NODE)
OLD = [node for node in NODES if int(node.version.split(".")[0]) < 24]  # with callbacks
every_node = pytest.mark.parametrize("node", NODES, ids=lambda node: node.runtime)
a_node = pytest.mark.parametrize("node", NODES[:1], ids=lambda node: node.runtime)
old_node = pytest.mark.parametrize("node", OLD[:1], ids=lambda node: node.runtime)
pytestmark = pytest.mark.skipif(not NODES, reason="there is no Node.js on this machine")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    return folder


def write(task: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = task / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(
    node: FoundRuntime,
    task: Path,
    files: str | dict[str, str],
    *events: Event,
    handler: str = "app.handler",
    framed: bool = True,
    **environ: str,
) -> Run:
    write(task, {"app.js": files} if isinstance(files, str) else files)
    variables = {"_HANDLER": handler, "LAMBDA_TASK_ROOT": str(task), **environ}
    command = [str(node.executable), CLIENT / "bootstrap.cjs"]
    return play(command, variables, list(events or [IDLE]), cwd=task, framed=framed)


def answers(done: Run) -> list[Any]:
    assert [post.path for post in done.posts] == ["invocation/response"] * len(done.posts)
    return [json.loads(post.body) for post in done.posts]


def failure(post: Post) -> tuple[str, str]:
    body = json.loads(post.body)
    assert list(body) == ["errorType", "errorMessage", "trace"]
    assert post.headers["lambda-runtime-function-error-type"] == body["errorType"]
    return body["errorType"], body["errorMessage"]


# -- handlers ------------------------------------------------------------------------------------


@every_node
def test_an_async_handler_gets_the_event_and_the_whole_context(
    node: FoundRuntime, task: Path
) -> None:
    code = """
exports.handler = async (event, context) => {
  const { getRemainingTimeInMillis, ...rest } = context;
  return { event, left: getRemainingTimeInMillis() > 0, rest, trace: process.env._X_AMZN_TRACE_ID };
};"""
    headers = {
        "Lambda-Runtime-Client-Context": '{"custom": {"a": "é"}}',
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "i"}',
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    }
    done = run(
        node, task, code,
        Event('{"ü": [1]}'.encode(), headers, "first"),
        Event(b"7", {"Lambda-Runtime-Trace-Id": ""}, "second", chunked=True),
        AWS_LAMBDA_FUNCTION_NAME="f", AWS_LAMBDA_FUNCTION_VERSION="3",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128", AWS_LAMBDA_LOG_GROUP_NAME="g",
        AWS_LAMBDA_LOG_STREAM_NAME="s",
    )  # fmt: skip
    first, second = answers(done)
    assert first["event"] == {"ü": [1]}
    assert first["left"] is True
    assert first["trace"].startswith("Root=1-")
    legacy = first["rest"].pop("callbackWaitsForEmptyEventLoop", None)
    assert legacy is (True if node in OLD else None)
    first["rest"].pop("xRayTraceId", None)
    assert first["rest"] == {
        "functionName": "f", "functionVersion": "3", "memoryLimitInMB": "128",
        "logGroupName": "g", "logStreamName": "s", "awsRequestId": "first",
        "invokedFunctionArn": "arn:aws:lambda:eu-central-1:1:function:f",
        "clientContext": {"custom": {"a": "é"}}, "identity": {"cognitoIdentityId": "i"},
        "tenantId": "blue",
    }  # fmt: skip
    assert second["event"] == 7
    assert "trace" not in second
    assert not {"clientContext", "tenantId"} & set(second["rest"])


@old_node
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("cb(null, 'called')", "called"),
        ("c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 1e8); cb(null, 1)", 1),
        ("let n = 0; setTimeout(() => { n = 5; }, 1); cb(null, { get n() { return n; } })",
         {"n": 5}),
        ("c.done(null, 3)", 3),
        ("c.succeed(4)", 4),
        ("return 'ignored'", None),
        ("setTimeout(() => cb(), 1)", None),
    ],
)  # fmt: skip
def test_a_callback_answers_as_it_did_before_node_24(
    node: FoundRuntime, task: Path, body: str, expected: object
) -> None:
    done = run(node, task, f"exports.handler = (e, c, cb) => {{ {body} }};", IDLE, IDLE)
    assert answers(done) == [expected, expected]


@old_node
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("cb(new RangeError('no'))", ("RangeError", "no")),
        ("cb('words')", ("string", "words")),
        ("c.fail({})", ("object", "[object Object]")),
        ("throw 5", ("number", "5")),
        ("return new Promise(() => {})", ("Runtime.NodeJsExit",)),
        ("cb(null, 1n)", ("Error", "Unable to stringify response body")),
    ],
)
def test_a_handler_fails_and_the_next_event_finds_it_alive(
    node: FoundRuntime, task: Path, body: str, expected: tuple[str, ...]
) -> None:
    done = run(node, task, f"exports.handler = (e, c, cb) => {{ {body} }};", IDLE, IDLE)
    assert [post.path for post in done.posts] == ["invocation/error"] * 2
    assert failure(done.posts[1])[: len(expected)] == expected
    assert done.status is None


@pytest.mark.skipif(len(NODES) == len(OLD), reason="there is no Node.js 24 on this machine")
def test_node_24_refuses_callbacks(task: Path) -> None:
    done = run(NODES[-1], task, "exports.handler = (e, c, cb) => cb();")
    kind, text = failure(done.posts[0])
    assert kind == "Runtime.CallbackHandlerDeprecated"
    assert text.startswith("ERROR: AWS Lambda has removed support for callback-based")
    assert (done.posts[0].path, done.status) == ("init/error", 1)


@a_node
@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"app.mjs": "await 0; export const handler = async () => 'ok';"}, "app.handler"),
        ({"app.cjs": "exports.handler = async () => 'ok';"}, "app.handler"),
        ({"app": "exports.handler = async () => 'ok';"}, "app.handler"),
        ({"app.js": "export const handler = async () => 'ok';",
          "package.json": '{"type": "module"}'}, "app.handler"),
        ({"app.mjs": "export default { handler: async () => 'ok' };"}, "app.handler"),
        ({"lib/deep/app.js": "exports.a = { b: async () => 'ok' };"}, "lib/deep/app.a.b"),
        ({"node_modules/app/index.js": "exports.handler = async () => 'ok';"}, "app.handler"),
        ({"app.js": "const { x } = require('./x'); exports.handler = async () => x;",
          "x.js": "exports.x = 'ok';"}, "app.handler"),
    ],
    ids=["mjs", "cjs", "bare", "type-module", "default", "nested", "node_modules", "require"],
)  # fmt: skip
def test_a_handler_is_found_where_aws_finds_it(
    node: FoundRuntime, task: Path, files: dict[str, str], handler: str
) -> None:
    assert answers(run(node, task, files, handler=handler)) == ["ok"]


@a_node
def test_a_layers_modules_are_found_through_node_path(
    node: FoundRuntime, task: Path, tmp_path: Path
) -> None:
    module = tmp_path / "opt" / "node_modules" / "shared"
    write(module, {"index.js": "module.exports = 'of the layer';"})
    code = "const s = require('shared'); exports.handler = async () => s;"
    assert answers(run(node, task, code, NODE_PATH=str(module.parent))) == ["of the layer"]


# -- init errors ---------------------------------------------------------------------------------


@every_node
@pytest.mark.parametrize(
    ("files", "handler", "kind", "text"),
    [
        ("", "bad", "Runtime.MalformedHandlerName", "Bad handler"),
        ("", "../app.handler", "Runtime.MalformedHandlerName",
         "'../app.handler' is not a valid handler name. Use absolute paths when specifying root "
         "directories in handler names."),
        ("", "app.handler", "Runtime.HandlerNotFound",
         "app.handler is undefined or not exported"),
        ("exports.handler = 5", "app.handler", "Runtime.HandlerNotFound",
         "app.handler is not a function"),
        ("", "none.handler", "Runtime.ImportModuleError",
         "Error: Cannot find module 'none'\nRequire stack:\n- /var/runtime/index.mjs"),
        ("const x = ;", "app.handler", "Runtime.UserCodeSyntaxError",
         "SyntaxError: Unexpected token ';'"),
        ("throw new TypeError('at import')", "app.handler", "TypeError", "at import"),
    ],
    ids=["no-dot", "dots", "missing", "number", "no-module", "syntax", "raises"],
)  # fmt: skip
def test_what_cannot_be_loaded_is_posted_logged_and_the_end(
    node: FoundRuntime, task: Path, files: str, handler: str, kind: str, text: str
) -> None:
    done = run(node, task, files, handler=handler)
    (post,) = done.posts
    assert post.path == "init/error"
    assert failure(post) == (kind, text)
    (frame,) = post.frames
    assert frame[0] == TEXT_ERROR
    _, request_id, level, words = frame[1].split("\t", 3)
    title, _, details = words.partition(" \t")
    logged = json.loads(details)
    assert (logged["errorType"], logged["errorMessage"]) == (kind, text)
    assert list(logged) == ["errorType", "errorMessage", "stack"]
    if node in OLD:
        assert (request_id, level, title) == ("undefined", "ERROR", "Uncaught Exception")
        assert done.status == 129
    else:
        assert (request_id, level, title) == ("-", "ERROR", "Init Error")
        assert done.status == 1


# -- crashes -------------------------------------------------------------------------------------

WAIT = "await new Promise((r) => setTimeout(r, 1e8));"


@old_node
@pytest.mark.parametrize(
    ("body", "status", "kind", "title"),
    [
        ("setImmediate(() => { throw new Error('x'); });", 129, "Error", "Uncaught Exception"),
        ("Promise.reject(new Error('x'));", 128, "Runtime.UnhandledPromiseRejection",
         "Unhandled Promise Rejection"),
    ],
)  # fmt: skip
def test_what_nobody_caught_fails_the_invocation_and_ends_the_process(
    node: FoundRuntime, task: Path, body: str, status: int, kind: str, title: str
) -> None:
    done = run(node, task, f"exports.handler = async () => {{ {body} {WAIT} }};", Event(b"1"))
    (post,) = done.posts
    assert (post.path, failure(post)[0], done.status) == ("invocation/error", kind, status)
    assert f"\tERROR\t{title} \t{{" in post.frames[0][1]


@pytest.mark.skipif(len(NODES) == len(OLD), reason="there is no Node.js 24 on this machine")
def test_node_24_itself_ends_when_nobody_caught_it(task: Path) -> None:
    code = f"exports.handler = async () => {{ setImmediate(() => {{ throw 1; }}); {WAIT} }};"
    done = run(NODES[-1], task, code, Event(b"1"))
    assert (done.posts, done.status) == ([], 1)


@a_node
def test_an_exit_of_the_function_is_an_exit_of_the_process(node: FoundRuntime, task: Path) -> None:
    done = run(node, task, "exports.handler = async () => process.exit(7);")
    assert (done.posts, done.status) == ([], 7)


# -- console -------------------------------------------------------------------------------------

CHATTER = """
exports.handler = async () => {
  console.log("two\\nlines", { a: 1 }); console.error("bad %s", "luck"); console.debug("fine");
  process.stdout.write("raw\\n");
  console.log({ deep: new TypeError("t") });
};"""


@a_node
def test_console_lines_have_time_id_and_level_and_stay_whole(
    node: FoundRuntime, task: Path
) -> None:
    (post,) = run(node, task, CHATTER, Event(b"{}", {}, "id-1")).posts
    kinds = [kind for kind, _ in post.frames]
    lines = [text.split("\t", 1)[1] for _, text in post.frames]
    assert lines[:3] == [
        "id-1\tINFO\ttwo\nlines { a: 1 }\n",
        "id-1\tERROR\tbad luck\n",
        "id-1\tDEBUG\tfine\n",
    ]
    assert kinds == [TEXT_INFO, TEXT_ERROR, 0xA55A000B, TEXT_INFO]
    assert post.stdout == "raw\n"


@a_node
def test_without_the_descriptor_lines_of_one_event_are_joined(
    node: FoundRuntime, task: Path
) -> None:
    (post,) = run(node, task, CHATTER, Event(b"{}", {}, "id-1"), framed=False).posts
    assert "\tid-1\tINFO\ttwo\rlines { a: 1 }\n" in post.stdout


@a_node
def test_json_lines_are_filtered_and_carry_errors(node: FoundRuntime, task: Path) -> None:
    settings = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    (post,) = run(node, task, CHATTER, Event(b"{}", {}, "id-1"), **settings).posts
    records = [json.loads(text) for _, text in post.frames]
    assert [kind for kind, _ in post.frames] == [JSON_INFO, 0xA55A0016, JSON_INFO]
    assert [list(record) for record in records] == [
        ["timestamp", "level", "requestId", "message"]
    ] * 3
    assert records[1]["message"] == "bad luck"
    error = records[2]["message"]["deep"]
    assert (error["errorType"], error["errorMessage"]) == ("TypeError", "t")


@a_node
def test_a_failure_in_json_is_one_record_with_its_trace(node: FoundRuntime, task: Path) -> None:
    code = "exports.handler = async () => { throw new RangeError('far'); };"
    (post,) = run(node, task, code, AWS_LAMBDA_LOG_FORMAT="JSON").posts
    record = json.loads(post.frames[0][1])
    assert record["level"] == "ERROR"
    assert record["message"]["errorType"] == "RangeError"
    assert record["message"]["stackTrace"][0] == "RangeError: far"
    cause = json.loads(post.headers["lambda-runtime-function-xray-error-cause"])
    assert cause["exceptions"][0]["stack"][0]["path"].endswith("app.js")


# -- sizes and streams ---------------------------------------------------------------------------


@a_node
def test_six_megabytes_come_in_and_go_out(node: FoundRuntime, task: Path) -> None:
    text = "ä" * (3 << 20)
    event = Event(json.dumps(text, ensure_ascii=False).encode())
    assert answers(run(node, task, "exports.handler = async (e) => e;", event)) == [text]


STREAMING = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.early) throw new Error("early");
  if (event.http) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  } else {
    stream.setContentType("text/plain");
  }
  stream.write("one");
  if (event.late) { stream.write("", () => { }); throw new Error("late"); }
  try { stream.setContentType("x"); } catch (error) { stream.write(error.name); }
  stream.write({ a: 1 });
  stream.end("end");
});"""


@every_node
def test_a_stream_is_sent_in_chunks_with_its_type(node: FoundRuntime, task: Path) -> None:
    plain, http = run(node, task, STREAMING, IDLE, Event(b'{"http": 1}')).posts
    assert plain.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert plain.headers["content-type"] == "text/plain"
    assert plain.body == b'oneRuntime.InvalidStreamingOperation{"a":1}end'
    assert http.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert http.body.startswith(b'{"statusCode":201}' + bytes(8) + b"one")


@a_node
def test_a_stream_that_breaks_says_why_behind_its_last_chunk(
    node: FoundRuntime, task: Path
) -> None:
    late, early, fine = run(
        node, task, STREAMING, Event(b'{"late": 1}'), Event(b'{"early": 1}'), IDLE
    ).posts
    assert (late.path, late.body) == ("invocation/response", b"one")
    assert late.headers["lambda-runtime-function-error-type"] == "Error"
    error = json.loads(base64.b64decode(late.headers["lambda-runtime-function-error-body"]))
    assert error["errorMessage"] == "late"
    assert (early.path, failure(early)) == ("invocation/error", ("Error", "early"))
    assert fine.path == "invocation/response"

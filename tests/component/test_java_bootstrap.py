"""Our Java runtime client, executed by each Java that this machine has.

Formats and texts are those of AWS's own client, aws-lambda-java-runtime-interface-client.
"""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stoker.runtimes.found import FoundRuntime
from tests.component.java_handlers import CASES, EVENTS, RECORDS
from tests.java_sources import FOLDER, compiled, javas, lacking
from tests.running import make_zip
from tests.scripted_runtime_api import PATIENCE_S, Event, Post, Run, play

JAVAS = javas()
every_java = pytest.mark.parametrize("java", JAVAS, ids=lambda java: java.runtime)
a_java = pytest.mark.parametrize("java", JAVAS[:1], ids=lambda java: java.runtime)
pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking() or "there is a Java")
TEXT, TEXT_WARN, TEXT_ERROR = 0xA55A0003, 0xA55A0013, 0xA55A0017
JSON, JSON_WARN, JSON_ERROR = 0xA55A0002, 0xA55A0012, 0xA55A0016


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/var/task, with all classes of the tests."""
    folder = tmp_path_factory.mktemp("java")
    files = compiled(folder / "made", {"Cases.java": CASES, "SQSEvent.java": EVENTS})
    for name, content in files.items():
        path = folder / "task" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "task"


def run(java: FoundRuntime, task: Path, handler: str, *events: Any, **environ: str) -> Run:
    """Each event is a JSON value, or an Event."""
    given = [e if isinstance(e, Event) else Event(json.dumps(e).encode()) for e in events]
    variables = variables_of(java, task, handler, **environ)
    return play([FOLDER / "bootstrap"], variables, given or [Event(b"{}")], cwd=task)


def variables_of(java: FoundRuntime, task: Path, handler: str, **environ: str) -> dict[str, str]:
    return {
        "_HANDLER": handler, "LAMBDA_TASK_ROOT": str(task), "PATH": "/usr/bin:/bin",
        "_STOKER_LANGUAGE_ROOT": str(java.prefix), "LAMBDA_RUNTIME_DIR": str(FOLDER),
        "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "3",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
        "AWS_LAMBDA_LOG_STREAM_NAME": "s", **environ,
    }  # fmt: skip


def answers(done: Run) -> list[Any]:
    assert [post.path for post in done.posts] == ["invocation/response"] * len(done.posts)
    return [json.loads(post.body) for post in done.posts]


def failure(post: Post, kind: str = "Runtime.UserException") -> tuple[str, str | None]:
    body = json.loads(post.body)
    assert post.headers["lambda-runtime-function-error-type"] == kind
    return body["errorMessage"], body.get("errorType")


@a_java
def test_a_restore_is_asked_for_again_when_its_connection_is_lost(
    java: FoundRuntime, task: Path
) -> None:
    """A copy of a snapshot has a connection that leads nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        api = "127.0.0.1:%d" % listener.getsockname()[1]  # noqa: UP031
        environ = {"AWS_LAMBDA_RUNTIME_API": api, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        process = subprocess.Popen(
            [FOLDER / "bootstrap"],
            cwd=task,
            env=variables_of(java, task, "t.Cases$Facts", **environ),
            stdin=subprocess.DEVNULL,
        )
        try:
            first, _ = listener.accept()
            with first:
                assert first.recv(4096).startswith(b"GET /2018-06-01/runtime/restore/next ")
            second, _ = listener.accept()
            with second:
                assert second.recv(4096).startswith(b"GET /2018-06-01/runtime/restore/next ")
                second.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert second.recv(4096).startswith(b"GET /2018-06-01/runtime/invocation/next ")
        finally:
            process.kill()
            process.wait()


# -- handlers and what they get ------------------------------------------------------------------


@every_java
def test_a_handler_gets_the_event_and_the_whole_context(java: FoundRuntime, task: Path) -> None:
    headers = {
        "Lambda-Runtime-Client-Context": '{"custom": {"a": "é"}, "client": {"app_title": "T"}}',
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "i"}',
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    }
    body = '{"ü😀": [1, 12345678901, 1.5, -0.0, true, null, {"x": "\\u00e4\\n"}]}'.encode()
    done = run(
        java, task, "t.Cases$Facts",
        Event(body, headers, "first"),
        Event(b"7", {"Lambda-Runtime-Trace-Id": ""}, "second", chunked=True),
    )  # fmt: skip
    first, second = answers(done)
    assert first.pop("trace").startswith("Root=1-")
    assert first == {
        "event": {"ü😀": [1, 12345678901, 1.5, -0.0, True, None, {"x": "ä\n"}]},
        "id": "first", "name": "f", "version": "3", "memory": 256, "group": "g", "stream": "s",
        "arn": "arn:aws:lambda:eu-central-1:1:function:f", "left": True, "tenant": "blue",
        "identity": "i", "custom": {"a": "é"}, "title": "T",
    }  # fmt: skip
    assert (second["event"], second["id"]) == (7, "second")
    assert not {"trace", "tenant", "identity", "custom"} & set(second)
    assert done.sends[1] == [
        "POST /2018-06-01/runtime/invocation/first/response",
        "GET /2018-06-01/runtime/invocation/next",
    ]


@every_java
def test_a_bean_is_read_forgivingly_and_written_without_what_is_null(
    java: FoundRuntime, task: Path
) -> None:
    done = run(
        java, task, "t.Cases$BeanToBean",
        {"name": "a", "n": "5", "items": [{"big": 12345678901, "yes": "true", "map": {"a": 1}}],
         "open": 1.5, "when": 1700000000000, "color": "GREEN", "unknown": 1, "URL": "u",
         "secret": "mine"},
        {"items": {"big": 1}, "color": "BLUE", "when": "2024-01-02T03:04:05.678+0200", "n": 1.9},
        [{"name": "in a list"}], "", None,
    )  # fmt: skip
    assert answers(done) == [
        {"name": "a", "n": 5, "items": [{"big": 12345678901, "yes": True, "map": {"a": 1}}],
         "open": 1.5, "when": 1700000000000, "color": "GREEN", "URL": "u", "fine": True},
        {"n": 1, "items": [{"big": 1, "yes": False}], "when": 1704157445678, "fine": True},
        {"name": "in a list", "n": 0, "fine": True}, None, None,
    ]  # fmt: skip


@a_java
def test_values_of_the_jdk_have_jacksons_forms(java: FoundRuntime, task: Path) -> None:
    exact = b'{"exact": 0.10000000000000000555, "instant": 1700000000.5, "day": [2024, 1, 2]}'
    done = run(
        java, task, "t.Cases$ValuesToValues",
        {"instant": "2024-01-02T03:04:05.678Z", "day": "2024-01-02", "span": "PT1M30S",
         "local": "2024-01-02T03:04", "id": "6f1a2b3c-0000-4000-8000-000000000001",
         "bytes": "YWJj", "buffer": "YWJj", "maybe": "x", "numbers": [1, "2"],
         "set": ["a", "a"]},
        Event(exact),
    )  # fmt: skip
    first, second = answers(done)
    assert first == {
        "instant": 1704164645.678, "day": [2024, 1, 2], "span": 90.0,
        "local": [2024, 1, 2, 3, 4], "id": "6f1a2b3c-0000-4000-8000-000000000001",
        "bytes": "YWJj", "buffer": "YWJj", "maybe": "x", "numbers": [1, 2], "set": ["a"],
    }  # fmt: skip
    assert second == {"exact": 0.1, "instant": 1700000000.5, "day": [2024, 1, 2]}
    assert b'"exact":0.10000000000000000555' in done.posts[1].body
    assert b'"instant":1700000000.500000000' in done.posts[1].body


@a_java
def test_records_are_made_of_their_components(java: FoundRuntime, tmp_path: Path) -> None:
    if int(java.version.split(".")[0]) < 17:
        pytest.skip("records came with Java 16")
    for name, content in compiled(tmp_path / "made", {"Records.java": RECORDS}, "17").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    order = {"id": 1, "items": [{"name": "a", "count": 2}], "gift": {"name": "b", "count": 0}}
    done = run(java, tmp_path, "t.Records", order, {"items": None, "other": 1})
    assert answers(done) == [order, {"id": 0}]


@a_java
def test_the_events_of_aws_have_aws_names_and_times_in_seconds(
    java: FoundRuntime, task: Path
) -> None:
    event = {"Records": [{"body": "b", "eventSourceARN": "arn", "sent": 1545084650.5}]}
    handler = "com.amazonaws.services.lambda.runtime.events.SQSEvent::same"
    assert answers(run(java, task, handler, event)) == [event]


@a_java
@pytest.mark.parametrize(
    ("handler", "event", "answer"),
    [
        ("t.Cases::work", {"name": "q"}, "q"),
        ("t.Cases::named", "z", "zf"),
        ("t.Cases::twice", "4", 8),
        ("t.Cases::nothing", {}, None),
        ("t.Cases::either", "a", "two"),
        ("t.Cases::copies", {"a": [1]}, {"a": [1]}),
        ("t.Cases::says", {}, 7),
        ("t.Cases::all", [{"n": 1}], [{"n": 1, "fine": True}]),
        ("t.Cases$Bytes", {"a": 1}, {"a": 1}),
        ("t.Cases$Concrete", {"big": 4}, "big 4"),
    ],
)
def test_every_form_of_handler_is_called(
    handler: str, event: Any, answer: Any, java: FoundRuntime, task: Path
) -> None:
    assert answers(run(java, task, handler, event)) == [answer]


@a_java
def test_the_packages_own_serializer_is_used_for_every_type(
    java: FoundRuntime, task: Path, tmp_path: Path
) -> None:
    named = "META-INF/services/com.amazonaws.services.lambda.runtime.CustomPojoSerializer"
    (tmp_path / "java" / "lib").mkdir(parents=True)
    (tmp_path / "java" / "lib" / "mine.jar").write_bytes(make_zip({named: "t.Cases$Hello\n"}))
    layers = {"_STOKER_LAYER_ROOT": str(tmp_path)}
    done = run(java, task, "t.Cases::named", {"any": 1}, **layers)
    assert answers(done) == ["from minef, to mine"]


# -- errors --------------------------------------------------------------------------------------


@every_java
def test_what_a_handler_throws_is_told_and_logged_without_our_frames(
    java: FoundRuntime, task: Path
) -> None:
    done = run(java, task, "t.Cases$Fails", {}, {})
    for post in done.posts:
        body = json.loads(post.body)
        assert list(body) == ["errorMessage", "errorType", "stackTrace"]
        assert failure(post) == ("far", "java.lang.IllegalStateException")
        assert [line.partition("(")[0] for line in body["stackTrace"]] == [
            "t.Cases$Fails.handleRequest", "t.Cases$Fails.handleRequest",
        ]  # fmt: skip
        cause = json.loads(post.headers["lambda-runtime-function-xray-error-cause"])
        assert cause["paths"] == ["Cases.java"]
        assert cause["exceptions"][0]["stack"][0]["label"] == "handleRequest"
    kind, text = done.posts[1].frames[0]  # of the first event
    assert kind == TEXT
    assert text.startswith("far: java.lang.IllegalStateException\njava.lang.IllegalStateException:")
    assert "Caused by: java.io.IOException: inner" in text
    assert "stoker" not in text
    assert done.status is None


@a_java
def test_a_checked_exception_of_a_plain_method_comes_out_as_it_is(
    java: FoundRuntime, task: Path
) -> None:
    done = run(java, task, "t.Cases::checked", "a")
    assert failure(done.posts[0]) == ("declared", "java.lang.Exception")


@a_java
def test_what_cannot_be_read_or_written_is_said(java: FoundRuntime, task: Path) -> None:
    done = run(java, task, "t.Cases$BeanToBean", {"n": "abc"}, {"name": {"a": 1}}, {"n": 1 << 40})
    words = "An error occurred during JSON parsing"
    assert [failure(post) for post in done.posts] == [(words, "java.lang.RuntimeException")] * 3
    assert "abc" in done.posts[1].frames[0][1]
    done = run(java, task, "t.Cases::loop")
    words = "An error occurred during JSON serialization of response"
    assert failure(done.posts[0]) == (words, "java.lang.RuntimeException")


@a_java
def test_an_error_of_the_vm_is_told_and_ends_the_process(java: FoundRuntime, task: Path) -> None:
    done = run(java, task, "t.Cases$Exhausts", {}, {})
    assert [failure(post) for post in done.posts] == [("as if", "java.lang.OutOfMemoryError")]
    assert done.status == 0


@a_java
@pytest.mark.parametrize(
    ("handler", "message", "kind"),
    [
        ("t.Cases$NeverMade", "no", "java.lang.IllegalStateException"),
        ("t.Cases$NeverLoaded", "Error loading class t.Cases$NeverLoaded",
         "java.lang.ExceptionInInitializerError"),
    ],
)  # fmt: skip
def test_a_class_that_fails_is_an_init_error(
    handler: str, message: str, kind: str, java: FoundRuntime, task: Path
) -> None:
    done = run(java, task, handler)
    assert [post.path for post in done.posts] == ["init/error"]
    assert failure(done.posts[0], "Runtime.BadFunctionCode") == (message, kind)
    assert done.posts[0].frames[0][1].startswith(f"{message}: {kind}\n")
    assert done.status == 1


@a_java
@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("t.Cases::", "Invalid handler: `t.Cases::'"),
        ("t.Absent", "Class not found: t.Absent"),
        ("t.Cases", "Class does not implement an appropriate handler interface: t.Cases"),
        ("t.Cases::strange", "No public method named strange with appropriate method signature "
                             "found on class t.Cases"),
        ("t.Cases$NotStatic::work", "Class t.Cases$NotStatic cannot be instantiated because it is "
                                    "a non-static inner class"),
        ("t.Cases$Untyped", "Class t.Cases$Untyped does not implement RequestHandler with "
                            "concrete type parameters: parameter T has no upper bound."),
    ],
)  # fmt: skip
def test_a_name_that_leads_nowhere_is_told_to_each_event(
    handler: str, message: str, java: FoundRuntime, task: Path
) -> None:
    done = run(java, task, handler, {}, {})
    for post in done.posts:
        assert failure(post, "Runtime.BadFunctionCode")[0] == message
    assert (len(done.posts), done.status) == (2, None)


# -- the log, and the rest -----------------------------------------------------------------------


@every_java
def test_the_logger_writes_frames_with_the_level(java: FoundRuntime, task: Path) -> None:
    post = run(java, task, "t.Cases$Logs").posts[0]
    assert post.frames == [
        (TEXT, "two\nlines"), (TEXT_WARN, "[WARN] told"), (TEXT_ERROR, "bytes"),
        (0xA55A0007, "[TRACE] quiet"), (TEXT, "ü"),
    ]  # fmt: skip
    assert (post.stdout, post.stderr) == ("out\n", "err")


@a_java
def test_a_json_log_has_objects_and_leaves_out_what_is_below_its_level(
    java: FoundRuntime, task: Path
) -> None:
    done = run(
        java, task, "t.Cases$Logs", Event(b"{}", {}, "first"),
        AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="WARN",
    )  # fmt: skip
    (kind, text), *others = done.posts[0].frames
    record = json.loads(text)
    assert record.pop("timestamp")[-1] == "Z"
    assert record == {"message": "two\nlines", "level": "UNDEFINED", "AWSRequestId": "first"}
    assert [kind, *(each for each, _ in others)] == [JSON, JSON_WARN, JSON_ERROR, JSON]


@a_java
def test_hooks_run_around_a_snapshot_and_not_without_one(java: FoundRuntime, task: Path) -> None:
    assert answers(run(java, task, "t.Cases$Hooked")) == [""]
    settings = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "REFUSES": "yes"}
    done = run(java, task, "t.Cases$Hooked", **settings)
    assert [post.path for post in done.posts] == ["init/error"]
    assert post_type(done.posts[0]) == "Runtime.BeforeCheckpointError"
    assert "not now" in done.posts[0].frames[0][1]
    assert done.status == 64


def post_type(post: Post) -> str:
    return post.headers["lambda-runtime-function-error-type"]


@a_java
def test_what_java_tool_options_say_is_not_said_again(java: FoundRuntime, task: Path) -> None:
    """A JVM refuses two collectors, and a command line would win over the function's own."""
    options = "-Xmx40m -XX:+UseParallelGC -XX:TieredStopAtLevel=4 -XX:+PrintFlagsFinal"
    done = run(java, task, "t.Cases::nothing", JAVA_TOOL_OPTIONS=options)
    assert answers(done) == [None]
    printed = done.posts[0].stdout
    for flag, value in (("MaxHeapSize", 40 << 20), ("UseParallelGC", "true"),
                        ("TieredStopAtLevel", 4)):  # fmt: skip
        line = next(line for line in printed.splitlines() if line.split()[1:2] == [flag])
        assert line.split()[3] == str(value)

"""Our Ruby runtime client, executed by each ruby that this machine has.

Formats and texts are those of AWS's own client, aws_lambda_ric.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stoker.core.limits import Family
from stoker.runtimes.found import FoundRuntime
from tests.scripted_runtime_api import Event, Post, Run, play
from tests.user import found_of

CLIENT = Path(__file__).parents[2] / "src" / "stoker" / "runtimes" / "ruby"
FRAME = 0xA55A0003
IDLE = Event(b"{}")


RUBIES = found_of(Family.RUBY)
every_ruby = pytest.mark.parametrize("ruby", RUBIES, ids=lambda ruby: ruby.runtime)
a_ruby = pytest.mark.parametrize("ruby", RUBIES[:1], ids=lambda ruby: ruby.runtime)
pytestmark = pytest.mark.skipif(
    not RUBIES, reason="there is no Ruby on this machine: stoker runtimes install ruby3.3"
)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    return folder


def run(
    ruby: FoundRuntime,
    task: Path,
    files: str | dict[str, str],
    *events: Event,
    handler: str = "app.handler",
    framed: bool = True,
    **environ: str,
) -> Run:
    for name, text in ({"app.rb": files} if isinstance(files, str) else files).items():
        (task / name).parent.mkdir(parents=True, exist_ok=True)
        (task / name).write_text(text)
    variables = {"_HANDLER": handler, "LAMBDA_TASK_ROOT": str(task), "LC_CTYPE": "C.UTF-8"}
    command = [str(ruby.executable), CLIENT / "bootstrap.rb"]
    return play(command, variables | environ, list(events or [IDLE]), cwd=task, framed=framed)


def answers(done: Run) -> list[Any]:
    assert [post.path for post in done.posts] == ["invocation/response"] * len(done.posts)
    return [json.loads(post.body) for post in done.posts]


def failure(post: Post) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(post.body)
    assert list(body) == ["errorMessage", "errorType", "stackTrace"]
    return body


def texts(post: Post) -> list[str]:
    assert {kind for kind, _ in post.frames} <= {FRAME}
    return [text for _, text in post.frames]


# -- handlers ------------------------------------------------------------------------------------


@every_ruby
def test_a_handler_gets_the_event_and_the_whole_context(ruby: FoundRuntime, task: Path) -> None:
    code = """
def handler(event:, context:)
  names = %i[aws_request_id invoked_function_arn log_group_name log_stream_name function_name
             memory_limit_in_mb function_version identity client_context deadline_ms
             tenant_id]
  { event: event, left: context.get_remaining_time_in_millis.positive?,
    trace: ENV["_X_AMZN_TRACE_ID"], of: context.class.name, global: $_global_aws_request_id,
    rest: names.to_h { |name| [name, context.public_send(name)] } }
end"""
    headers = {
        "Lambda-Runtime-Client-Context": '{"custom": {"a": "é"}}',
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "i"}',
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    }
    done = run(
        ruby, task, code,
        Event('{"ü": [1]}'.encode(), headers, "first"),
        Event(b"7", {"Lambda-Runtime-Trace-Id": ""}, "second", chunked=True),
        AWS_LAMBDA_FUNCTION_NAME="f", AWS_LAMBDA_FUNCTION_VERSION="3",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128", AWS_LAMBDA_LOG_GROUP_NAME="g",
        AWS_LAMBDA_LOG_STREAM_NAME="s",
    )  # fmt: skip
    first, second = answers(done)
    assert first["event"] == {"ü": [1]}
    assert (first["left"], first["of"], first["global"]) == (True, "LambdaContext", "first")
    assert first["trace"].startswith("Root=1-")
    assert first["rest"] == {
        "function_name": "f", "function_version": "3", "memory_limit_in_mb": "128",
        "log_group_name": "g", "log_stream_name": "s", "aws_request_id": "first",
        "invoked_function_arn": "arn:aws:lambda:eu-central-1:1:function:f",
        "client_context": {"custom": {"a": "é"}}, "identity": {"cognitoIdentityId": "i"},
        "deadline_ms": 4102444800000, "tenant_id": "blue",
    }  # fmt: skip
    assert (second["event"], second["trace"], second["rest"]["identity"]) == (7, None, None)
    assert second["rest"]["tenant_id"] is None


@a_ruby
@pytest.mark.parametrize(
    ("files", "handler"),
    [
        ({"app.rb": "def handler(event:, context:) = 'ok'"}, "app.handler"),
        ({"lib/deep/app.rb": "def handler(event:, context:) = 'ok'"}, "lib/deep/app.handler"),
        ({"app.rb": "class A\n def self.b(event:, context:) = 'ok'\nend"}, "app.A.b"),
        ({"app.rb": "module A\n class B\n  def self.c(event:, context:) = 'ok'\n end\nend"},
         "app.A::B.c"),
        ({"app.rb": "require 'x'\ndef handler(event:, **) = X", "x.rb": "X = 'ok'"},
         "app.handler"),
    ],
    ids=["top-level", "folder", "class", "nested", "require"],
)  # fmt: skip
def test_a_handler_is_found_where_aws_finds_it(
    ruby: FoundRuntime, task: Path, files: dict[str, str], handler: str
) -> None:
    assert answers(run(ruby, task, files, handler=handler)) == ["ok"]


@a_ruby
def test_what_a_file_keeps_at_its_top_level_is_not_the_handlers(
    ruby: FoundRuntime, task: Path
) -> None:
    """As on AWS, where the handler's self is another object than the file's."""
    code = "@kept = 1\n$kept = 2\ndef handler(event:, context:) = [@kept, $kept]"
    assert answers(run(ruby, task, code)) == [[None, 2]]


@a_ruby
def test_a_stream_is_an_answer_that_is_not_json(ruby: FoundRuntime, task: Path) -> None:
    code = 'def handler(event:, context:) = StringIO.new("\\xff\\x00".b)'
    (post,) = run(ruby, task, code).posts
    assert (post.body, post.headers["content-type"]) == (b"\xff\x00", "application/unknown")


@a_ruby
def test_a_function_may_bring_its_own_marshalling(ruby: FoundRuntime, task: Path) -> None:
    code = """
module AwsLambda
  class Marshaller
    def self.marshall_request(raw) = [raw["Content-Type"], raw.body]
    def self.marshall_response(it) = "{\\"mine\\": #{it.size}}"
  end
end
def handler(event:, context:) = event"""
    assert answers(run(ruby, task, code)) == [{"mine": 2}]


@a_ruby
def test_the_layers_libraries_and_gems_are_found(
    ruby: FoundRuntime, task: Path, tmp_path: Path
) -> None:
    opt = tmp_path / "opt"
    gem = opt / "gems/specifications/shared-1.0.gemspec"
    files = {
        str(opt / "lib/plain.rb"): "PLAIN = 'of lib'",
        str(opt / "gems/gems/shared-1.0/lib/shared.rb"): "SHARED = 'of a gem'",
        str(gem): "Gem::Specification.new { |s| s.name = 'shared'; s.version = '1.0'\n"
        "s.summary = s.author = 'x'; s.files = ['lib/shared.rb'] }",
        "app.rb": "require 'plain'\nrequire 'shared'\n"
        "def handler(event:, context:) = [PLAIN, SHARED, Gem.path.last == Gem.default_dir]",
    }
    done = run(ruby, task, files, RUBYLIB=f"{opt}/lib", GEM_PATH=f"{opt}/gems", GEM_HOME="/none")
    assert answers(done) == [["of lib", "of a gem", True]]


# -- errors --------------------------------------------------------------------------------------


FAILURES = [
    ("raise ArgumentError, 'no'", "ArgumentError", "no", "Function<ArgumentError>"),
    ("raise 'no'", "RuntimeError", "no", "Function<UserException>"),
    ("raise Class.new(StandardError) { def self.name = 'Mine'; def self.to_s = name\n"
     "def message = raise('again') }", "Mine", "Mine", "Function<UserException>"),
    ("raise \"\\xff\".b", "RuntimeError", "�", "Function<UserException>"),
    ("Float::NAN", "JSON::GeneratorError", None, "Function<UserException>"),
    ("JSON.parse('{')", "JSON::ParserError", None, "Function<UserException>"),
]  # fmt: skip


@every_ruby
def test_a_handler_fails_and_the_next_event_finds_it_alive(ruby: FoundRuntime, task: Path) -> None:
    cases = "\n".join(f"when {n} then {body}" for n, (body, *_) in enumerate(FAILURES))
    code = f"def handler(event:, context:)\ncase event\n{cases}\nend\nend"
    done = run(ruby, task, code, *(Event(str(n).encode()) for n in range(len(FAILURES))))
    assert done.status is None
    for post, (_, kind, text, header) in zip(done.posts, FAILURES, strict=True):
        assert post.path == "invocation/error"
        said = failure(post)
        assert said["errorType"] == f"Function<{kind}>"
        assert text is None or said["errorMessage"] == text
        assert post.headers["lambda-runtime-function-error-type"] == header
        title, payload = texts(post)
        assert (title, json.loads(payload)) == ("Error raised from handler method\n", said)


@every_ruby
def test_the_trace_begins_with_the_error_and_ends_with_the_handler(
    ruby: FoundRuntime, task: Path
) -> None:
    code = "def inner = raise(IOError)\n\ndef handler(event:, context:)\n  inner\nend"
    (post,) = run(ruby, task, code).posts
    trace = failure(post)["stackTrace"]
    assert [line.partition(":in ")[0] for line in trace] == [f"{task}/app.rb:1", f"{task}/app.rb:4"]
    cause = json.loads(post.headers["lambda-runtime-function-xray-error-cause"])
    (told,) = cause["exceptions"]
    assert (told["type"], cause["working_directory"]) == ("Function<IOError>", str(task))
    assert [(frame["path"], frame["line"]) for frame in told["stack"]] == [
        (f"{task}/app.rb", 1), (f"{task}/app.rb", 4),
    ]  # fmt: skip


@every_ruby
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("absent_thing", "NameError"),
        ("exit 7", "SystemExit"),
        ("raise Exception, 'x'", "Exception"),
        ("def self.deep(n) = deep(n + 1) + 1\n  deep(0)", "SystemStackError"),
    ],
)
def test_a_critical_error_is_posted_and_the_end(
    ruby: FoundRuntime, task: Path, body: str, kind: str
) -> None:
    code = f"at_exit {{ $stdout.puts 'left' }}\ndef handler(event:, context:)\n  {body}\nend"
    done = run(ruby, task, code, IDLE, IDLE)
    (post,) = done.posts
    assert failure(post)["errorType"] == f"Function<{kind}>"
    assert texts(post)[0] == "Critical exception from handler\n"
    assert (done.status, done.stdout) == (255, "left\n")


@every_ruby
@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("", "bad", "ArgumentError"),
        ("", "none.handler", "LoadError"),
        ("require 'absent'", "app.handler", "LoadError"),
        ("def (", "app.handler", "SyntaxError"),
        ("exit", "app.handler", "SystemExit"),
    ],
)
def test_what_cannot_be_loaded_is_posted_logged_and_the_end(
    ruby: FoundRuntime, task: Path, code: str, handler: str, kind: str
) -> None:
    done = run(ruby, task, code, handler=handler)
    (post,) = done.posts
    assert (post.path, done.status) == ("init/error", 252)
    said = failure(post)
    assert said["errorType"] == f"Init<{kind}>"
    title, payload = texts(post)
    assert (title, json.loads(payload)) == ("Init error when loading handler \n", said)


# -- the log -------------------------------------------------------------------------------------


@every_ruby
def test_puts_and_loggers_make_one_event_each(ruby: FoundRuntime, task: Path) -> None:
    code = """
require "logger"
LOG = Logger.new($stderr, progname: "prog")
PLAIN = Logger.new($stdout, formatter: ->(*all) { all[3] })
def handler(event:, context:)
  puts "one\\ntwo", [["three"], nil, 4]
  puts
  puts "ü", "\\xff"
  LOG.warn("first\\nsecond")
  PLAIN.debug("mine")
  $stdout.puts "printed"
  $stderr.puts "erred"
  print "raw\\n"
end"""
    event = Event(b"{}", {}, "the-id")
    (post,) = run(ruby, task, code, event).posts
    lines = texts(post)
    assert lines[:3] == ["one\ntwo\nthree\n\n4\n", "\n", "ü\n�\n"]
    form = (
        r"W, \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\]  WARN the-id -- prog: first\nsecond\n"
    )
    assert re.fullmatch(form, lines[3])
    assert lines[4:] == ["mine"]
    assert (post.stdout, post.stderr) == ("printed\nraw\n", "erred\n")
    assert json.loads(post.body) is None


@every_ruby
def test_loggers_speak_json_where_the_function_asks_for_it(ruby: FoundRuntime, task: Path) -> None:
    code = """
require "logger"
LOG = Logger.new($stdout)
def handler(event:, context:)
  LOG.debug("not at this level")
  LOG.info("words")
  begin
    raise ArgumentError, "no"
  rescue => error
    LOG.error(error)
  end
end"""
    done = run(
        ruby, task, code, Event(b"{}", {"Lambda-Runtime-Aws-Tenant-Id": "blue"}, "the-id"),
        AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="INFO",
    )  # fmt: skip
    info, error = (json.loads(text) for text in texts(done.posts[0]))
    at = datetime.strptime(info.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=10)
    of = {"requestId": "the-id", "tenantId": "blue"}
    assert info == {"level": "INFO", "message": "words", **of}
    assert (error["level"], error["errorType"], error["errorMessage"]) == (
        "ERROR", "ArgumentError", "no",
    )  # fmt: skip
    assert error["stackTrace"][0].startswith(f"{task}/app.rb:8:in ")
    assert re.fullmatch(re.escape(str(task)) + r"/app\.rb:(Object#)?handler:8", error["location"])


@a_ruby
def test_without_frames_the_log_is_standard_output(ruby: FoundRuntime, task: Path) -> None:
    code = """
require "logger"
def handler(event:, context:)
  puts "a"
  Logger.new($stdout).info("b")
  raise "c"
end"""
    (post,) = run(ruby, task, code, framed=False).posts
    first, second, title, *payload = post.stdout.splitlines()
    assert (first, title) == ("a", "Error raised from handler method")
    assert second.startswith("I, [")
    assert json.loads("\n".join(payload)) == failure(post)


@a_ruby
def test_a_logger_of_a_file_is_left_alone(ruby: FoundRuntime, task: Path) -> None:
    code = """
require "logger"
def handler(event:, context:)
  Logger.new("log").info("kept")
  File.read("log").lines.last
end"""
    (said,) = answers(run(ruby, task, code))
    assert said.endswith("INFO -- : kept\n")


# -- the wire ------------------------------------------------------------------------------------


@a_ruby
def test_an_answer_and_the_question_for_the_next_event_travel_together(
    ruby: FoundRuntime, task: Path
) -> None:
    events = [Event(b"1", {}, "r1"), Event(b"2", {}, "r2"), Event(b"3", {}, "r3")]
    done = run(ruby, task, "def handler(event:, context:) = event", *events)
    base = "/2018-06-01/runtime/invocation"
    assert answers(done) == [1, 2, 3]
    assert done.sends[1:3] == [
        [f"POST {base}/{name}/response", f"GET {base}/next"] for name in ("r1", "r2")
    ]


@a_ruby
def test_six_megabytes_go_both_ways(ruby: FoundRuntime, task: Path) -> None:
    big = "é" * (3 << 20)
    event = Event(json.dumps(big, ensure_ascii=False).encode(), {}, chunked=False)
    chunked = Event(event.body, {}, chunked=True)
    assert answers(run(ruby, task, "def handler(event:, context:) = event", event, chunked)) == [
        big,
        big,
    ]


@a_ruby
def test_a_refused_answer_is_not_the_end(ruby: FoundRuntime, task: Path) -> None:
    refused = Event(b"1", {}, answer=(413, b'{"errorType": "RequestEntityTooLarge"}'))
    done = run(ruby, task, "def handler(event:, context:) = event", refused, Event(b"2"))
    assert answers(done) == [1, 2]

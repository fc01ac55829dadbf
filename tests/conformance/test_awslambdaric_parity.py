"""AWS's own Python client and ours, given the same function and the same events, do the same.

One process of each client plays all cases of one log format; what each posted, logged and printed
for a case is compared byte for byte, but for times of day. Differences that we want are held by
the tests at the end, each with its reason.
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.scripted_runtime_api import Event, Post, Run, play

OURS = Path(__file__).parents[2] / "src" / "stoker" / "runtimes" / "python"
CLIENTS: dict[str, list[str | Path]] = {
    "aws": [sys.executable, "-m", "awslambdaric"],
    "ours": [sys.executable, OURS / "bootstrap.py"],
}

# One function with a part per case: the event's "case" chooses.
FUNCTION = r"""
import collections, dataclasses, datetime, decimal, enum, json, logging, os, sys, warnings

Point = collections.namedtuple("Point", "x y")
class Colour(enum.IntEnum):
    RED = 1
class Broken(Exception):
    pass
class Unwell(Exception):
    def __str__(self):
        return ""

def handler(event, context):
    if isinstance(event, bytes):
        return {"raw": event.decode()}
    return globals()[event["case"]](event, context)

def echo(event, context):
    return event
def nothing(event, context):
    pass
def text(event, context):
    return "caf\u00e9 \u2028 \U0001f600 \x7f \" \\ / <>&"
def numbers(event, context):
    return [1, -1, 1.5, 1e100, 10**30, float("nan"), float("inf"), -float("inf"), True, None]
def decimals(event, context):
    D = decimal.Decimal
    odd = [D("NaN"), D("-NaN"), D("sNaN"), D("-Infinity")]
    return {"a": D("1.10"), "b": [D("1E+3"), D("0.0000001"), *odd], "c": "x"}
def only_a_decimal(event, context):
    return decimal.Decimal("12.50")
def keys(event, context):
    return {1: "a", 1.5: "b", True: "c", None: "d", "e": "f"}
def key_of_bytes(event, context):
    return {b"key": b"value", "list": [b"x"]}
def key_that_is_none(event, context):
    return {(1, 2): "x"}
def decimal_key(event, context):
    return {decimal.Decimal("1"): "x"}
def named_tuples(event, context):
    return {"p": Point(1, [Point(2, 3)]), "t": (1, 2), "q": [Point(None, Colour.RED)]}
def only_a_named_tuple(event, context):
    return Point(1, 2)
def subclasses(event, context):
    return [collections.OrderedDict(b=1, a=2), collections.defaultdict(list, x=[1]), Colour.RED]
def raw_bytes(event, context):
    return b"\x00\xff raw"
def big(event, context):
    return "x" * 1_000_000
def a_set(event, context):
    return {1, 2}
def a_date(event, context):
    return {"at": datetime.datetime(2026, 1, 1)}
def itself(event, context):
    loop = []
    loop.append(loop)
    return loop
def bytes_that_are_no_text(event, context):
    return {"bytes": b"\xff"}
async def coroutine(event, context):
    return 1
def raises(event, context):
    raise ValueError("bad \u00e9")
def raises_without_text(event, context):
    raise Unwell()
def raises_lines(event, context):
    raise RuntimeError("first\nsecond\n  third")
def raises_from(event, context):
    try:
        {}["missing"]
    except KeyError as error:
        raise Broken("outer") from error
def raises_deeply(event, context):
    def down(n):
        return down(n - 1) if n else json.loads("{")
    return down(3)
def recurses(event, context):
    return recurses(event, context)
def prints(event, context):
    print("plain", "caf\u00e9", 1)
    sys.stdout.write("no end")
    sys.stderr.write("err\n")
def logs(event, context):
    logger = logging.getLogger("app")
    for level in (5, 10, 15, 20, 30, 40, 50, 60):
        logger.log(level, "at %d", level)
    logger.warning("two\nlines \u00e9", extra={"answer": 42, "odd": {1, 2}.__class__})
    logger.warning({"message": "object", "n": [1]})
    logger.warning("tab\there")
def logs_exceptions(event, context):
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("caught %s", "it")
def logs_plainly(event, context):
    context.log("as it is")
    context.log(42)
    context.log("\n")
def describes(event, context):
    return {
        "repr": repr(context),
        "vars": {k: repr(v) for k, v in vars(context).items()},
        "public": sorted(name for name in dir(context) if not name.startswith("_")),
        "remaining": context.get_remaining_time_in_millis() > 1_000_000,
        "type": type(context).__name__,
        "client": repr(context.client_context),
        "custom": getattr(context.client_context, "custom", None),
        "w3c": context.w3c(),
        "pool": context.identity.cognito_identity_pool_id,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
def environment(event, context):
    root = logging.getLogger()
    return ["_LAMBDA_TELEMETRY_LOG_FD" in os.environ, root.level,
            [type(h).__name__ for h in root.handlers], sys.stdout.encoding]
def warns(event, context):
    warnings.warn("careful", stacklevel=1)
"""

CLIENT_CONTEXT = {
    "client": {"installation_id": "i", "app_title": "t", "app_version_name": "n",
               "app_version_code": "c", "app_package_name": "p", "more": 1},
    "custom": {"k": ["v"]}, "env": {"locale": "é"}, "services": {},
    "w3c": {"traceparent": "00-1", "tracestate": 1, "other": "x"},
}  # fmt: skip


def case(name: str, **headers: str) -> Event:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Event(json.dumps({"case": name, "é": "\U0001f600"}).encode(), named, f"id-{name}")


CASES = {
    **{
        name: case(name)
        for name in re.findall(r"^(?:async )?def (\w+)\(event, context\)", FUNCTION, re.M)
        if name != "handler"
    },
    "client_context": case("describes", Lambda_Runtime_Client_Context=json.dumps(CLIENT_CONTEXT)),
    "client_context_empty": case("describes", Lambda_Runtime_Client_Context="{}"),
    "client_context_bad": case("describes", Lambda_Runtime_Client_Context="{"),
    "identity": case(
        "describes",
        Lambda_Runtime_Cognito_Identity='{"cognitoIdentityId":"a","cognitoIdentityPoolId":"b"}',
    ),
    "tenant": case("describes", Lambda_Runtime_Aws_Tenant_Id="t-1"),
    "tenant_logs": case("logs", Lambda_Runtime_Aws_Tenant_Id="t-1"),
    "other_content_type": Event(b"\x00 raw", {"Content-Type": "text/plain"}, "id-text"),
    "json_with_charset": Event(
        b'{"case":"echo"}', {"Content-Type": "application/json; charset=utf-8"}, "id-charset"
    ),
    "unknown_case": case("unknown"),
}

FORMATS: dict[str, dict[str, str]] = {
    "text": {},
    "text-with-level": {"AWS_LAMBDA_LOG_LEVEL": "TRACE"},
    "json": {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
    "text-unframed": {"unframed": "1"},
    "json-unframed": {"AWS_LAMBDA_LOG_FORMAT": "JSON", "unframed": "1"},
    "python3.12": {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"},
}

CAUSE = "lambda-runtime-function-xray-error-cause"
ACCIDENTS = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\[Previous line repeated \d+ more times\]", "<many times>"),  # the stack below differs
)


def run(client: str, task: Path, handler: str, extra: dict[str, str], events: list[Event]) -> Run:
    command = [*CLIENTS[client], handler] if client == "aws" else CLIENTS[client]
    environ = {
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]00",
        "TZ": ":UTC",
        **{key: value for key, value in extra.items() if key != "unframed"},
    }
    return play(command, environ, events, cwd=task, framed="unframed" not in extra)


def told(post: Post) -> dict[str, str]:
    """What a caller, a reader of the log and X-Ray see of one answer."""
    cause = json.loads(post.headers.get(CAUSE, "null"))
    if cause:
        cause["paths"] = sorted(cause["paths"])  # a set, at AWS
        del cause["exceptions"][0]["stack"][10:]
    parts = {
        "path": post.path,
        "request id": post.request_id,
        # That of init/error is nobody's: AWS's client sends none.
        "content type": post.path.startswith("invocation") and post.headers.get("content-type"),
        "error type": post.headers.get("lambda-runtime-function-error-type"),
        "body": post.body.decode("utf-8", "surrogateescape"),
        "cause": json.dumps(cause),
        "frames": post.frames,
        "stdout": post.stdout,
        # A warning of Python's own names a line of the client, and comes when it likes.
        "stderr": "" if "RuntimeWarning" in post.stderr else post.stderr,
    }
    return {name: without_accidents(part) for name, part in parts.items()}


def without_accidents(part: object) -> str:
    text = str(part)
    for pattern, word in ACCIDENTS:
        text = re.sub(pattern, word, text)
    return text


@cache
def all_cases(client: str, log_format: str) -> dict[str, Post]:
    """Play every case to one process of the client."""
    # The same path for both clients: it is in every stack trace.
    with TemporaryDirectory() as parent:
        task = Path(parent) / "task"
        task.mkdir()
        (task / "app.py").write_text(FUNCTION)
        done = run(client, task, "app.handler", FORMATS[log_format], list(CASES.values()))
    assert done.status is None, f"{client} ended: {done.stderr}"
    for post in done.posts:
        post.body = post.body.replace(parent.encode(), b"/var")
        post.headers = {k: v.replace(parent, "/var") for k, v in post.headers.items()}
        post.frames = [(kind, text.replace(parent, "/var")) for kind, text in post.frames]
        post.stdout = post.stdout.replace(parent, "/var")
        post.stderr = post.stderr.replace(parent, "/var")
    return dict(zip(CASES, done.posts, strict=True))


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_an_invocation_is_answered_and_logged_as_by_aws(name: str, log_format: str) -> None:
    ours = told(all_cases("ours", log_format)[name])
    assert ours == told(all_cases("aws", log_format)[name])
    # Equal is not enough: both must have done something.
    assert ours["path"] in ("invocation/response", "invocation/error")
    assert ours["body"]


# -- init, and the end --------------------------------------------------------------------------

# name: (files, handler, events); each needs processes of its own.
LIVES: dict[str, tuple[dict[str, str], str, list[Event]]] = {
    "no such module": ({}, "absent.handler", []),
    "no such module inside": ({"app.py": "import absent\n"}, "app.handler", []),
    "a name that cannot be imported": ({"app.py": "from json import nope\n"}, "app.handler", []),
    "a syntax error": ({"app.py": "def handler(:\n  pass\n"}, "app.handler", []),
    "a syntax error inside": (
        {"app.py": "import other\n", "other.py": "x = = 1\n"}, "app.handler", []
    ),
    "an indentation error": ({"app.py": "def handler():\nreturn 1\n"}, "app.handler", []),
    "no such function": ({"app.py": "x = 1\n"}, "app.handler", []),
    "no dot": ({"app.py": ""}, "handler", []),
    "an empty name": ({"app.py": ""}, "", []),
    "a dot alone": ({"app.py": ""}, ".handler", []),
    "a built-in module": ({"sys.py": ""}, "sys.handler", []),
    "an exception": ({"app.py": "def f():\n  raise OSError('é')\nf()\n"}, "app.handler", []),
    "an exception, in a package": (
        {"src/__init__.py": "", "src/app.py": "1 / 0\n"}, "src/app.handler", []
    ),
    "an exception, printed before": (
        {"app.py": "import logging\nprint('p')\nlogging.error('l')\n{}['k']\n"}, "app.handler", []
    ),
    "a folder": (
        {"src/deep/app.py": "def handler(event, context):\n  return __name__\n"},
        "src/deep/app.handler", [Event(b"{}", {}, "id")],
    ),
    "dots": (
        {"src/app.py": "def handler(event, context):\n  return __name__\n"},
        "src.app.handler", [Event(b"{}", {}, "id")],
    ),
    "a class": (
        {"app.py": "class A:\n  def __init__(self, event, context): pass\n"}, "app.A",
        [Event(b"{}", {}, "id")],
    ),
    "an exit while loading": ({"app.py": "import sys\nsys.exit(3)\n"}, "app.handler", []),
    "an empty exit while loading": ({"app.py": "raise SystemExit\n"}, "app.handler", []),
    "a hard exit": ({"app.py": "import os\nos._exit(9)\n"}, "app.handler", []),
    **{
        f"exit {code}": (
            {"app.py": "import sys\ndef handler(event, context):\n"
                       f"  print('last')\n  sys.exit({code})\n"},
            "app.handler", [Event(b"{}", {}, "id")],
        )
        for code in ("", "0", "1", "256", "-1", "1 << 40", "True", "'words'", "[1]")
    },
    "exit functions": (
        {"app.py": "import atexit, sys, threading, time\n"
                   "def handler(event, context):\n"
                   "  atexit.register(print, 'goodbye')\n"
                   "  threading.Thread(target=lambda: (time.sleep(.1), print('late'))).start()\n"
                   "  sys.exit(4)\n"},
        "app.handler", [Event(b"{}", {}, "id")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIVES)
def test_a_life_begins_and_ends_as_with_aws(name: str, tmp_path: Path) -> None:
    files, handler, events = LIVES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    aws, ours = (run(client, tmp_path, handler, {}, list(events)) for client in CLIENTS)

    assert [told(post) for post in ours.posts] == [told(post) for post in aws.posts]
    assert ours.status == aws.status
    assert without_accidents(ours.frames) == without_accidents(aws.frames)
    assert (ours.stdout, ours.stderr) == (aws.stdout, aws.stderr)
    assert ours.posts or ours.status is not None, "nothing happened"


# -- what differs, on purpose --------------------------------------------------------------------


def both(tmp_path: Path, text: str, events: list[Event]) -> tuple[Run, Run]:
    (tmp_path / "app.py").write_text(text)
    return (
        run("aws", tmp_path, "app.handler", {}, list(events)),
        run("ours", tmp_path, "app.handler", {}, list(events)),
    )


ECHO = "def handler(event, context):\n  return event\n"


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_refused_answer_ends_aws_client_but_not_ours(status: int, tmp_path: Path) -> None:
    """AWS's platform replaces the process; with ours the environment stays warm (spec 2.3)."""
    refused = Event(b"1", {}, "first", (status, b'{"errorType":"Refused"}'))
    aws, ours = both(tmp_path, ECHO, [refused, Event(b"2", {}, "second")])
    assert aws.status == 1
    assert ours.status is None
    assert [(post.request_id, post.body) for post in ours.posts] == [
        ("first", b"1"),
        ("second", b"2"),
    ]


def test_half_a_surrogate_pair_ends_aws_client_and_is_escaped_by_ours(tmp_path: Path) -> None:
    """Up to Python 3.11 both escape it; from 3.12 on AWS's client cannot encode it, and dies."""
    (tmp_path / "app.py").write_text("def handler(event, context):\n  return '\\ud800é'\n")
    events, newer = [Event(b"1")], {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}
    aws = run("aws", tmp_path, "app.handler", newer, list(events))
    ours = run("ours", tmp_path, "app.handler", newer, list(events))
    assert aws.status == 1
    assert not aws.posts
    assert ours.posts[0].body == '"\\ud800é"'.encode()


def test_an_exception_without_a_text_ends_aws_client_and_is_reported_by_ours(
    tmp_path: Path,
) -> None:
    text = (
        "class Odd(Exception):\n  def __str__(self): raise KeyError\n"
        "def handler(event, context):\n  raise Odd\n"
    )
    aws, ours = both(tmp_path, text, [Event(b"1")])
    assert aws.status == 1
    assert not aws.posts
    assert json.loads(ours.posts[0].body)["errorMessage"] == "<unprintable Odd object>"


@pytest.mark.parametrize("text", ["def handler(event):\n  return event\n", "handler = 7\n"])
def test_a_handler_that_cannot_be_called_shows_the_line_of_the_client(
    text: str, tmp_path: Path
) -> None:
    """The one trace of their own that both leave in has no frame of the function at all."""
    aws, ours = both(tmp_path, text, [Event(b"1")])
    left, right = json.loads(aws.posts[0].body), json.loads(ours.posts[0].body)
    (aws_frame,), (our_frame,) = left.pop("stackTrace"), right.pop("stackTrace")
    assert {**left, "requestId": ""} == {**right, "requestId": ""}
    assert "bootstrap.py" in aws_frame
    assert "_stoker_runtime.py" in our_frame


def test_an_event_that_is_no_json_is_refused_in_the_standard_librarys_words(
    tmp_path: Path,
) -> None:
    """AWS's client has simplejson's. The platform refuses such an event before either sees it."""
    aws, ours = both(tmp_path, ECHO, [Event(b"{")])
    for post in (aws.posts[0], ours.posts[0]):
        error = json.loads(post.body)
        assert error["errorType"] == "Runtime.UnmarshalError"
        assert error["errorMessage"].startswith("Unable to unmarshal input: Expecting property")


def test_ours_answers_and_asks_for_more_in_one_send(tmp_path: Path) -> None:
    _, ours = both(tmp_path, ECHO, [Event(b"1", {}, "a"), Event(b"2", {}, "b")])
    base = "/2018-06-01/runtime/invocation"
    assert ours.sends == [
        [f"GET {base}/next"],
        [f"POST {base}/a/response", f"GET {base}/next"],
        [f"POST {base}/b/response", f"GET {base}/next"],
    ]

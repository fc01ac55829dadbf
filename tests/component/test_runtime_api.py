"""The Runtime API from inside, by runtimes that do everything right or everything wrong."""

import gzip
import json
import time
from pathlib import Path
from typing import Any

from stoker.core.invoke_limits import (
    RESPONSE_BYTES,
    RUNTIME_API_BODIES,
    RUNTIME_API_CONNECTIONS,
)
from tests.invoking import Ground, run

ID = "11111111-2222-4333-8444-abcdefabcdef"

# Answers its own invocation with what the calls in TRY gave: [[status, body], ...].
TRY = """
def tell(answers):
    return json.dumps([[status, body.decode()] for status, body in answers])

def tried(*calls):
    return tell([call(*each)[:2] for each in calls])
"""


def tried(tmp_path: Path, script: str, **facts: object) -> Any:
    """What the function that is this script answers to its first invocation."""
    found: list[Any] = []

    async def story(world: Ground) -> None:
        result = await world.invoke(world.function(TRY + script, **facts), request_id=ID)
        found.append(json.loads(result.payload))

    run(tmp_path, story)
    return found[0]


INVALID_ID = [400, '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}']


def forbidden(state: str, wanted: str) -> list[object]:
    message = (
        f"State transition from {state} to {wanted} failed for runtime. "
        "Error: State transition is not allowed"
    )
    body = {"errorMessage": message, "errorType": "InvalidStateTransition"}
    return [403, json.dumps(body, separators=(",", ":"))]


def test_ping_and_what_does_not_exist(tmp_path: Path) -> None:
    answers = tried(
        tmp_path,
        """
request_id, _, _ = next_event()
respond(request_id, tried(
    ("GET", "/2018-06-01/ping"),
    ("GET", "/nowhere"),
    ("GET", BASE + "/invocation/" + request_id + "/else"),
    ("GET", BASE + "/restore/next"),
    ("POST", BASE + "/restore/error", "{}"),
    ("GET", "/2021-04-23/credentials"),
    ("POST", BASE + "/invocation/next", "{}"),
    ("DELETE", BASE + "/init/error"),
    ("GET", BASE + "/invocation/" + request_id + "/response"),
    ("PUT", "/2020-08-15/logs", "{}"),
    ("PUT", "/2022-07-01/telemetry", "{}"),
))
next_event()
""",
    )
    not_found, not_allowed = [404, "404 page not found\n"], [405, ""]
    assert answers[0] == [200, "pong"]
    assert answers[1:6] == [not_found] * 5
    assert answers[6:9] == [not_allowed] * 3
    assert [status for status, _ in answers[9:]] == [403, 403]
    assert "Extension.MissingExtensionIdentifier" in answers[9][1]


def test_an_answer_to_anything_but_the_id_in_hand_is_refused(tmp_path: Path) -> None:
    answers = tried(
        tmp_path,
        """
answers = [call("POST", BASE + "/invocation/x/response", "{}")[:2]]
request_id, _, _ = next_event()
for wrong in ("x", request_id.upper(), request_id + "%20", "", "%2e%2e", "..%2f" + request_id):
    for verb in ("response", "error"):
        answers.append(call("POST", f"{BASE}/invocation/{wrong}/{verb}", "{}")[:2])
answers.append(call("POST", f"{BASE}/invocation/x/../{request_id}/response", "{}")[:2])
respond(request_id, tell(answers))
next_event()
""",
    )
    assert answers[:-1] == [INVALID_ID] * 13
    assert answers[-1] == [404, "404 page not found\n"]


def test_a_second_answer_is_refused_whatever_the_first_was(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def story(world: Ground) -> None:
        f = world.function(
            TRY
            + """
report = None
while True:
    request_id, event, _ = next_event()
    event = json.loads(event)
    if event == "report":
        respond(request_id, report)
        continue
    first, second = event
    path = BASE + "/invocation/" + request_id + "/"
    report = tried(("POST", path + first, "1"), ("POST", path + second, "2"))
"""
        )
        for first in ("response", "error"):
            for second in ("response", "error"):
                result = await world.invoke(f, json.dumps([first, second]).encode())
                assert result.payload == b"1"
                assert (result.function_error is None) == (first == "response")
                seen.append(json.loads((await world.invoke(f, b'"report"')).payload))

    run(tmp_path, story)
    for answers, second in zip(seen, ["Response", "ErrorResponse"] * 2, strict=True):
        assert answers[0] == [202, '{"status":"OK"}']
        assert answers[1] == forbidden("RuntimeResponseSentState", f"Invocation{second}")


def test_a_late_answer_cannot_reach_the_next_invocation(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
old, _, _ = next_event()
respond(old, "1")
new, _, _ = next_event()
late = respond(old, "stolen")
respond(new, json.dumps([late[0], late[1].decode()]))
next_event()
"""
        )
        await world.invoke(f)
        assert json.loads((await world.invoke(f)).payload) == INVALID_ID

    run(tmp_path, story)


def test_asking_for_next_while_running_gives_the_same_event_again(tmp_path: Path) -> None:
    answers = tried(
        tmp_path,
        """
first = next_event()
second = next_event()
third = next_event(on=http.client.HTTPConnection(API))
respond(first[0], json.dumps([first[0] == second[0] == third[0], first[1] == third[1]]))
next_event()
""",
    )
    assert answers == [True, True]


def test_each_invocation_releases_exactly_one_of_two_that_wait(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
def loop():
    mine = http.client.HTTPConnection(API)
    while True:
        request_id, event, _ = next_event(on=mine)
        respond(request_id, event, on=mine)
        if event == b'"once"':
            return
threading.Thread(target=loop).start()
loop()
"""
        )
        for event in (b"1", b'"once"', b"2", b"3"):
            assert (await world.invoke(f, event)).payload == event

    run(tmp_path, story)


def test_init_error_is_refused_once_the_runtime_has_asked_for_work(tmp_path: Path) -> None:
    answers = tried(
        tmp_path,
        """
request_id, _, _ = next_event()
respond(request_id, tried(("POST", BASE + "/init/error", "{}")))
next_event()
""",
    )
    assert answers == [forbidden("Running", "InitError")]


def test_next_carries_the_event_and_its_headers(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
request_id, event, headers = next_event()
respond(request_id, json.dumps([event.decode(), dict(headers)]))
next_event()
""",
            timeout_s=7,
        )
        earliest = time.time() * 1000 + 7000
        result = await world.invoke(
            f,
            b'{"as":  "it came"}',
            request_id=ID,
            trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            client_context='{\r\n "custom": {"k": "\u00e9"}\r\n}',
            content_type="application/json; v=1",
        )
        event, headers = json.loads(result.payload)
        assert event == '{"as":  "it came"}'
        deadline = int(headers.pop("Lambda-Runtime-Deadline-Ms"))
        assert earliest - 1 <= deadline <= time.time() * 1000 + 7000
        context = headers.pop("Lambda-Runtime-Client-Context").encode("latin-1").decode()
        assert json.loads(context) == {"custom": {"k": "\u00e9"}}
        assert headers == {
            "Content-Type": "application/json; v=1",
            "Content-Length": str(len(event)),
            "Lambda-Runtime-Aws-Request-Id": ID,
            "Lambda-Runtime-Invoked-Function-Arn": f.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
        }

    run(tmp_path, story)


def test_bodies_and_their_types_are_passed_on_untouched(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
import gzip
request_id, _, _ = next_event()
respond(request_id, "<a/>", {"Content-Type": "text/xml"})
request_id, _, _ = next_event()
respond(request_id, gzip.compress(b"x", mtime=0), {"Content-Encoding": "gzip"})
next_event()
""".replace("-IS", "-S")
        )
        result = await world.invoke(f)
        assert (result.payload, result.content_type) == (b"<a/>", "text/xml")
        assert (await world.invoke(f)).payload == gzip.compress(b"x", mtime=0)

    run(tmp_path, story)


def test_a_response_may_be_6_mb_and_no_more(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
answers = []
while True:
    request_id, event, _ = next_event()
    size = json.loads(event)
    if size:
        status, body = respond(request_id, b"x" * size)
        answers.append([status, body.decode(), os.getpid()])
    else:
        respond(request_id, json.dumps(answers))
"""
        )
        fits = await world.invoke(f, b"%d" % RESPONSE_BYTES)
        assert (len(fits.payload), fits.function_error) == (6291556, None)
        too_large = await world.invoke(f, b"%d" % (RESPONSE_BYTES + 1))
        assert too_large.function_error == "Unhandled"
        assert too_large.payload == (
            b'{"errorMessage":"Response payload size exceeded maximum allowed payload size '
            b'(6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}'
        )
        answers = json.loads((await world.invoke(f, b"0")).payload)
        assert [status for status, *_ in answers] == [202, 413]
        assert json.loads(answers[1][1]) == {
            "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "RequestEntityTooLarge",
        }
        assert answers[0][2] == answers[1][2], "the environment stays healthy"

    run(tmp_path, story)


def test_a_response_that_breaks_off_is_an_error_of_the_function(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
request_id, _, _ = next_event()
host, port = API.split(":")
broken = socket.create_connection((host, int(port)))
broken.sendall(f"POST {BASE}/invocation/{request_id}/response HTTP/1.1\\r\\nHost: x\\r\\n"
               "Content-Length: 100\\r\\n\\r\\nhalf".encode())
broken.shutdown(socket.SHUT_WR)
answer = broken.recv(4096).decode()
request_id, _, _ = next_event()
respond(request_id, json.dumps(answer))
next_event()
"""
        )
        result = await world.invoke(f, request_id=ID)
        assert result.function_error == "Unhandled"
        assert json.loads(result.payload)["errorType"] == "Runtime.TruncatedResponse"
        answer = json.loads((await world.invoke(f)).payload)
        assert answer.startswith("HTTP/1.1 400 ")
        assert '"errorType":"TruncatedHTTPRequest"' in answer

    run(tmp_path, story)


def chunked(path: str, chunks: str, trailers: str = "") -> str:
    """Script that sends a chunked body with declared trailers, and reads the status."""
    return f"""
host, port = API.split(":")
raw = socket.create_connection((host, int(port)))
raw.sendall(("POST " + {path} + " HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n"
  "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\\r\\n\\r\\n"
  "{chunks}0\\r\\n{trailers}\\r\\n").encode())
raw.recv(4096)
next_event()
"""


RESPONSE_PATH = 'BASE + "/invocation/" + next_event()[0] + "/response"'


def test_a_chunked_response_with_empty_trailers_is_an_ordinary_one(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(chunked(RESPONSE_PATH, "3\\r\\n[1,\\r\\n2\\r\\n2]\\r\\n"))
        result = await world.invoke(f)
        assert (result.payload, result.function_error) == (b"[1,2]", None)

    run(tmp_path, story)


def test_an_error_in_the_trailers_is_the_result(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        trailers = (
            "Lambda-Runtime-Function-Error-Type: Runtime.Broke\\r\\n"
            "Lambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiAiWCJ9\\r\\n"
        )
        f = world.function(chunked(RESPONSE_PATH, "3\\r\\n[1,\\r\\n", trailers))
        result = await world.invoke(f)
        assert result.function_error == "Unhandled"
        assert json.loads(result.payload) == {"errorType": "X"}

    run(tmp_path, story)


def test_only_streaming_is_a_response_mode(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
request_id, _, _ = next_event()
mode = "Lambda-Runtime-Function-Response-Mode"
status, body = respond(request_id, "1", {mode: "Streaming"})
request_id, _, _ = next_event()
respond(request_id, json.dumps([status, body.decode()]), {mode: "streaming"})
next_event()
"""
        )
        result = await world.invoke(f)
        assert json.loads(result.payload)["errorType"] == "Runtime.InvalidResponseModeHeader"
        status, body = json.loads((await world.invoke(f)).payload)
        assert status == 400
        assert json.loads(body)["errorType"] == "InvalidFunctionResponseMode"

    run(tmp_path, story)


def test_the_cause_of_an_error_is_not_for_the_caller(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
kind = {"Content-Type": "application/vnd.aws.lambda.error.cause+json"}
cause = {"Lambda-Runtime-Function-XRay-Error-Cause": "x" * (1 << 20)}
for body in ('{"errorMessage":"m","errorCause":{"working_directory":"/"}}', "not json"):
    request_id, _, _ = next_event()
    assert fail(request_id, body, kind)[0] == 202
request_id, _, _ = next_event()
assert fail(request_id, '{"as":  "posted"}', cause)[0] == 202
next_event()
"""
        )
        result = await world.invoke(f)
        assert (result.payload, result.function_error) == (b'{"errorMessage":"m"}', "Unhandled")
        result = await world.invoke(f)
        assert (result.payload, result.content_type) == (
            b"Invalid error body",
            "application/octet-stream",
        )
        assert (await world.invoke(f)).payload == b'{"as":  "posted"}'

    run(tmp_path, story)


def test_a_flood_of_bodies_meets_a_bound(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            """
import select
request_id, _, _ = next_event()
host, port = API.split(":")
head = (f"POST {BASE}/invocation/{request_id}/response HTTP/1.1\\r\\nHost: x\\r\\n"
        "Content-Length: 6000000\\r\\n\\r\\n").encode()
flood = [socket.create_connection((host, int(port))) for _ in range(20)]
for each in flood:
    each.sendall(head)
refused = []
while len(refused) < 20 - RUNTIME_API_BODIES:
    refused = select.select(flood, [], [])[0]
statuses = [int(each.recv(4096).split()[1]) for each in refused]
for each in flood:
    each.close()
while respond(request_id, "too late")[0] != 403:
    pass
request_id, _, _ = next_event()
respond(request_id, json.dumps(statuses))
next_event()
""".replace("RUNTIME_API_BODIES", str(RUNTIME_API_BODIES))
        )
        broke_off = await world.invoke(f)
        assert json.loads(broke_off.payload)["errorType"] == "Runtime.TruncatedResponse"
        statuses = json.loads((await world.invoke(f)).payload)
        assert statuses == [429] * (20 - RUNTIME_API_BODIES)

    run(tmp_path, story)


def test_more_connections_than_the_bound_wait_for_their_turn(tmp_path: Path) -> None:
    answers = tried(
        tmp_path,
        """
host, port = API.split(":")
flood = [socket.create_connection((host, int(port))) for _ in range(RUNTIME_API_CONNECTIONS)]
late = threading.Timer(0.3, lambda: [each.close() for each in flood])
late.start()
request_id, _, _ = next_event()
respond(request_id, "[]")
next_event()
""".replace("RUNTIME_API_CONNECTIONS", str(RUNTIME_API_CONNECTIONS)),
    )
    assert answers == []

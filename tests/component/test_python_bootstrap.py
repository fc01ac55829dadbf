"""Our Python runtime client, executed by each interpreter that this machine has.

What handlers see is compared with AWS's client in tests/conformance; here is what only ours does:
the wire by hand, sys.path, streams, and every version of Python.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stoker.runtimes.found import FoundRuntime, found_runtimes
from tests.scripted_runtime_api import Event, Run, play

CLIENT = Path(__file__).parents[2] / "src" / "stoker" / "runtimes" / "python"
PYTHONS = [found for found in found_runtimes() if found.runtime.startswith("python")]
ECHO = "def handler(event, context):\n    return event\n"
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
PATIENCE_S = 30.0


def function(tmp_path: Path, text: str, **more: str) -> Path:
    task = tmp_path / "task"
    task.mkdir()
    (task / "app.py").write_text(text)
    for name, content in more.items():
        (task / f"{name}.py").write_text(content)
    return task


def environ(task: Path, **more: str) -> dict[str, str]:
    return {
        "_HANDLER": "app.handler",
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(CLIENT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def run(task: Path, events: list[Event], python: str = sys.executable, **more: str) -> Run:
    return play([python, CLIENT / "bootstrap.py"], environ(task, **more), events, cwd=task)


def results(done: Run) -> list[object]:
    assert [post.path for post in done.posts] == ["invocation/response"] * len(done.posts)
    return [json.loads(post.body) for post in done.posts]


# -- every version of Python ---------------------------------------------------------------------

EVERYTHING = """
import collections, decimal, json, logging, sys
P = collections.namedtuple("P", "x")
def handler(event, context):
    logging.warning("note")
    print("printed", event["n"])
    if event["n"] == 2:
        raise LookupError("two")
    version = "%d.%d" % sys.version_info[:2]
    return {"n": decimal.Decimal("1.50"), "p": P(1), "v": version, "m": context.memory_limit_in_mb,
            "ms": context.get_remaining_time_in_millis() > 0}
"""


@pytest.mark.parametrize("python", PYTHONS, ids=lambda found: found.runtime)
def test_the_contract_holds_on_every_python(python: FoundRuntime, tmp_path: Path) -> None:
    task = function(tmp_path, EVERYTHING)
    events = [Event(b'{"n": 1}'), Event(b'{"n": 2}', {}, "second")]
    done = run(task, events, str(python.executable), AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128")

    assert done.status is None, done.stderr
    answer, failure = done.posts
    version = python.runtime.removeprefix("python")
    assert answer.body.decode() == (
        f'{{"n": 1.50, "p": {{"x": 1}}, "v": "{version}", "m": "128", "ms": true}}'
    )
    assert answer.stdout == "printed 1\n"
    assert [kind for kind, _ in answer.frames] == [0xA55A0003]
    assert json.loads(failure.body) == {
        "errorMessage": "two",
        "errorType": "LookupError",
        "requestId": "second",
        "stackTrace": [
            f'  File "{task}/app.py", line 8, in handler\n    raise LookupError("two")\n'
        ],
    }
    assert failure.frames[1] == (
        0xA55A0017,
        "[ERROR] LookupError: two\nTraceback (most recent call last):\n"
        f'\u00a0\u00a0File "{task}/app.py", line 8, in handler\n'
        '\u00a0\u00a0\u00a0\u00a0raise LookupError("two")',
    )


@pytest.mark.parametrize("python", PYTHONS, ids=lambda found: found.runtime)
def test_characters_are_escaped_up_to_python_3_11(python: FoundRuntime, tmp_path: Path) -> None:
    done = run(function(tmp_path, ECHO), [Event('"é"'.encode())], str(python.executable))
    minor = int(python.runtime.rpartition(".")[2])
    assert done.posts[0].body == ('"é"'.encode() if minor >= 12 else b'"\\u00e9"')


# -- the wire ------------------------------------------------------------------------------------


@contextmanager
def conversation(
    task: Path,
) -> Iterator[tuple[socket.socket, socket.socket, subprocess.Popen[bytes]]]:
    """(listener, first connection, client), to speak to the client byte by byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, CLIENT / "bootstrap.py"],
            env=environ(task, AWS_LAMBDA_RUNTIME_API=address),
            cwd=task,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with process:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.settimeout(PATIENCE_S)
                    yield listener, connection, process
            finally:
                process.kill()


def hear(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        more = connection.recv(65536)
        assert more, f"the client hung up after {data!r}"
        data += more
    return data


def event(body: bytes, *, lower: bool = False) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: r\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    if lower:
        head = head.replace("Content-", "content-").replace(
            "Lambda-Runtime-Aws", "LAMBDA-runtime-AWS"
        )
    return head.encode() + body


RECEIPT = b'HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'


def test_a_receipt_may_be_held_and_sent_with_the_next_event(tmp_path: Path) -> None:
    with conversation(function(tmp_path, ECHO)) as (_, connection, _):
        hear(connection, b"\r\n\r\n")
        connection.sendall(event(b"1"))
        assert b"/r/response" in hear(connection, b"\r\n\r\n")
        for number in (b"22", b"333"):
            connection.sendall(RECEIPT + event(number))
            assert b"\r\n\r\n" + number + NEXT in hear(connection, b"\r\n\r\n")


def test_an_answer_may_come_byte_by_byte_and_in_any_spelling(tmp_path: Path) -> None:
    with conversation(function(tmp_path, ECHO)) as (_, connection, _):
        hear(connection, b"\r\n\r\n")
        for byte in event(b'{"a": [1, 2]}', lower=True):
            connection.sendall(bytes([byte]))
        assert b'\r\n\r\n{"a": [1, 2]}' + NEXT in hear(connection, b"\r\n\r\n")


def test_a_server_that_closes_after_an_answer_is_called_again(tmp_path: Path) -> None:
    with conversation(function(tmp_path, ECHO)) as (listener, connection, _):
        hear(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + event(b"1"))
        hear(connection, NEXT + b"Host: %s\r\n" % _host(listener) + _rest_of_next())
        connection.sendall(
            b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        again, _ = listener.accept()
        with again:
            again.settimeout(PATIENCE_S)
            assert hear(again, b"\r\n\r\n").startswith(NEXT)


def _host(listener: socket.socket) -> bytes:
    return b"127.0.0.1:%d" % listener.getsockname()[1]


def _rest_of_next() -> bytes:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"User-Agent: aws-lambda-python/{version}-stoker\r\n\r\n".encode()


def test_a_lost_connection_ends_it_quietly(tmp_path: Path) -> None:
    with conversation(function(tmp_path, ECHO)) as (_, connection, process):
        hear(connection, b"\r\n\r\n")
        connection.sendall(event(b"12345678")[:-3])
        connection.close()
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, stdout, stderr) == (1, b"", b"")


def test_a_refused_next_ends_it_with_the_reason(tmp_path: Path) -> None:
    with conversation(function(tmp_path, ECHO)) as (_, connection, process):
        hear(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
        assert stderr == b"cannot get the next event: the Runtime API answered 403\n"


def test_six_megabytes_go_in_and_out(tmp_path: Path) -> None:
    big = json.dumps("x" * (6 * 1024 * 1024)).encode()
    events = [Event(big), Event(big, chunked=True), Event(b"1", chunked=True)]
    done = run(function(tmp_path, ECHO), events)
    assert [post.body for post in done.posts] == [big, big, b"1"]


# -- streams and processes -----------------------------------------------------------------------


def test_a_line_is_one_write_however_many_arguments_print_had(tmp_path: Path) -> None:
    """Each write can become a log event of its own; a line must not be torn."""
    text = """
import os, sys
def handler(event, context):
    kept, (read, write) = os.dup(1), os.pipe()
    os.dup2(write, 1)
    os.set_blocking(read, False)
    print("a", "b", end="")
    try:
        before = os.read(read, 100)
    except BlockingIOError:
        before = b""
    print("c")
    os.dup2(kept, 1)
    return [before.decode(), os.read(read, 100).decode()]
"""
    assert results(run(function(tmp_path, text), [Event(b"1")])) == [["", "a bc\n"]]


def test_what_has_no_line_end_is_written_before_the_answer(tmp_path: Path) -> None:
    text = "def handler(event, context):\n    print('half', end='')\n"
    done = run(function(tmp_path, text), [Event(b"1"), Event(b"1")])
    assert [post.stdout for post in done.posts] == ["half", "half"]


@pytest.mark.parametrize(
    "breaking",
    ["os.close(1); os.close(2)", "sys.stdout.close()", "sys.stdout = sys.stderr = None",
     "sys.stdout = 7"],
)  # fmt: skip
def test_a_function_may_break_its_streams_and_is_answered_for(
    breaking: str, tmp_path: Path
) -> None:
    text = f"import os, sys\ndef handler(event, context):\n    {breaking}\n    return 1\n"
    assert results(run(function(tmp_path, text), [Event(b"1")])) == [1]


def test_signals_reach_the_function_while_it_waits(tmp_path: Path) -> None:
    """An extension makes the platform send SIGTERM before the end (spec 5.5)."""
    text = ECHO + (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('cleaned up'), sys.exit(5)))\n"
    )
    with conversation(function(tmp_path, text)) as (_, connection, process):
        hear(connection, b"\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, stdout) == (5, b"cleaned up\n")


def test_threads_that_a_handler_leaves_go_on(tmp_path: Path) -> None:
    text = """
import threading
turns = [threading.Event(), threading.Event()]
def other():
    turns[0].wait()
    turns[1].set()
def handler(event, context):
    if event == 1:
        threading.Thread(target=other, daemon=True).start()
    else:
        turns[0].set()
        return turns[1].wait(30)
"""
    assert results(run(function(tmp_path, text), [Event(b"1"), Event(b"2")])) == [None, True]


# -- where modules come from ---------------------------------------------------------------------

PATHS = """
import os, sys
import marker
def handler(event, context):
    return {"path": sys.path, "marker": marker.WHERE, "PYTHONPATH": os.environ["PYTHONPATH"],
            "argv": sys.argv, "names": sorted(n for n in sys.modules if "stoker" in n),
            "layers": os.environ.get("_STOKER_LAYER_ROOT")}
"""


def layer(tmp_path: Path) -> Path:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = tmp_path / "opt" / "python" / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    for folder, where in ((packages, "site-packages"), (packages.parents[2], "python")):
        (folder / "marker.py").write_text(f"WHERE = {where!r}\n")
    return tmp_path / "opt"


def test_modules_are_looked_for_where_aws_looks_and_nowhere_else(tmp_path: Path) -> None:
    task, opt = function(tmp_path, PATHS), layer(tmp_path)
    (seen,) = results(run(task, [Event(b"1")], _STOKER_LAYER_ROOT=str(opt)))
    assert isinstance(seen, dict)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library = str(Path(os.__file__).parent)
    assert seen["path"] == [
        str(task),
        f"{opt}/python/lib/{version}/site-packages",
        f"{opt}/python",
        str(CLIENT),
        str(Path(library).parent / f"{version.replace('.', '')}.zip"),
        library,
        f"{library}/lib-dynload",
    ]
    assert seen["marker"] == "site-packages"
    assert seen["PYTHONPATH"] == str(CLIENT)
    assert seen["argv"] == [str(CLIENT / "bootstrap.py")]
    assert seen["names"] == []
    assert seen["layers"] is None


def test_a_functions_own_code_comes_before_layers(tmp_path: Path) -> None:
    task, opt = function(tmp_path, PATHS, marker="WHERE = 'task'\n"), layer(tmp_path)
    (seen,) = results(run(task, [Event(b"1")], _STOKER_LAYER_ROOT=str(opt)))
    assert isinstance(seen, dict)
    assert seen["marker"] == "task"


def test_a_pythonpath_of_the_customers_replaces_the_layers(tmp_path: Path) -> None:
    task, opt = function(tmp_path, PATHS), layer(tmp_path)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "marker.py").write_text("WHERE = 'mine'\n")
    (seen,) = results(run(task, [Event(b"1")], _STOKER_LAYER_ROOT=str(opt), PYTHONPATH=str(mine)))
    assert isinstance(seen, dict)
    assert seen["path"][:3] == [str(task), str(CLIENT), str(mine)]
    assert (seen["marker"], seen["PYTHONPATH"]) == ("mine", str(mine))


def test_pth_files_of_the_function_are_obeyed(tmp_path: Path) -> None:
    task = function(tmp_path, PATHS)
    (task / "inner").mkdir()
    (task / "inner" / "marker.py").write_text("WHERE = 'inner'\n")
    (task / "more.pth").write_text("inner\n")
    (seen,) = results(run(task, [Event(b"1")]))
    assert isinstance(seen, dict)
    assert seen["marker"] == "inner"


def test_a_handler_module_may_have_the_name_of_ours(tmp_path: Path) -> None:
    task = function(tmp_path, "", bootstrap="def handler(event, context):\n    return 'theirs'\n")
    assert results(run(task, [Event(b"1")], _HANDLER="bootstrap.handler")) == ["theirs"]


def test_a_safe_path_leaves_the_client_where_it_is(tmp_path: Path) -> None:
    """The variable takes the directory of the program out of sys.path (Python 3.11)."""
    done = run(function(tmp_path, ECHO), [Event(b"1")], PYTHONSAFEPATH="1", PYTHONPATH="/absent")
    assert results(done) == [1]


# -- the script that starts it -------------------------------------------------------------------


def start_script(task: Path, events: list[Event], **more: str) -> Run:
    prefix = Path(sys.base_prefix)
    variables = environ(task, _STOKER_LANGUAGE_ROOT=str(prefix), PATH="/usr/bin:/bin", **more)
    return play([CLIENT / "bootstrap"], variables, events, cwd=task)


def test_the_script_starts_the_one_interpreter_there_is(tmp_path: Path) -> None:
    text = (
        "import os, sys\ndef handler(event, context):\n"
        "    return [sys.executable, os.environ.get('_STOKER_LANGUAGE_ROOT')]\n"
    )
    (seen,) = results(start_script(function(tmp_path, text), [Event(b"1")]))
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert seen == [f"{sys.base_prefix}/bin/{name}", None]


def test_a_wrapper_is_given_the_interpreter_and_its_arguments(tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/bash\nexport SAID="$*"\nexec "$@"\n')
    wrapper.chmod(0o755)
    text = "import os\ndef handler(event, context):\n    return os.environ['SAID']\n"
    task = function(tmp_path, text)
    (said,) = results(start_script(task, [Event(b"1")], AWS_LAMBDA_EXEC_WRAPPER=str(wrapper)))
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert said == f"{sys.base_prefix}/bin/{name} {CLIENT}/bootstrap.py"


@pytest.mark.parametrize(
    ("there", "status", "words"),
    [(False, 127, "does not exist"), (True, 126, "is not an executable")],
)
def test_a_wrapper_that_cannot_be_run_is_said_so(
    there: bool, status: int, words: str, tmp_path: Path
) -> None:
    wrapper = tmp_path / "wrapper"
    if there:
        wrapper.write_text("")
    done = start_script(function(tmp_path, ECHO), [], AWS_LAMBDA_EXEC_WRAPPER=str(wrapper))
    assert done.status == status
    assert done.stdout == f"{wrapper}: {words}\n"

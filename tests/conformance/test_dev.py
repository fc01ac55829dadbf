"""`stoker dev`: what is saved is what runs, and nothing else of this machine is in reach."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.cli.dev_link import Link, Refused, door
from tests.developing import Dev, answer, until
from tests.running import PYTHON, StokerProcess, deploy

pytestmark = pytest.mark.root

SOURCE = "def handler(event, context):\n    return {!r}\n"
IMPORTS = """
from part.of import it

def handler(event, context):
    return it
"""
LOOKS = """
import json, os, urllib.request

def handler(event, context):
    found = {}
    for name in event["names"]:
        try:
            with open(f"/var/task/{name}") as file:
                found[name] = file.read()
        except OSError as error:
            found[name] = type(error).__name__
    for what, act in {
        "write": lambda: open("/var/task/new", "w"),
        "remove": lambda: os.remove("/var/task/main.py"),
        "chmod": lambda: os.chmod("/var/task/main.py", 0o777),
    }.items():
        try:
            found[what] = str(act())
        except OSError as error:
            found[what] = error.strerror
    try:
        url = os.environ["AWS_ENDPOINT_URL"] + "/_stoker/api/dev"
        found["door"] = urllib.request.urlopen(url).read().decode()
    except urllib.error.HTTPError as error:
        found["door"] = error.code
    with open("/proc/net/unix") as sockets:
        found["doors"] = [line for line in sockets if "stoker-dev" in line]
    return found
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "worked-on"
    path.mkdir()
    (path / "main.py").write_text(SOURCE.format("first"))
    return path


@pytest.fixture
def name(lambda_client: Any, folder: Path) -> Iterator[str]:
    """What it is called when it is deployed; it is deleted after the test."""
    yield folder.name
    lambda_client.delete_function(FunctionName=folder.name)


def test_what_is_saved_runs_until_the_end_and_then_what_was_deployed(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    with Dev(folder, server.url) as dev:
        dev.until("runs /")
        assert answer(lambda_client, name) == "first"
        for text in ("second", "third"):
            (folder / "main.py").write_text(SOURCE.format(text))
            until(lambda: answer(lambda_client, name), text)
        (folder / "main.py").write_text("def handler(:\n")
        until(lambda: _error(answer(lambda_client, name)), "Runtime.UserCodeSyntaxError")
        (folder / "main.py").write_text(IMPORTS)
        until(lambda: _error(answer(lambda_client, name)), "Runtime.ImportModuleError")
        (folder / "part").mkdir()
        (folder / "part" / "of.py").write_text("it = 'whole'\n")
        until(lambda: answer(lambda_client, name), "whole")
        dev.until("✓")
        assert dev.end() == 0
    assert "what was deployed is there again" in dev.said
    assert "rehearsal" not in dev.said, "no invocation of ours is in the log of an init"
    until(lambda: answer(lambda_client, name), "first")


@pytest.mark.slow  # a connection that ends otherwise is held below
def test_it_ends_with_its_process_however_that_ends(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    with Dev(folder, server.url) as dev:
        dev.until("runs /")
        (folder / "main.py").write_text(SOURCE.format("saved"))
        until(lambda: answer(lambda_client, name), "saved")
        dev.end(signal.SIGKILL)
    until(lambda: answer(lambda_client, name), "first")
    moved = folder.with_name("moved")
    with Dev(folder, server.url) as dev:
        dev.until("runs /")
        folder.rename(moved)
        dev.until("is gone")
        folder.mkdir()  # as a builder does it
        (folder / "main.py").write_text(SOURCE.format("another folder"))
        until(lambda: answer(lambda_client, name), "another folder")


def test_the_folder_is_read_only_and_nothing_beside_it_is_in_reach(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    deploy(lambda_client, SOURCE.format("deployed"), FunctionName=name, Timeout=60)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    (folder.parent / "secret").write_text("secret")
    (folder / "main.py").write_text(LOOKS)
    (folder / "data").write_text("data")
    for link, target in {
        "within": "data",
        "around": "around",
        "up": "../secret",
        "away": str(folder.parent / "secret"),
    }.items():
        (folder / link).symlink_to(target)
    names = ["up", "away", "around", "within", "../secret"]

    async def main() -> Any:
        link = Link(door(server.url))
        try:
            await link.show(arn, "aa", "", [folder])
            return await asyncio.to_thread(answer, lambda_client, name, {"names": names})
        finally:
            link.close()

    found = asyncio.run(main())
    assert found.pop("within") == "data"
    assert found.pop("around") == "OSError"
    assert [found.pop(each) for each in ("up", "away", "../secret")] == ["FileNotFoundError"] * 3
    assert [found.pop(each) for each in ("write", "remove", "chmod")] == [
        "Read-only file system"
    ] * 3
    assert found == {"door": 403, "doors": []}


@pytest.mark.slow  # what is refused is held by tests/component/test_watching.py
def test_a_folder_with_an_open_socket_is_not_shown(
    server: StokerProcess, folder: Path, name: str
) -> None:
    with socket.socket(socket.AF_UNIX) as door, Dev(folder, server.url) as dev:
        dev.until("runs /")
        door.bind(str(folder / "s"))
        (folder / "s").chmod(0o777)
        dev.until("a function could talk to what is behind it")
        assert dev.wait() == 1


TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: {PYTHON}, Handler: main.handler}}}}
Resources:
  One: {{Type: AWS::Serverless::Function, Properties: {{FunctionName: dev-one, CodeUri: one}}}}
  Two:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: dev-two, CodeUri: two, Environment: {{Variables: {{SAYS: first}}}}}}
"""


@pytest.mark.slow  # the translator of SAM runs three times
def test_each_function_of_a_template_has_its_folder_and_the_template_is_deployed_again(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.py").write_text(
            "import os\ndef handler(event, context): return os.environ.get('SAYS')\n"
        )
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    with Dev(tmp_path / "template.yaml", server.url, "--name", "dev-stack") as dev:
        dev.until("dev-one: runs /")
        dev.until("dev-two: runs /")
        assert answer(lambda_client, "dev-two") == "first"
        (tmp_path / "template.yaml").write_text(TEMPLATE.replace("first", "second"))
        until(lambda: answer(lambda_client, "dev-two"), "second")
        (tmp_path / "one" / "main.py").write_text(SOURCE.format("saved"))
        until(lambda: answer(lambda_client, "dev-one"), "saved")
        assert answer(lambda_client, "dev-two") == "second"
    server.client("cloudformation").delete_stack(StackName="dev-stack")


STRANGER = """
import json, os, socket, sys
folder = os.open(sys.argv[2], int(sys.argv[3]))
os.setgroups([]), os.setgid(65534), os.setuid(65534)
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect("\\0" + sys.argv[1])
said = {"n": 1, "function": sys.argv[4], "fingerprint": "aa", "debug": ""}
socket.send_fds(sock, [json.dumps(said).encode()], [folder])
print(json.loads(sock.recv(4096))["error"])
"""


def test_only_the_owner_of_a_folder_shows_it_and_who_can_read_it(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    deploy(lambda_client, SOURCE.format("deployed"), FunctionName=name)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]

    def stranger(flags: int) -> str:
        words = [door(server.url), str(folder), str(flags), arn]
        command = [sys.executable, "-I", "-S", "-c", STRANGER, *words]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout

    assert "belongs to somebody else" in stranger(os.O_RDONLY)
    os.chown(folder, 65534, 65534)
    assert "opened for reading" in stranger(os.O_PATH)
    assert answer(lambda_client, name) == "deployed"


def test_what_is_no_folder_any_more_or_no_state_is_refused(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    deploy(lambda_client, SOURCE.format("deployed"), FunctionName=name)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]

    async def refused(link: Link, path: Path, fingerprint: str = "aa", function: str = arn) -> str:
        with pytest.raises(Refused) as refusal:
            await link.show(function, fingerprint, "", [path])
        return str(refusal.value)

    async def main() -> None:
        at = door(server.url)
        link = Link(at)
        assert "no state" in await refused(link, folder, "../up")
        assert "Function not found" in await refused(link, folder, function=f"{arn}-not")
        gone = folder / "gone"
        gone.mkdir()
        with pytest.raises(Refused, match="cannot share a folder"):
            await _shown_after(link, gone, arn)
        assert answer(lambda_client, name) == "deployed"
        await link.show(arn, "aa", "", [folder])
        assert await asyncio.to_thread(answer, lambda_client, name) == "first"
        another = Link(at)
        assert "is developed by process" in await refused(another, folder)
        another.close()
        assert await asyncio.to_thread(answer, lambda_client, name) == "first"
        link.close()

    asyncio.run(main())
    until(lambda: answer(lambda_client, name), "deployed")


def test_who_does_not_talk_as_stoker_dev_does_is_hung_up_on(
    server: StokerProcess, lambda_client: Any, folder: Path, name: str
) -> None:
    deploy(lambda_client, SOURCE.format("deployed"), FunctionName=name)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    at, said = f"\0{door(server.url)}", {"n": 1, "function": arn, "fingerprint": "aa"}
    with (folder / "main.py").open() as file:
        number = file.fileno()
        for packet, fds, answered in (
            (b"no JSON", [], b""),
            (b"[]", [], b""),
            (b"{}", [], b""),
            (b'{"n": 1, "attach": true}', [], b"Nothing was said of a debugger"),
            (b"x" * 5000, [], b""),
            (json.dumps(said).encode(), [number], b"it is not a folder"),
            (json.dumps(said).encode(), [number] * 3, b""),
            (json.dumps({**said, "debug": "all"}).encode(), [number], b"debug: one of"),
            (json.dumps({"n": 1, "detach": 7}).encode(), [], b'"ok"'),
        ):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.connect(at)
                sock.settimeout(60)
                socket.send_fds(sock, [packet], fds)
                data = sock.recv(4096)
                assert answered in data
                assert bool(answered) == bool(data), (packet, data)
    assert answer(lambda_client, name) == "deployed"


async def _shown_after(link: Any, folder: Path, arn: str) -> None:
    """A folder that was removed between its opening and its showing."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        folder.rmdir()  # noqa: ASYNC240
        await link.show(arn, "aa", "", [Path(f"/proc/self/fd/{descriptor}")])
    finally:
        os.close(descriptor)


def _error(answered: Any) -> str:
    return str(answered["errorType"]) if isinstance(answered, dict) else "none"

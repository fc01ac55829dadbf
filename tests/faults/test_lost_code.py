"""Somebody removed functions' code from the data folder while no server ran."""

import base64
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import ECHO, answer, until
from tests.running import StokerProcess, deploy

pytestmark = pytest.mark.root


def lose_unpacked(code: Path, package: Path) -> None:
    shutil.rmtree(code)


def lose_half_of_unpacked(code: Path, package: Path) -> None:
    shutil.rmtree(code / "tree")


def lose_package(code: Path, package: Path) -> None:
    package.unlink()


def lose_both(code: Path, package: Path) -> None:
    shutil.rmtree(code)
    package.unlink()


def damage_package(code: Path, package: Path) -> None:
    shutil.rmtree(code)
    package.write_bytes(package.read_bytes()[:-30])


MADE_AGAIN = (lose_unpacked, lose_half_of_unpacked, lose_package)
LOST = (lose_both, damage_package)


def of(name: str) -> str:
    return f"{ECHO}  # {name}"


def test_lost_code_is_unpacked_again_or_fails_its_function_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    digests = {}
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        for lose in (*MADE_AGAIN, *LOST):
            deploy(functions, of(lose.__name__), FunctionName=lose.__name__)
            sha256 = described(functions, lose.__name__)["CodeSha256"]
            digests[lose] = base64.b64decode(sha256).hex()
        assert server.stop() == 0
    for lose, digest in digests.items():
        lose(data_dir / "code" / digest, data_dir / "blobs" / digest)

    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        for lose in MADE_AGAIN:
            assert answer(functions.invoke(FunctionName=lose.__name__, Payload="1")) == 1
        for lose in LOST:
            assert_failed(functions, lose.__name__)
            functions.delete_function(FunctionName=lose.__name__)  # as AWS demands of a failed one
            deploy(functions, of(lose.__name__), FunctionName=lose.__name__)
            assert answer(functions.invoke(FunctionName=lose.__name__, Payload="2")) == 2
        assert server.stop() == 0


def test_without_any_code_at_all_the_server_starts(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        deploy(functions, ECHO, FunctionName="echo")
        assert server.stop() == 0
    shutil.rmtree(data_dir / "code")
    shutil.rmtree(data_dir / "blobs")
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        assert_failed(functions, "echo")
        assert server.stop() == 0


def assert_failed(functions: Any, name: str) -> None:
    failed = until(lambda: described(functions, name), lambda it: it["State"] != "Pending")
    assert failed["State"] == "Failed"
    with pytest.raises(ClientError, match=failed["StateReason"]):
        functions.invoke(FunctionName=name, Payload="1")


def described(functions: Any, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = functions.get_function_configuration(FunctionName=name)
    return answer

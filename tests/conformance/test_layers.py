"""Layers as a user meets them: published with boto3, and running in environments."""

import base64
import hashlib
import io
import json
import stat
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import PYTHON, StokerProcess, deploy, make_zip, wait_until

LOOK = """
import json, os, shutil, subprocess, sys

def handler(event, context):
    return eval(event, {**globals(), "opt": ROOT})

ROOT = os.environ["PATH"].rpartition(":")[2].removesuffix("/bin")
"""


@pytest.fixture(params=["namespaces", "process"])
def functions(
    request: pytest.FixtureRequest, server: StokerProcess, tmp_path_factory: Any
) -> Iterator[Any]:
    """A client of a server with this sandbox."""
    if request.param == "namespaces":
        with closing(server.client("lambda")) as client:
            yield client
        return
    folder = tmp_path_factory.mktemp("process") / "data"
    with (
        StokerProcess(folder, "--sandbox", "process") as own,
        closing(own.client("lambda")) as client,
    ):
        yield client


def publish(functions: Any, files: Mapping[str, str | bytes], *executable: str) -> str:
    """The ARN of the only version of a new layer."""
    content = {"ZipFile": make_zip(files, executable)}
    name = f"l-{uuid.uuid4().hex[:12]}"
    made = functions.publish_layer_version(LayerName=name, Content=content)
    arn: str = made["LayerVersionArn"]
    return arn


def evaluate(functions: Any, name: str, expression: str) -> Any:
    """What an expression is inside the function."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(expression))
    value = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, value
    return value


@pytest.fixture
def create(functions: Any) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def create(**settings: Any) -> str:
        made.append(deploy(functions, LOOK, **settings))
        return made[-1]

    yield create
    for name in made:
        functions.delete_function(FunctionName=name)


def test_layers_are_one_tree_at_opt_where_later_ones_win(
    functions: Any, create: Callable[..., str]
) -> None:
    first = publish(
        functions,
        {
            "python/mine.py": "who = 'first'",
            "python/only_first.py": "who = 'first'",
            f"python/lib/{PYTHON}/site-packages/packaged.py": "who = 'packaged'",
            "bin/tool": "#!/bin/sh\necho first",
            "bin/other": "#!/bin/sh\necho other",
            "a_directory_then_a_file/x": "x",
            "lib/libx.so": "x",
        },
        "bin/tool",
        "bin/other",
    )
    second = publish(
        functions,
        {
            "python/mine.py": "who = 'second'",
            "bin/tool": "#!/bin/sh\necho second",
            "a_directory_then_a_file": "a file",
        },
        "bin/tool",
    )
    name = create(Layers=[first, second])
    shown = functions.get_function_configuration(FunctionName=name)["Layers"]
    assert [one["Arn"] for one in shown] == [first, second]
    assert all(one["CodeSize"] > 100 for one in shown)

    def seen(expression: str) -> Any:
        return evaluate(functions, name, expression)

    modules = ("mine", "only_first", "packaged")
    assert [seen(f"__import__('{m}').who") for m in modules] == ["second", "first", "packaged"]
    tools = "[subprocess.check_output([t], text=True).strip() for t in ('tool', 'other')]"
    assert seen(tools) == ["second", "other"]
    assert seen("open(opt + '/a_directory_then_a_file').read()") == "a file"
    assert seen("opt + '/lib' in os.environ['LD_LIBRARY_PATH'].split(':')")
    libraries = seen("os.path.isfile(opt + '/lib/libx.so')")
    assert libraries
    assert evaluate(functions, create(Layers=[second, first]), "__import__('mine').who") == "first"


def test_exec_bits_and_links_are_kept(functions: Any, create: Callable[..., str]) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, mode in (("bin/run", 0o755), ("data", 0o600), ("setuid", 0o4755)):
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, "#!/bin/sh\necho ran")
        link = zipfile.ZipInfo("bin/linked-tool")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "run")
    name = f"l-{uuid.uuid4().hex[:12]}"
    made = functions.publish_layer_version(LayerName=name, Content={"ZipFile": data.getvalue()})
    for layers in ([], [publish(functions, {"x": ""})]):
        function = create(Layers=[made["LayerVersionArn"], *layers])
        modes = "[oct(os.stat(opt + p).st_mode & 0o7777) for p in ('/bin/run', '/data', '/setuid')]"
        assert evaluate(functions, function, modes) == ["0o755", "0o644", "0o755"]
        ran = "subprocess.check_output(['linked-tool'], text=True)"
        assert evaluate(functions, function, ran) == "ran\n"
        assert evaluate(functions, function, "os.readlink(opt + '/bin/linked-tool')") == "run"


def test_another_list_of_layers_means_other_environments(
    functions: Any, create: Callable[..., str]
) -> None:
    arns = [publish(functions, {"python/mine.py": f"who = {n}"}) for n in range(2)]
    name = create(Layers=arns[:1])
    look = "__import__('mine').who"
    assert evaluate(functions, name, look) == 0
    functions.update_function_configuration(FunctionName=name, Layers=arns[1:])
    wait_until(functions, "function_updated_v2", name)
    assert evaluate(functions, name, look) == 1
    functions.update_function_configuration(FunctionName=name, Layers=[])
    wait_until(functions, "function_updated_v2", name)
    assert evaluate(functions, name, "os.listdir(opt)") == []


def test_a_deleted_version_goes_on_working(functions: Any, create: Callable[..., str]) -> None:
    arn = publish(functions, {"python/mine.py": "who = 'kept'"})
    name = create(Layers=[arn])
    layer, _, number = arn.rpartition(":")
    functions.delete_layer_version(LayerName=layer, VersionNumber=int(number))
    assert evaluate(functions, name, "__import__('mine').who") == "kept"
    # Another environment, whose sandbox is made after the deletion:
    functions.update_function_configuration(FunctionName=name, Description="another")
    wait_until(functions, "function_updated_v2", name)
    assert evaluate(functions, name, "__import__('mine').who") == "kept"
    with pytest.raises(ClientError, match=f"Layer version {arn} does not exist."):
        functions.update_function_configuration(FunctionName=name, Layers=[arn])


@pytest.mark.root
def test_opt_is_roots_and_read_only(lambda_client: Any) -> None:
    arns = [publish(lambda_client, {f"f{n}": "x"}) for n in range(2)]
    for layers in (arns[:1], arns):
        name = deploy(lambda_client, LOOK, Layers=layers)
        owners = "[[os.stat(p).st_uid, os.stat(p).st_gid] for p in ('/opt', '/opt/f0')]"
        assert evaluate(lambda_client, name, owners) == [[0, 0], [0, 0]]
        said = evaluate(lambda_client, name, "str(subprocess.run(['touch', '/opt/x'], stderr=-1))")
        assert "Read-only file system" in said
        lambda_client.delete_function(FunctionName=name)


def test_the_content_of_a_version_can_be_downloaded(lambda_client: Any) -> None:
    arn = publish(lambda_client, {"f": "x"})
    content = lambda_client.get_layer_version_by_arn(Arn=arn)["Content"]
    with urllib.request.urlopen(content["Location"]) as answer:
        data = answer.read()
    assert data == make_zip({"f": "x"})
    assert content["CodeSize"] == len(data)
    assert content["CodeSha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_boto3s_paginators_find_every_version(lambda_client: Any) -> None:
    name = f"l-{uuid.uuid4().hex[:12]}"
    for number in range(3):
        content = {"ZipFile": make_zip({"f": str(number)})}
        lambda_client.publish_layer_version(LayerName=name, Content=content)
    pages = lambda_client.get_paginator("list_layer_versions").paginate(
        LayerName=name, PaginationConfig={"PageSize": 2}
    )
    found = [one["Version"] for page in pages for one in page["LayerVersions"]]
    assert found == [3, 2, 1]
    layers = lambda_client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    assert name in [one["LayerName"] for page in layers for one in page["Layers"]]


def test_an_account_may_use_anothers_layer_once_it_is_allowed(server: StokerProcess) -> None:
    with (
        closing(server.client("lambda", aws_access_key_id="111111111111")) as owner,
        closing(server.client("lambda", aws_access_key_id="222222222222")) as user,
    ):
        arn = publish(owner, {"python/mine.py": "who = 'shared'"})
        layer, _, number = arn.rpartition(":")
        with pytest.raises(user.exceptions.ClientError, match="AccessDenied"):
            deploy(user, LOOK, Layers=[arn])
        owner.add_layer_version_permission(
            LayerName=layer,
            VersionNumber=int(number),
            StatementId="s",
            Action="lambda:GetLayerVersion",
            Principal="222222222222",
        )
        name = deploy(user, LOOK, Layers=[arn])
        assert evaluate(user, name, "__import__('mine').who") == "shared"
        user.delete_function(FunctionName=name)


def test_layers_are_there_after_a_restart(tmp_path: Path) -> None:
    """Also a deleted version that a function has, and the count of the numbers given."""
    folder = tmp_path / "data"
    with StokerProcess(folder) as server, closing(server.client("lambda")) as client:
        arns = [publish(client, {f"python/m{n}.py": f"who = {n}"}) for n in range(2)]
        name = deploy(client, LOOK, Layers=arns)
        layer = arns[0].rpartition(":")[0]
        client.delete_layer_version(LayerName=layer, VersionNumber=1)
    with StokerProcess(folder) as server, closing(server.client("lambda")) as client:
        both = "[__import__('m0').who, __import__('m1').who]"
        assert evaluate(client, name, both) == [0, 1]
        content = {"ZipFile": make_zip({"f": "x"})}
        made = client.publish_layer_version(LayerName=layer, Content=content)
        assert made["Version"] == 2

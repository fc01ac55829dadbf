"""What the author of a Node.js function meets, through `stoker serve`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.nodes import FOUND, VERSIONS, needs_node
from tests.running import StokerProcess, make_zip
from tests.user import call, is_found, kill_parked, tail

Create = Callable[..., str]
LOOK = """
import os from "node:os";
let count = 0;
await new Promise((resolve) => setTimeout(resolve, 1));
export const handler = async (event, context) => {
  if (event.crash) { setImmediate(() => { throw new Error("crash"); }); await new Promise((r) => setTimeout(r, 1e8)); }
  if (event.fail) throw new RangeError("far");
  console.log("seen", ++count, context.awsRequestId === event.id);
  return event.big ?? { count, env: process.env, cwd: process.cwd(), argv: process.argv,
                        uid: os.userInfo().uid, version: process.versions.node,
                        date: new Date(0).toString(), paths: module_paths() };
};
import module from "node:module";
const module_paths = () => module.globalPaths.filter((path) => path.startsWith("/opt"));
"""  # noqa: E501


@pytest.mark.parametrize("runtime", VERSIONS)
def test_a_node_is_run_or_its_absence_explained(
    runtime: str, lambda_client: Any, create: Create
) -> None:
    settings = {"Runtime": runtime, "Handler": "index.handler"}
    code = {"index.js": "exports.handler = async () => process.version;"}
    if is_found(runtime):
        answer, _ = call(lambda_client, create(code, **settings))
        assert answer.startswith("v" + runtime[6:8])
        return
    with pytest.raises(Exception, match="Failed"):
        create(code, FunctionName="absent", **settings)
    found = lambda_client.get_function_configuration(FunctionName="absent")
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    assert f"`stoker runtimes install {runtime}`" in found["StateReason"]


@needs_node
@pytest.mark.root
def test_a_node_that_was_started_ahead_is_as_one_that_was_not(
    lambda_client: Any, create: Create
) -> None:
    """The second has a variable that node reads as it starts, and so is started for it."""
    files = {"index.mjs": LOOK}
    settings = {"Runtime": FOUND[0], "Handler": "index.handler", "MemorySize": 1769}
    ahead, response = call(lambda_client, create(files, **settings))
    options = {"Variables": {"NODE_OPTIONS": "--no-deprecation"}}
    anew, _ = call(lambda_client, create(files, Environment=options, **settings))
    assert anew["env"].pop("NODE_OPTIONS") == "--no-deprecation"
    assert ahead["argv"][1:] == ["/var/runtime/bootstrap.cjs"]
    for one in (ahead, anew):
        for changing in ("_X_AMZN_TRACE_ID", "AWS_LAMBDA_FUNCTION_NAME", "_",
                         "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
                         "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                         "AWS_SESSION_TOKEN"):  # fmt: skip
            one["env"].pop(changing, None)
    assert ahead == anew
    assert (ahead["cwd"], ahead["uid"]) == ("/var/task", 993)
    assert "GMT+0000 (Coordinated Universal Time)" in ahead["date"]
    major = FOUND[0][6:8]
    assert ahead["paths"] == [
        f"/opt/nodejs/node{major}/node_modules", "/opt/nodejs/node_modules",
    ]  # fmt: skip
    assert "\tINFO\tseen 1 false\n" in tail(response)


@needs_node
@pytest.mark.root
def test_a_node_that_dies_while_it_waits_is_not_given_to_a_function(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create({"index.mjs": LOOK}, Runtime=FOUND[0], Handler="index.handler", MemorySize=1769)
    kill_parked(server, "bootstrap.cjs")
    assert call(lambda_client, name)[0]["count"] == 1


@needs_node
def test_a_failure_leaves_node_as_it_is_and_a_crash_begins_anew(
    lambda_client: Any, create: Create
) -> None:
    name = create({"index.mjs": LOOK}, Runtime=FOUND[0], Handler="index.handler", MemorySize=1769)
    assert call(lambda_client, name)[0]["count"] == 1
    error, response = call(lambda_client, name, {"fail": True})
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "far")
    assert response["FunctionError"] == "Unhandled"
    assert "\tERROR\tInvoke Error \t{" in tail(response)
    assert call(lambda_client, name)[0]["count"] == 2
    error, response = call(lambda_client, name, {"crash": True})
    if int(FOUND[0][6:8]) < 24:
        assert (error["errorType"], error["errorMessage"]) == ("Error", "crash")
        assert "\tERROR\tUncaught Exception \t{" in tail(response)
    else:
        assert error["errorType"] == "Runtime.ExitError"
    assert call(lambda_client, name)[0]["count"] == 1


@needs_node
def test_six_megabytes_go_through_node(lambda_client: Any, create: Create) -> None:
    name = create({"index.mjs": LOOK}, Runtime=FOUND[0], Handler="index.handler", MemorySize=1769)
    big = "x" * ((6 << 20) - 100)
    assert call(lambda_client, name, {"big": big})[0] == big


@needs_node
def test_a_module_that_is_missing_is_an_init_error(lambda_client: Any, create: Create) -> None:
    name = create({"index.js": "require('absent')"}, Runtime=FOUND[0], Handler="index.handler")
    error, response = call(lambda_client, name)
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert error["errorMessage"] == (
        "Error: Cannot find module 'absent'\nRequire stack:\n- /var/task/index.js\n"
        "- /var/runtime/index.mjs"
    )
    assert "INIT_REPORT" in tail(response)


STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("first ");
  if (event.fail) throw new RangeError("far");
  stream.write("x".repeat(event.size));
  stream.end();
});"""


@needs_node
def test_a_stream_reaches_its_caller_and_says_how_it_ended(
    lambda_client: Any, create: Create
) -> None:
    name = create({"index.js": STREAM}, Runtime=FOUND[0], Handler="index.handler", MemorySize=1769)
    for event, size, error in (
        ({"size": 7 << 20}, 6 + (7 << 20), None),  # more than an answer in one piece may have
        ({"fail": True}, 6, "RangeError"),
        ({"size": 1}, 7, None),
    ):
        answer = lambda_client.invoke_with_response_stream(
            FunctionName=name, Payload=json.dumps(event)
        )
        events = list(answer["EventStream"])
        body = b"".join(e["PayloadChunk"]["Payload"] for e in events if "PayloadChunk" in e)
        assert (body[:6], len(body)) == (b"first ", size)
        assert events[-1]["InvokeComplete"].get("ErrorCode") == error


@needs_node
def test_a_layers_modules_are_found_the_versions_own_first(
    lambda_client: Any, create: Create
) -> None:
    major = FOUND[0][6:8]
    files = {
        "nodejs/node_modules/both/index.js": "module.exports = 'any';",
        "nodejs/node_modules/any/index.js": "module.exports = 'any';",
        f"nodejs/node{major}/node_modules/both/index.js": "module.exports = 'own';",
    }
    layer = lambda_client.publish_layer_version(
        LayerName="modules", Content={"ZipFile": make_zip(files)}
    )
    code = "const found = [require('both'), require('any')]; exports.handler = async () => found;"
    name = create(
        {"index.js": code}, Runtime=FOUND[0], Handler="index.handler",
        Layers=[layer["LayerVersionArn"]],
    )  # fmt: skip
    assert call(lambda_client, name)[0] == ["own", "any"]

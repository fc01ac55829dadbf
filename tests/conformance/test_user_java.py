"""What the author of a Java function meets, through `stoker serve`."""

import base64
import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.java_sources import compiled, javas, lacking
from tests.running import StokerProcess, make_zip

Create = Callable[..., str]
JAVAS = javas()
VERSIONS = ("java11", "java17", "java21", "java25")
needs_java = pytest.mark.skipif(bool(lacking()), reason=lacking() or "there is a Java")
LOOK = """
package look;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class Look implements RequestHandler<Map<String, Object>, Object> {
    private int count;

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        count++;
        String what = String.valueOf(event.get("do"));
        context.getLogger().log("seen " + count + "\\nof " + context.getFunctionName());
        System.out.println("out");
        switch (what) {
            case "fail":
                throw new IllegalStateException("far");
            case "crash":
                System.exit(3);
                return null;
            case "sleep":
                while (true) {
                    Thread.onSpinWait();
                }
            case "fill":
                List<byte[]> all = new ArrayList<>();
                while (true) {
                    all.add(new byte[1 << 20]);
                }
            case "threads":
                return threads();
            default:
                return facts(context);
        }
    }

    private Object facts(Context context) {
        Map<String, Object> facts = new HashMap<>();
        facts.put("count", count);
        facts.put("version", Runtime.version().feature());
        facts.put("environment", new HashMap<>(System.getenv()));
        facts.put("directory", System.getProperty("user.dir"));
        facts.put("home", System.getProperty("java.home"));
        facts.put("heap_mb", Runtime.getRuntime().maxMemory() >> 20);
        facts.put("memory", context.getMemoryLimitInMB());
        facts.put("mine", System.getProperty("mine"));
        facts.put("note", note());
        return facts;
    }

    private static String note() {
        try (InputStream note = Look.class.getResourceAsStream("/note.txt")) {
            return note == null ? null : new String(note.readAllBytes());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int threads() {
        int begun = 0;
        try {
            for (; begun < 5000; begun++) {
                Thread thread = new Thread(null, Look::rest, "t", 1 << 16);
                thread.setDaemon(true);
                thread.start();
            }
        } catch (OutOfMemoryError e) {
            return begun;
        }
        return begun;
    }

    private static synchronized void rest() {
        try {
            Look.class.wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public void copy(InputStream input, OutputStream output) throws IOException {
        input.transferTo(output);
    }

    static {
        if (System.getenv("SLOW") != null) {
            try {
                Thread.sleep(30);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
"""
HANDLER = "look.Look"


@pytest.fixture(scope="session")
def look(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return compiled(tmp_path_factory.mktemp("java"), {"Look.java": LOOK})


def call(functions: Any, name: str, event: Any = None) -> tuple[Any, dict[str, Any]]:
    response = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail")
    return json.loads(response["Payload"].read()), response


def tail(response: dict[str, Any]) -> str:
    return base64.b64decode(response["LogResult"]).decode()


@pytest.mark.parametrize("runtime", VERSIONS)
def test_a_java_is_run_or_its_absence_explained(
    runtime: str, lambda_client: Any, create: Create, request: pytest.FixtureRequest
) -> None:
    version = int(runtime.removeprefix("java"))
    if any(java.runtime == runtime for java in JAVAS) and not lacking():
        name = create(
            request.getfixturevalue("look"), Runtime=runtime, Handler=HANDLER, MemorySize=512
        )
        answer, _ = call(lambda_client, name)
        assert answer["version"] == version
        return
    with pytest.raises(Exception, match="Failed"):
        create({"a": "b"}, FunctionName="absent", Runtime=runtime, Handler=HANDLER)
    found = lambda_client.get_function_configuration(FunctionName="absent")
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    assert f"`stoker runtimes install {runtime}`" in found["StateReason"]


@needs_java
def test_a_java_function_is_used_again_also_after_a_failure(
    lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    runtime = JAVAS[0].runtime
    name = create(
        look, Runtime=runtime, Handler=HANDLER, MemorySize=512,
        Environment={"Variables": {"JAVA_TOOL_OPTIONS": "-Dmine=yes"}},
    )  # fmt: skip
    answer, response = call(lambda_client, name)
    environment = answer.pop("environment")
    assert answer.pop("home") in ("/var/lang", str(JAVAS[0].prefix))
    assert answer.pop("heap_mb") in range(400, 440)  # of 435, less what a collector keeps empty
    assert answer == {
        "count": 1, "version": int(JAVAS[0].version.split(".")[0]), "directory": "/var/task",
        "memory": 512, "mine": "yes",
    }  # fmt: skip
    assert environment["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{runtime}"
    assert "_STOKER_LANGUAGE_ROOT" not in environment
    assert "Picked up JAVA_TOOL_OPTIONS: -Dmine=yes\n" in tail(response)
    assert f"seen 1\nof {name}" in tail(response)
    assert "out\n" in tail(response)
    error, response = call(lambda_client, name, {"do": "fail"})
    assert error == {
        "errorMessage": "far",
        "errorType": "java.lang.IllegalStateException",
        "stackTrace": [
            "look.Look.handleRequest(Look.java:25)", "look.Look.handleRequest(Look.java:14)",
        ],
    }  # fmt: skip
    assert response["FunctionError"] == "Unhandled"
    assert "far: java.lang.IllegalStateException\n" in tail(response)
    assert call(lambda_client, name)[0]["count"] == 3
    error, _ = call(lambda_client, name, {"do": "crash"})
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert call(lambda_client, name)[0]["count"] == 1


@needs_java
@pytest.mark.root
@pytest.mark.parametrize("memory_mb", [128, pytest.param(512, marks=pytest.mark.slow)])
def test_a_full_heap_or_a_full_environment_ends_the_java_and_the_next_event_finds_a_new_one(
    memory_mb: int, lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    """Java's own error, if its heap is full before the environment is; else the environment's."""
    name = create(look, Runtime=JAVAS[0].runtime, Handler=HANDLER, MemorySize=memory_mb, Timeout=60)
    answer, response = call(lambda_client, name, {"do": "fill"})
    assert answer["errorType"] in ("java.lang.OutOfMemoryError", "Runtime.OutOfMemory",
                                   "Runtime.ExitError")  # fmt: skip
    assert response["FunctionError"] == "Unhandled"
    assert call(lambda_client, name)[0]["count"] == 1


@needs_java
@pytest.mark.root
def test_threads_are_bounded_and_the_java_lives_on(
    lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    name = create(look, Runtime=JAVAS[0].runtime, Handler=HANDLER, MemorySize=1769, Timeout=60)
    begun, _ = call(lambda_client, name, {"do": "threads"})
    assert begun < 1024
    assert call(lambda_client, name)[0]["count"] == 2


@needs_java
def test_six_megabytes_go_through_java(
    lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    name = create(look, Runtime=JAVAS[-1].runtime, Handler="look.Look::copy", MemorySize=1769)
    big = "x" * ((6 << 20) - 100)
    assert call(lambda_client, name, big)[0] == big


@needs_java
def test_classes_are_found_in_lib_and_in_layers_the_packages_own_first(
    lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    def jar(note: str) -> bytes:
        return make_zip({**look, "note.txt": note})

    layer = lambda_client.publish_layer_version(
        LayerName="jars", Content={"ZipFile": make_zip({"java/lib/look.jar": jar("layer")})}
    )
    settings = {"Runtime": JAVAS[0].runtime, "Handler": HANDLER, "MemorySize": 1769,
                "Layers": [layer["LayerVersionArn"]]}  # fmt: skip
    name = create({"lib/empty.jar": make_zip({"a": "b"})}, **settings)
    assert call(lambda_client, name)[0]["note"] == "layer"
    name = create({"lib/b.jar": jar("package"), "lib/c.jar": jar("later")}, **settings)
    assert call(lambda_client, name)[0]["note"] == "package"


@needs_java
@pytest.mark.root
def test_a_wrapper_gets_the_whole_command(
    lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    wrapper = '#!/bin/bash\n_JAVA_OPTIONS=-Dmine=wrapped exec "$@"\n'
    name = create(
        {**look, "wrapper": wrapper}, ("wrapper",), Runtime=JAVAS[0].runtime, Handler=HANDLER,
        MemorySize=1769,
        Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}},
    )  # fmt: skip
    assert call(lambda_client, name)[0]["mine"] == "wrapped"


@needs_java
def test_a_class_that_is_missing_is_told_to_each_event(lambda_client: Any, create: Create) -> None:
    name = create({"a": "b"}, Runtime=JAVAS[0].runtime, Handler="look.Absent", MemorySize=1769)
    for _ in range(2):
        assert call(lambda_client, name)[0] == {
            "errorMessage": "Class not found: look.Absent",
            "errorType": "java.lang.ClassNotFoundException",
        }


@needs_java
def test_the_timeline_tells_what_the_functions_own_class_took_to_load(
    server: StokerProcess, lambda_client: Any, create: Create, look: dict[str, bytes]
) -> None:
    name = create(
        look, Runtime=JAVAS[0].runtime, Handler=HANDLER, MemorySize=1769,
        Environment={"Variables": {"SLOW": "yes"}},
    )  # fmt: skip
    assert call(lambda_client, name)[0]["count"] == 1
    with urllib.request.urlopen(f"{server.url}/_stoker/api/environments") as answer:
        told = json.load(answer)["environments"]
    (phases,) = ({span["phase"]: span for span in one["phases"]} for one in told
                 if one["function"] == name)  # fmt: skip
    parts = {part["party"]: part["ms"] for part in phases["Init"]["parts"]}
    assert parts["function"] >= 29  # what its class slept
    assert parts["runtime"] + parts["function"] <= phases["Init"]["ms"] + 0.01

"""SnapStart of Java: a real CRIU out of Debian's packages, and real snapshots by it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stoker.runtimes.found import FoundRuntime
from tests.java_sources import compiled, javas, lacking
from tests.running import StokerProcess, deploy, log_of, wait_for
from tests.snapshots import ON_PUBLISHED, call, publish, restored, settled, snapshots

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.skipif(bool(lacking()), reason=lacking()),
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="there is no apt-get to bring CRIU"),
]

# `mark` is made by init; what else there is tells one environment from another.
MARKED = """
package t;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.*;
import java.util.concurrent.*;

public class Marked implements RequestHandler<String, Object>, Resource {
    static final Marked HOOKS = new Marked();
    static final String MARK = UUID.randomUUID().toString();
    static final List<String> HEARD = new ArrayList<>();
    static final ExecutorService POOL = Executors.newFixedThreadPool(2);
    static final RandomAccessFile KEPT;

    static {
        Core.getGlobalContext().register(HOOKS);
        System.out.println("init of " + MARK);
        try {
            Files.writeString(Path.of("/tmp/made-by-init"), MARK);
            KEPT = new RandomAccessFile("/tmp/made-by-init", "r");
            KEPT.seek(5);
            POOL.submit(Marked.class::getName);
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public void beforeCheckpoint(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {
        HEARD.add("before");
    }

    public void afterRestore(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {
        HEARD.add("after");
        System.out.println("restored");
    }

    public Object handleRequest(String event, Context context) {
        try {
            if ("exit".equals(event)) {
                Runtime.getRuntime().halt(3);
            }
            Map<String, Object> found = new HashMap<>();
            found.put("mark", MARK);
            found.put("heard", HEARD);
            found.put("thread", POOL.submit(() -> Thread.currentThread().getId()).get());
            found.put("position", KEPT.getFilePointer());
            found.put("tmp", Files.readString(Path.of("/tmp/made-by-init")));
            found.put("random", new SecureRandom().nextLong());
            found.put("uuid", UUID.randomUUID().toString());
            found.put("stream", context.getLogStreamName());
            found.put("status", Files.readString(Path.of("/proc/self/status")));
            found.put("mounts", Files.readAllLines(Path.of("/proc/self/mountinfo")).size());
            found.put("type", System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
            Files.writeString(Path.of("/tmp/made-by-init"), "changed");
            return found;
        } catch (Exception e) {
            throw new RuntimeException(e);
        }
    }
}
"""
# What an init may leave behind; the event asks for what there is of it.
LEFT = """
package t;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.*;
import java.net.*;
import java.nio.channels.*;
import java.nio.file.*;

public class Left implements RequestHandler<String, Object> {
    static final Object LOCK = new Object();
    static Object kept;

    static {
        try {
            switch (System.getenv("WHAT")) {
                case "child":
                    kept = new ProcessBuilder("/usr/bin/sleep", "600").start();
                    break;
                case "deleted":
                    RandomAccessFile file = new RandomAccessFile("/tmp/deleted", "rw");
                    file.writeBytes("still here");
                    Files.delete(Path.of("/tmp/deleted"));
                    kept = file;
                    break;
                case "listener":
                    kept = new ServerSocket(8080);
                    break;
                case "threads":
                    for (int i = 0; i < 300; i++) {
                        Thread thread = new Thread(() -> {
                            synchronized (LOCK) {
                                try {
                                    LOCK.wait();
                                } catch (InterruptedException e) {
                                    throw new RuntimeException(e);
                                }
                            }
                        });
                        thread.setDaemon(true);
                        thread.start();
                    }
                    break;
                default:
                    kept = new byte[400 << 20];
                    new java.util.Random(1).nextBytes((byte[]) kept);
            }
        } catch (Exception e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public Object handleRequest(String event, Context context) {
        try {
            switch (System.getenv("WHAT")) {
                case "deleted":
                    RandomAccessFile file = (RandomAccessFile) kept;
                    file.seek(0);
                    return file.readLine();
                case "listener":
                    ServerSocket server = (ServerSocket) kept;
                    try (Socket socket = new Socket("127.0.0.1", 8080)) {
                        server.accept().close();
                        return socket.getInputStream().read();
                    }
                case "threads":
                    return Thread.activeCount() > 300;
                default:
                    return ((byte[]) kept)[1 << 20] != 0;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
"""


# Forks from another thread, all the time, from the last hook on.
FORKING = """
package t;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;

public class Forking implements RequestHandler<String, Object>, Resource {
    static final Forking HOOKS = new Forking();

    static {
        Core.getGlobalContext().register(HOOKS);
    }

    public void beforeCheckpoint(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {
        Thread thread = new Thread(Forking::fork);
        thread.setDaemon(true);
        thread.start();
    }

    static void fork() {
        try {
            Thread.sleep(Integer.parseInt(System.getenv("LATER")));
            while (true) {
                new ProcessBuilder("/usr/bin/sleep", "600").start();
                Thread.sleep(5);
            }
        } catch (InterruptedException | IOException e) {
            return;
        }
    }

    public void afterRestore(com.amazonaws.services.lambda.crac.Context<? extends Resource> c) {}

    public Object handleRequest(String event, Context context) {
        String[] names = new File("/proc").list();
        return Arrays.stream(names).filter(name -> name.matches("[0-9]+")).count();
    }
}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runtimes with CRIU."""
    if given := os.environ.get("STOKER_TESTS_CRIU"):
        return Path(given)
    folder = tmp_path_factory.mktemp("criu") / "runtimes"
    subprocess.run(
        [sys.executable, "-m", "stoker", "runtimes", "install", "criu", "--into", folder],
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return compiled(tmp_path_factory.mktemp("sources"), {"Marked.java": MARKED}, release="11")


@pytest.fixture(scope="module")
def server(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StokerProcess]:
    data = tmp_path_factory.mktemp("java") / "data"
    with StokerProcess(data, "--runtimes-dir", str(place)) as server:
        yield server


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return compiled(tmp_path_factory.mktemp("left"), {"Left.java": LEFT}, release="11")


def deployed(functions: Any, code: dict[str, bytes], **settings: Any) -> str:
    settings.setdefault("Handler", "t.Marked::handleRequest")
    settings.setdefault("MemorySize", 512)
    settings.setdefault("Runtime", javas()[0].runtime)
    return deploy(functions, code, SnapStart=ON_PUBLISHED, **settings)


@pytest.mark.parametrize("java", javas(), ids=lambda java: java.runtime)
def test_a_java_is_initialised_once_and_each_environment_is_a_copy(
    server: StokerProcess, code: dict[str, bytes], java: FoundRuntime
) -> None:
    with closing(server.client("lambda")) as functions, closing(server.client("logs")) as logs:
        name = deployed(functions, code, Runtime=java.runtime)
        number = publish(functions, name)
        one = call(functions, name, number)
        assert call(functions, name, number, "exit")["errorType"] == "Runtime.ExitError"
        two = call(functions, name, number)
        wait_for(lambda: f"{log_of(logs, name).count('restored')} copies", "2 copies")
        log = log_of(logs, name)

    assert one["mark"] == two["mark"]
    assert one["heard"] == two["heard"] == ["before", "after"]
    assert one["tmp"] == two["tmp"] == one["mark"], "each has the /tmp of the snapshot"
    assert one["position"] == two["position"] == 5
    assert one["thread"] == two["thread"], "threads are those of the snapshot"
    assert one["type"] == "snap-start"
    for unlike in ("random", "uuid"):
        assert one[unlike] != two[unlike]
    assert log.count("init of") == 1
    assert "RESTORE_REPORT Restore Duration" in log


def test_a_restored_java_has_no_more_rights_than_any_function(
    server: StokerProcess, code: dict[str, bytes]
) -> None:
    with closing(server.client("lambda")) as functions:
        name = deployed(functions, code)
        cold = call(functions, name, "$LATEST")
        warm = call(functions, name, publish(functions, name))
    rights = ("Cap", "NoNewPrivs", "Seccomp:", "Seccomp_filters", "Uid", "Gid", "Groups")

    def of(status: str) -> list[str]:
        return [line for line in status.splitlines() if line.startswith(rights)]

    assert of(warm["status"]) == of(cold["status"])
    assert "CapBnd:\t0000000000000000" in of(warm["status"])
    assert warm["mounts"] == cold["mounts"]


def test_many_at_once_get_a_copy_each(server: StokerProcess, code: dict[str, bytes]) -> None:
    with closing(server.client("lambda")) as functions:
        name = deployed(functions, code)
        number = publish(functions, name)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: call(functions, name, number), range(4)))
    assert len({one["mark"] for one in found}) == 1
    assert len({one["uuid"] for one in found}) == 4


def test_what_cannot_be_copied_makes_the_version_fail_with_the_reason(
    server: StokerProcess, left: dict[str, bytes]
) -> None:
    with closing(server.client("lambda")) as functions:
        name = deployed(
            functions, left, Handler="t.Left::handleRequest",
            Environment={"Variables": {"WHAT": "child"}},
        )  # fmt: skip
        version = settled(functions, name)
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError")
    assert "2 processes run in it" in version["StateReason"]


@pytest.mark.parametrize("later", ["0", "5", "20", "60"])
def test_nobody_is_forked_beside_a_snapshot(
    server: StokerProcess, tmp_path: Path, later: str
) -> None:
    code = compiled(tmp_path / "forking", {"Forking.java": FORKING})
    with closing(server.client("lambda")) as functions:
        name = deployed(
            functions, code, Handler="t.Forking::handleRequest",
            Environment={"Variables": {"LATER": later}},
        )  # fmt: skip
        version = settled(functions, name)
        if version["State"] == "Failed":
            assert "processes run in it" in version["StateReason"]
        else:
            assert call(functions, name, "1") >= 2
        functions.delete_function(FunctionName=name)


@pytest.mark.parametrize(
    ("what", "found"),
    [("deleted", "still here"), ("listener", -1), ("threads", True), ("memory", True)],
)
def test_what_a_process_with_threads_may_have_is_there_in_its_copy(
    server: StokerProcess, left: dict[str, bytes], what: str, found: Any
) -> None:
    with closing(server.client("lambda")) as functions:
        name = deployed(
            functions, left, Handler="t.Left::handleRequest", MemorySize=1024,
            Environment={"Variables": {"WHAT": what}},
        )  # fmt: skip
        version = settled(functions, name)
        assert version["State"] == "Active", version
        assert call(functions, name, "1") == found
        functions.delete_function(FunctionName=name)


def test_after_kill_9_a_version_is_initialised_again_before_anyone_is_served(
    place: Path, tmp_path: Path, code: dict[str, bytes]
) -> None:
    with StokerProcess(tmp_path / "data", "--runtimes-dir", str(place)) as server:
        with closing(server.client("lambda")) as functions:
            name = deployed(functions, code)
            mark = call(functions, name, publish(functions, name))["mark"]
        server.stop(signal.SIGKILL)
    with (
        StokerProcess(tmp_path / "data", "--runtimes-dir", str(place)) as server,
        closing(server.client("lambda")) as functions,
    ):
        again = restored(functions, name)
        assert again["mark"] != mark
        assert again["heard"] == ["before", "after"]


def test_nothing_of_a_snapshot_is_left_when_its_version_is_deleted(
    server: StokerProcess, code: dict[str, bytes]
) -> None:
    with closing(server.client("lambda")) as functions:
        name = deployed(functions, code)
        number = publish(functions, name)
        call(functions, name, number)
        (snapshot,) = snapshots(server, name)
        functions.delete_function(FunctionName=name, Qualifier=number)
        wait_for(lambda: f"{len(snapshots(server, name))} snapshots", "0 snapshots")
        for pid in snapshot["pids"]:
            wait_for(lambda pid=pid: f"{Path(f'/proc/{pid}').exists()}", "False")  # type: ignore[misc]

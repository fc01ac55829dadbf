"""Fixtures for all tests, and the check that none leaves anything behind."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import leaks
from tests.running import StokerProcess, deploy

CHECKED = {"component", "contract", "conformance", "isolation", "faults"}
# How long an example takes says something about the machine.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")
IS_ROOT = sys.platform == "linux" and os.geteuid() == 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    leaks.adopt_orphans()
    if config.option.basetemp is None:
        # Not in pytest's own place, which each new run closes to all but its user: a server that
        # gave up root reads what is there. And nothing of it stays.
        folder = tempfile.mkdtemp(prefix=leaks.OF_A_RUN)
        config.option.basetemp = Path(folder) / "run"
        # And what our commands put into /tmp is there: two runs at once do not see each other's.
        Path(folder).chmod(0o1777)
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not IS_ROOT:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="needs root on Linux with cgroups"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the shared server logged meanwhile."""
    report = yield
    if report.failed and SHARED.process and "server" in getattr(item, "fixturenames", ()):
        text = SHARED.process.log.read_text()
        report.sections.append(("the server's log", text[-8000:]))
    return report


class SharedServer:
    """The one server of the session: what it owns is not a leak while it lives."""

    process: StokerProcess | None = None

    def look(self) -> leaks.Traces:
        return leaks.look(self.process.pid if self.process else None)


SHARED = SharedServer()
WITH_INSIGHTS = "with-insights"  # a function that has Lambda Insights, if a test makes it


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StokerProcess]:
    """A server that all tests share. Start a StokerProcess of your own to stop or break one."""
    before = leaks.look()
    data = tmp_path_factory.mktemp("server") / "data"
    SHARED.process = StokerProcess(data, "--lambda-insights", WITH_INSIGHTS)
    yield SHARED.process
    status = SHARED.process.stop()
    SHARED.process = None
    assert status == 0
    # Files and threads of this process belong to the test that happened to start the server.
    left = leaks.left_behind(before, leaks.look)
    left = [trace for trace in left if not trace.startswith(("files:", "threads:"))]
    assert not left, "the shared server left behind: " + ", ".join(left)


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test in component/ and beyond: nothing left, or it fails."""
    folder = Path(request.node.path).relative_to(Path(__file__).parent).parts[0]
    if folder not in CHECKED:
        yield
        return
    if "server" in request.fixturenames:
        request.getfixturevalue("server")  # before the first look
    before = SHARED.look()
    yield
    left = leaks.left_behind(before, SHARED.look)
    if left:
        pytest.fail("this test left behind: " + ", ".join(left), pytrace=False)


@pytest.fixture
def lambda_client(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("lambda")) as client:
        yield client


@pytest.fixture
def logs_client(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("logs")) as client:
        yield client


@pytest.fixture
def create(lambda_client: Any) -> Iterator[Callable[..., str]]:
    """Create a function that is Active; it is deleted after the test. The answer is its name.

    create("def handler(event, context): ...")
    create({"bootstrap": "#!/bin/sh ..."}, ("bootstrap",), Runtime="provided.al2023")
    """
    made: list[str] = []

    def create(*code: Any, **settings: Any) -> str:
        settings.setdefault("FunctionName", f"f-{uuid.uuid4().hex[:12]}")
        made.append(settings["FunctionName"])  # also when it ends as Failed
        return deploy(lambda_client, *code, **settings)

    yield create
    for name in made:
        # The test may have deleted it itself.
        with suppress(lambda_client.exceptions.ResourceNotFoundException):
            lambda_client.delete_function(FunctionName=name)

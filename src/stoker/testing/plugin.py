"""The pytest plugin: `stoker_server` for the run, `stoker_aws` for a test.

It is loaded into every run of pytest beside which Stoker is installed, so nothing but pytest is
imported before a test asks for a fixture. docs/guide/testing.md is its guide.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stoker.testing.aws import Aws
    from stoker.testing.server import Server

_logged = pytest.StashKey[int]()  # how long the server's log was before the test


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stoker", "AWS Lambda on this machine")
    group.addoption(
        "--stoker-options",
        default="",
        metavar="OPTIONS",
        help="more options of `stoker serve`, as in '--sandbox process'",
    )
    parser.addini("stoker_options", "options of `stoker serve`", type="args", default=[])
    parser.addini("stoker_region", "AWS's region of `stoker_aws`", default="us-east-1")


@pytest.fixture(scope="session")
def stoker_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A server for the run, on a free port and an empty data folder: url, log."""
    from stoker.testing.server import CannotStart, Server

    given = shlex.split(pytestconfig.getoption("stoker_options"))
    try:
        server = Server([*pytestconfig.getini("stoker_options"), *given])
    except CannotStart as refusal:
        pytest.fail(str(refusal), pytrace=False)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stoker_aws(
    request: pytest.FixtureRequest,
    stoker_server: Server,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Aws]:
    """An AWS account of the test's own: client("lambda"), account, region, url.

    AWS_ENDPOINT_URL and the like lead the code under test to it, too."""
    from stoker.testing.aws import Aws

    request.node.stash[_logged] = stoker_server.log.stat().st_size
    aws = Aws(stoker_server, pytestconfig.getini("stoker_region"))
    aws.lead_there(monkeypatch)
    try:
        yield aws
        aws.tidy()
    finally:
        aws.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the test's functions and the server have logged."""
    report = yield
    fixtures = getattr(item, "funcargs", {})
    server: Server | None = fixtures.get("stoker_server")
    if report.failed and server:
        aws: Aws | None = fixtures.get("stoker_aws")
        for group, text in aws.logs() if aws and report.when == "call" else ():
            report.sections.append((f"Stoker: {group}", text))
        text = server.logged(item.stash.get(_logged, 0))
        report.sections.append(("Stoker: the server", text))
    return report

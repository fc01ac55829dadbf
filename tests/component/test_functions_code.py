"""Deployment packages: what is refused, and the link that leads back to what was kept."""

import asyncio
import hashlib
import io
import re
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from stoker.api import code
from stoker.api.shapes import lambda_ as shapes
from stoker.core.errors import (
    InvalidParameterValueException,
    RequestEntityTooLargeException,
    ServiceError,
)
from stoker.http.base import Headers
from tests.component.one_account import (
    Account,
    refused,
    tell,
    zipped,
)
from tests.component.test_blobs import nothing


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ({}, InvalidParameterValueException, "Please provide a source for function code."),
        ({"zip_file": b""}, InvalidParameterValueException, "must be a non-empty zip"),
        ({"zip_file": b"no zip"}, InvalidParameterValueException, "Could not unzip uploaded file."),
        ({"zip_file": b"\0" * (50 * 1024 * 1024 + 1)}, RequestEntityTooLargeException, "69905067"),
    ],
)
def test_bad_packages_are_refused_in_awss_words(
    tmp_path: Path, source: dict[str, bytes], kind: type[ServiceError], message: str
) -> None:
    async def story(my: Account) -> None:
        assert message in await refused(kind, my.create(code=shapes.FunctionCode(**source)))
        await my.active("g")
        assert message in await refused(kind, my.update_code("g", **source)) or not source

    tell(tmp_path, story)


class Answer:
    """The one exchange of a download, as the HTTP server would carry it."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.finished = False

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self.start(status, headers)
        self.write(body)
        self.finish()

    def start(self, status: int, headers: Headers) -> None:
        assert not self.status
        self.status, self.headers = status, headers

    def write(self, data: bytes) -> None:
        self.body += data

    async def drained(self) -> None:
        await asyncio.sleep(0)

    def finish(self) -> None:
        self.finished = True


async def follow(my: Account, link: str) -> Answer:
    answer = Answer(link.removeprefix("http://127.0.0.1:4566"))
    await code.download(my.control, cast(Any, answer))
    assert answer.finished
    return answer


def test_the_code_can_be_downloaded_by_its_link(tmp_path: Path) -> None:
    package = zipped(b"x" * 600_000)

    async def story(my: Account) -> None:
        await my.create(code=shapes.FunctionCode(zip_file=package))
        where = (await my.get()).code
        assert where.repository_type == "S3"
        answer = await follow(my, where.location)
        assert (answer.status, answer.body) == (200, package)
        assert ("Content-Type", "application/zip") in answer.headers

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        (lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"), 403, b"SignatureDoesNot"),
        (lambda link: re.sub(r"code/[0-9a-f]", "code/0", link, count=1), 403, b"SignatureDoesNot"),
        (lambda link: link.partition("?")[0], 403, b"Access Denied"),
        (lambda link: link.replace("Expires=", "Expires=9"), 403, b"SignatureDoesNotMatch"),
        (lambda link: link.replace("Expires=", "Expires=x"), 403, b"Access Denied"),
        (lambda link: link.replace("/code/", "/code/../"), 403, b"Access Denied"),
        (lambda link: link.replace("Signature=", "Signature=%C3%A9"), 403, b"SignatureDoesNot"),
    ],
)
def test_a_link_that_was_not_given_leads_nowhere(
    tmp_path: Path, change: Callable[[str], str], status: int, said: bytes
) -> None:
    async def story(my: Account) -> None:
        # A digest that does not begin with 0, so that the second change is one.
        content = next(
            z for z in map(zipped, (b"%d" % n for n in range(99)))
            if not hashlib.sha256(z).hexdigest().startswith("0")
        )  # fmt: skip
        await my.create(code=shapes.FunctionCode(zip_file=content))
        link = (await my.get()).code.location
        answer = await follow(my, change(link))
        assert answer.status == status
        assert said in answer.body

    tell(tmp_path, story)


def test_a_link_is_good_for_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(my: Account) -> None:
        await my.create()
        link = (await my.get()).code.location
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 590)
        assert (await follow(my, link)).status == 200
        monkeypatch.setattr(time, "time", lambda: now + 602)
        answer = await follow(my, link)
        assert (answer.status, b"expired" in answer.body) == (403, True)

    tell(tmp_path, story)


def test_a_hostile_package_is_refused_at_the_door(tmp_path: Path) -> None:
    def hostile(name: str, mode: int) -> bytes:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, b"/etc/passwd")
        return data.getvalue()

    async def story(my: Account) -> None:
        for name, mode in (("../x", 0), ("/x", 0), ("x", stat.S_IFLNK), ("x", stat.S_IFIFO)):
            source = shapes.FunctionCode(zip_file=hostile(name, mode))
            await refused(InvalidParameterValueException, my.create(code=source))
        assert await my.control.blobs.collect(nothing) == 0  # nothing was kept

    tell(tmp_path, story)

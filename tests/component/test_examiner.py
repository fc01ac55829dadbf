"""The doctor as the launcher asks it: answers of any length, and no wait without an end."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from stoker.sandbox.base import SandboxFailed
from stoker.sandbox.namespaces import backend
from stoker.sandbox.namespaces.backend import NamespacesBackend
from tests.component.test_namespaces_backend import play, until

pytestmark = pytest.mark.root


@pytest.mark.parametrize("size", [0, 200_000])
def test_what_the_doctor_says_arrives_whole_for_everyone_who_asked(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"print('x' * {size}, end='')"
    monkeypatch.setattr(backend, "COMMAND", (sys.executable, "-c", script))

    async def story(asked: NamespacesBackend, _: Path) -> None:
        said = await asyncio.gather(asked.examine(), asked.examine())
        assert said == [b"x" * size] * 2

    play(tmp_path, story)


def test_more_than_anyone_would_read_of_a_doctor_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"print('x' * {backend.MOST_SAID + 1}, end='')"
    monkeypatch.setattr(backend, "COMMAND", (sys.executable, "-c", script))

    async def story(asked: NamespacesBackend, _: Path) -> None:
        with pytest.raises(SandboxFailed, match="says too much"):
            await asked.examine()

    play(tmp_path, story)


def test_a_doctor_that_hangs_is_ended_with_its_children_and_asked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    better, sleepers = tmp_path / "better", f"sleep {2**31 - os.getpid()}"
    script = f"[ ! -e {better} ] || exec printf well; {sleepers} & {sleepers}"
    monkeypatch.setattr(backend, "COMMAND", ("/bin/sh", "-c", script))
    monkeypatch.setattr(backend, "LIMIT_S", 0.5)

    async def story(asked: NamespacesBackend, _: Path) -> None:
        with pytest.raises(SandboxFailed, match="the doctor took longer than"):
            await asked.examine()
        await until(lambda: not running(sleepers))
        better.touch()
        said = b""
        while not said:  # half a second may be little
            with contextlib.suppress(SandboxFailed):
                said = await asked.examine()
        assert said == b"well"

    play(tmp_path, story)


def running(command: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # gone meanwhile
            if path.read_bytes().replace(b"\0", b" ").strip() == command.encode():
                found.append(path.parent.name)
    return found

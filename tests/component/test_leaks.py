"""The leak check sees what it is there to see."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests import leaks


def test_a_child_and_its_orphan_are_seen_until_they_are_gone() -> None:
    before = leaks.look()
    # The shell dies and leaves its child to whoever adopts orphans: us.
    shell = subprocess.run(
        ["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"],
        capture_output=True,
        text=True,
        check=True,
    )
    orphan = int(shell.stdout)
    assert leaks.look().beyond(before) == [f"processes: sleep ({orphan})"]
    os.kill(orphan, 9)
    assert leaks.left_behind(before, leaks.look) == []


def test_the_tree_of_a_shared_server_is_not_counted() -> None:
    before = leaks.look()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        seen = leaks.look().processes - before.processes
        assert [name.endswith(f"({child.pid})") for name in seen] == [True]
        assert leaks.look(without=child.pid).processes == before.processes


def test_an_open_file_a_thread_and_a_folder_are_seen() -> None:
    before = leaks.look()
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="left alone")
    folder = Path(tempfile.gettempdir(), f"stoker-test-{os.getpid()}")
    with socket.socket():
        thread.start()
        folder.mkdir()
        try:
            kinds = [trace.partition(":")[0] for trace in leaks.look().beyond(before)]
            assert kinds == ["threads", "files", "folders"]
        finally:
            folder.rmdir()
            done.set()
            thread.join()
    assert leaks.look().beyond(before) == []


@pytest.mark.root
def test_a_cgroup_is_seen() -> None:
    before = leaks.look()
    root = Path("/sys/fs/cgroup")
    parent = root / "unified" if (root / "unified").is_dir() else root
    group = parent / f"stoker-test-{os.getpid()}"
    group.mkdir()
    try:
        assert leaks.look().beyond(before) == [f"cgroups: {group}"]
    finally:
        group.rmdir()


@pytest.mark.root
def test_a_firewall_table_is_seen_until_it_is_gone() -> None:
    before = leaks.look()
    table = f"stoker_test_{os.getpid()}"
    subprocess.run(["nft", "add", "table", "inet", table], check=True, env=leaks.SYSTEM_PATH)
    try:
        assert leaks.look().beyond(before) == [f"network: table inet {table}"]
    finally:
        subprocess.run(["nft", "delete", "table", "inet", table], check=True, env=leaks.SYSTEM_PATH)
    assert leaks.look().beyond(before) == []

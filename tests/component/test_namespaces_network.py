"""The firewall's rules, and forwarding, when several servers come and go on one machine.

Each test has a network of its own, in a child process: interfaces, rules and the forwarding
switch are that network's.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

BEGIN = """
import os, subprocess
from pathlib import Path
from stoker.sandbox.namespaces import syscalls
from stoker.sandbox.namespaces.network import Block, Networks
syscalls.unshare(syscalls.CLONE_NEWNET)
switch = Path("/proc/sys/net/ipv4/ip_forward")
def forwarding(): return switch.read_text().strip()
def tables(): return subprocess.check_output(["nft", "list", "tables"], text=True).splitlines()
def server():
    networks = Networks(Block.take(), 4566, "host")
    networks.start()
    assert networks.problem == "", networks.problem
    return networks
def dies(networks):
    "As by kill -9: the kernel closes what it had, and nobody tidies up."
    networks.block.lock.close()
"""


def run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_last_server_to_go_restores_forwarding_whichever_it_is() -> None:
    run("""
switch.write_text("0")
first, second = server(), server()
assert forwarding() == "1"
first.close()
assert forwarding() == "1", "the second one's functions still need it"
assert tables() == ["table inet stoker_1"]
second.close()
assert (forwarding(), tables()) == ("0", [])
""")


def test_forwarding_that_was_on_stays_on() -> None:
    run("""
switch.write_text("1")
server().close()
assert (forwarding(), tables()) == ("1", [])
""")


def test_what_a_dead_server_left_goes_with_the_next_one() -> None:
    run("""
switch.write_text("0")
first, second = server(), server()
first.close()
dies(second)
assert tables() == ["table inet stoker_1"]
third = server()
assert third.block.number == 0
assert tables() == ["table inet stoker_0"]
third.close()
assert (forwarding(), tables()) == ("0", []), "it was off before any server came"
""")


def test_a_living_servers_rules_stay_when_another_one_starts() -> None:
    run("""
first = server()
dies(server())
third = server()
assert tables() == ["table inet stoker_0", "table inet stoker_1"]
""")


def test_a_server_waits_for_its_own_interfaces_and_not_for_a_dead_ones() -> None:
    run("""
import time
dead = server()
frozen = dead.create(7)  # somebody in there does not end
dies(dead)
networks = server()
assert (networks.block.number, networks.remaining()) == (0, [])
net = networks.create(3)
assert networks.remaining() == ["sk00x3"]
net.close()
end = time.monotonic() + 30
while networks.remaining():
    assert time.monotonic() < end
    time.sleep(0.01)
networks.close()
""")


def test_rules_that_are_refused_are_a_stated_problem(tmp_path: Path) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\necho 'no such kernel module' >&2; exit 1\n")
    (tmp_path / "nft").chmod(0o755)
    run(f"""
os.environ["PATH"] = "{tmp_path}:" + os.environ["PATH"]
networks = Networks(Block.take(), 4566, "host")
networks.start()
assert "no such kernel module" in networks.problem
assert not networks.egress
networks.close()
""")

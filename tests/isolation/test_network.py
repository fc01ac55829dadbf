"""A function looks for somebody to talk to; somebody outside looks for it."""

import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoker.sandbox.namespaces.network import FLOWS
from tests.isolation.conftest import Attack
from tests.isolation.outside import Outside
from tests.running import StokerProcess

pytestmark = pytest.mark.root
METADATA = ("169.254.169.254", "169.254.170.2", "169.254.79.129")
CONNECTIONS = Path("/proc/sys/net/netfilter/nf_conntrack_count")
DNAT = """
table inet {name} {{
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local tcp dport {published} dnat ip to {address}:{port}
  }}
}}
"""


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as machine:
        yield machine


def host_addresses() -> list[str]:
    """What the host answers to, but for its ends of the wires to sandboxes."""
    routes = Path("/proc/net/fib_trie").read_text()
    fours = re.findall(r"-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL", routes)
    addresses = [line.split()[0] for line in Path("/proc/net/if_inet6").read_text().splitlines()]
    sixes = [":".join(re.findall("....", address)) for address in addresses]
    return [
        *sorted({four for four in fours if not four.startswith(("127.", "198.1"))}),
        *sorted({f"{six}%eth0" for six in sixes if six.startswith("fe80")})[:4],
        *(six for six in sixes if six.startswith(("2", "fd"))),
    ]


def test_egress_reaches_the_world(attack: Attack, outside: Outside) -> None:
    """What the refusals below are to be compared with."""
    assert attack("network.converse", host=outside.address, port=outside.port).value == "hello"


def test_no_address_of_the_host_answers(attack: Attack, server: StokerProcess) -> None:
    gateway = attack("network.addresses").value["gateway"]
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,
        socket.create_server(("::", 0), family=socket.AF_INET6) as listener6,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("0.0.0.0", 0))
        ports = [server.port, listener.getsockname()[1], listener6.getsockname()[1]]
        hosts = [gateway, *host_addresses()]
        assert len(hosts) > 1
        targets = [(host, port) for host in hosts for port in ports]
        outcomes = attack("network.connect", targets=targets).value
        assert "connected" not in outcomes.values(), outcomes
        attack("network.send", targets=[(host, udp.getsockname()[1]) for host in hosts])
        for sock in (listener, listener6, udp):
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recvfrom(1) if sock is udp else sock.accept()


def test_what_the_host_publishes_by_nat_is_the_hosts_too(attack: Attack, outside: Outside) -> None:
    """As Docker publishes a container's port: the packet never comes to INPUT."""
    gateway = attack("network.addresses").value["gateway"]
    published = 40000 + os.getpid() % 20000
    name = f"published_{published}"
    rules = DNAT.format(name=name, published=published, address=outside.address, port=outside.port)
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    try:
        targets = [(host, published) for host in (gateway, *host_addresses()) if ":" not in host]
        outcomes = attack("network.connect", targets=targets).value
    finally:
        subprocess.run(["nft", "delete", "table", "inet", name], check=True)
    assert set(outcomes.values()) == {"no answer"}


def test_no_other_environment_and_no_metadata_answers(attack: Attack) -> None:
    victim = attack("spy.hide", by="victim", secret="x").value
    mine = attack("network.addresses").value["mine"]
    assert victim != mine
    targets = [(victim, 7777), (victim, 9001), *((host, 80) for host in METADATA)]
    assert set(attack("network.connect", targets=targets).value.values()) == {"no answer"}
    at_home = attack("network.connect", by="victim", targets=[(victim, 7777)]).value
    assert at_home == {f"{victim} 7777": "connected"}  # it did listen


def test_the_loopback_is_its_own(attack: Attack, server: StokerProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)):  # on the host's
        assert attack("network.open_ports").value == sorted([9001, server.port])


def test_nobody_outside_can_connect_in(attack: Attack, outside: Outside) -> None:
    victim = attack("spy.hide", by="victim", secret="x").value
    assert victim.startswith("198.18.")
    assert outside.connect(victim, 7777) == "TimeoutError"
    with contextlib.suppress(TimeoutError), socket.create_connection((victim, 7777), 0.7):
        pytest.fail("the host's own programs can connect in")


@pytest.mark.parametrize("port", ["the Runtime API's", "the endpoint's"])
def test_the_servers_listeners_cannot_be_taken_over(
    port: str, attack: Attack, server: StokerProcess
) -> None:
    number = 9001 if "Runtime" in port else server.port
    assert attack("network.take_over", port=number).value == ["EADDRINUSE"]


def test_one_function_cannot_use_up_the_machines_connections(
    attack: Attack, outside: Outside
) -> None:
    before = int(CONNECTIONS.read_text())
    assert attack("network.flood", host=outside.address, count=20_000).value > 10_000
    assert int(CONNECTIONS.read_text()) - before < FLOWS + 2000  # others use some as well

"""Network namespaces of sandboxes. Used by the launcher, as root.

Each has its own loopback with two listening sockets that were made inside and are accepted by the
server outside: the Runtime API on 127.0.0.1:9001 and the server's own endpoint. So a function
needs no network at all to talk to us. With egress `host` a veth pair leads out through NAT, past
rules that let nothing in, nothing to the host itself, and nothing from sandbox to sandbox.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.netlink import Netlink

RUNTIME_API = ("127.0.0.1", 9001)
XRAY = ("169.254.100.1", 2000)  # AWS's, UDP; on the namespace's own loopback
BLOCKS, BLOCK_SIZE = 32, 1024  # instances on one machine; sandboxes of each
FIRST_UID = 358_400  # outside, of sandboxes: in a range no distribution hands out
_IFF_UP_RUNNING = 0x41
_SIOCSIFFLAGS = 0x8914
_FORWARD = "/proc/sys/net/ipv4/ip_forward"
_BACKLOG = 128
_NOTE = "forwarding_was_off"  # the name of an empty chain
FLOWS = 1024  # connections out of one sandbox that the machine tracks at a time; as open files


class Net(NamedTuple):
    """One prepared namespace. The descriptors belong to whoever holds the Net."""

    namespace: int
    runtime_api: socket.socket
    endpoint: socket.socket | None
    xray: socket.socket
    veth: str  # host side's name; "" without egress

    def close(self) -> None:
        os.close(self.namespace)
        self.runtime_api.close()
        if self.endpoint:
            self.endpoint.close()
        self.xray.close()


class Block(NamedTuple):
    """This instance's share of interface names, addresses (198.18.0.0/15) and host uids."""

    number: int
    lock: socket.socket  # an abstract name: free again the moment we die

    @classmethod
    def take(cls) -> "Block":
        for number in range(BLOCKS):
            if (block := cls.claim(number)) is not None:
                return block
        raise OSError(f"cannot start: {BLOCKS} Stoker servers already run on this machine")

    @classmethod
    def claim(cls, number: int) -> "Block | None":
        """This block, unless a living server has it."""
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lock.bind(f"\0stoker-block-{number}")
        except OSError:
            lock.close()
            return None
        return cls(number, lock)

    def prefix(self) -> str:
        return f"sk{self.number:02x}"

    def addresses(self, slot: int) -> tuple[str, str]:
        """(host side, sandbox side) of the /30 of a slot."""
        base = (198 << 24 | 18 << 16) + (self.number * BLOCK_SIZE + slot) * 4
        host, inside = struct.pack(">I", base + 1), struct.pack(">I", base + 2)
        return socket.inet_ntoa(host), socket.inet_ntoa(inside)

    def uid(self, slot: int) -> int:
        """The uid outside of a slot's processes (without root: in our user namespace)."""
        return FIRST_UID + self.number * BLOCK_SIZE + slot


def ruleset(prefix: str, table: str, forwarding_was_off: bool, closed: Sequence[str] = ()) -> str:
    """nftables rules for the interfaces named `prefix`*. closed: addresses that nobody may reach,
    beside those of this network namespace. Pure.

    The host's own addresses are closed before anybody's DNAT (a published port of a container,
    say) can make them something else. What one sandbox has under way is counted, since the
    machine has one table of connections for everybody.
    """
    others = note = ours = ""
    if closed:
        ours = f'iifname "{prefix}*" ip daddr {{ {", ".join(closed)} }} drop'
    if forwarding_was_off:
        others, note = 'iifname != "sk*" oifname != "sk*" drop', f"chain {_NOTE} {{ }}"
    return f"""
table inet {table} {{
  {note}
  set senders {{
    type ipv4_addr
    size {BLOCK_SIZE}
    flags dynamic
  }}
  chain prerouting {{
    type filter hook prerouting priority -150; policy accept;
    iifname "{prefix}*" fib daddr type local drop
  }}
  chain input {{
    type filter hook input priority -10; policy accept;
    iifname "{prefix}*" drop
  }}
  chain forward {{
    type filter hook forward priority -10; policy accept;
    oifname "{prefix}*" ct state established,related accept
    oifname "{prefix}*" drop
    iifname "{prefix}*" ip daddr {{ 169.254.0.0/16, 127.0.0.0/8, 198.18.0.0/15 }} drop
    {ours}
    iifname "{prefix}*" ct state new add @senders {{ ip saddr ct count over {FLOWS} }} drop
    {others}
  }}
  chain postrouting {{
    type nat hook postrouting priority 100; policy accept;
    ip saddr 198.18.0.0/15 oifname != "sk*" masquerade
  }}
}}
"""


class Networks:
    def __init__(
        self, block: Block, endpoint_port: int, egress: str, closed: Sequence[str] = ()
    ) -> None:
        """egress: "host" or "none". endpoint_port: 0 for no second listener. closed: ruleset()."""
        self.block = block
        self.endpoint_port = endpoint_port
        self.egress = egress == "host"
        self._closed = closed
        self.problem = ""  # why egress was asked for and is not there
        self._own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._links = Netlink()
        self._table = _table(block.number)
        self._strangers: set[str] = set()  # interfaces that bear our names and are not ours

    def start(self) -> None:
        if not self.egress:
            return
        nft = shutil.which("nft")
        if nft is None:
            self.egress, self.problem = False, "nft is missing: apt-get install nftables"
            return
        self._strangers = set(self.remaining())
        off = self._clear_dead(nft)
        with open(_FORWARD) as file:
            off = off or file.read().strip() == "0"
        rules = ruleset(self.block.prefix(), self._table, off, self._closed)
        done = subprocess.run([nft, "-f", "-"], input=rules, text=True, capture_output=True)
        if done.returncode:
            self.egress, self.problem = False, f"nft refused the rules: {done.stderr.strip()}"
        elif off:
            self._forward("1")

    def create(self, slot: int, pid: int = 0) -> Net:
        """A namespace with its listeners; the caller is back in its own afterwards. pid: of a
        process whose namespace it is already; else it is a new one.

        Closing the Net and ending its processes removes everything, the pair included, in the
        kernel's own time (deleting a pair by hand waits 30 ms). FileExistsError: the slot's last
        pair is still on its way out; take another slot.
        """
        namespace = -1
        try:
            if not pid:
                sys_.unshare(sys_.CLONE_NEWNET)
            path = f"/proc/{pid or 'self'}/ns/net"
            namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            sys_.setns(namespace, sys_.CLONE_NEWNET)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                flags = struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING)
                fcntl.ioctl(control, _SIOCSIFFLAGS, flags)
            runtime_api = _listen(*RUNTIME_API)
            endpoint = _listen("127.0.0.1", self.endpoint_port) if self.endpoint_port else None
            xray = self._xray()
            veth = self._connect(namespace, slot) if self.egress else ""
        except OSError:
            if namespace >= 0:
                os.close(namespace)
            raise
        finally:
            sys_.setns(self._own, sys_.CLONE_NEWNET)
        return Net(namespace, runtime_api, endpoint, xray, veth)

    def _xray(self) -> socket.socket:
        links = Netlink()  # in the new namespace: the caller is in it
        try:
            links.add_address("lo", XRAY[0], 32)
        finally:
            links.close()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.bind(XRAY)
        return sock

    def connector(self, pid: int) -> socket.socket:
        """An unconnected socket of the network that this process is in."""
        namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            sys_.setns(namespace, sys_.CLONE_NEWNET)
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        finally:
            sys_.setns(self._own, sys_.CLONE_NEWNET)
            os.close(namespace)

    def _connect(self, namespace: int, slot: int) -> str:
        name = f"{self.block.prefix()}x{slot}"
        host, inside = self.block.addresses(slot)
        self._links.add_veth(name, "eth0", namespace)
        links = Netlink()  # in the new namespace: the caller is in it
        try:
            links.add_address("eth0", inside, 30)
            links.up("eth0")
            links.add_default_route(host)
        finally:
            links.close()
        sys_.setns(self._own, sys_.CLONE_NEWNET)
        self._links.add_address(name, host, 30)
        return name

    def remove_remaining(self) -> None:
        """Delete what the kernel has not: a connection that still retransmits what a dead
        process wrote keeps its namespace, and so the pair, for minutes."""
        for name in self.remaining():
            with contextlib.suppress(OSError):
                self._links.delete(name)

    def remaining(self) -> list[str]:
        """Interfaces of ours that are still there."""
        prefix = self.block.prefix() + "x"
        found = {name for _, name in socket.if_nameindex() if name.startswith(prefix)}
        return sorted(found - self._strangers)

    def close(self) -> None:
        if self.egress and (nft := shutil.which("nft")) is not None:
            found = _tables(nft)
            _delete(nft, self._table)
            if found.pop(self._table, False) and not found:
                self._forward("0")
        self._links.close()
        os.close(self._own)
        self.block.lock.close()

    def _clear_dead(self, nft: str) -> bool:
        """Remove our own block's rules, and those of servers that died before they could. Was
        forwarding off before any server came?"""
        found = _tables(nft)
        for number in range(BLOCKS):
            if (table := _table(number)) not in found:
                continue
            if number == self.block.number:
                _delete(nft, table)
            elif (dead := Block.claim(number)) is not None:
                _delete(nft, table)
                dead.lock.close()
        return any(found.values())

    def _forward(self, value: str) -> None:
        with open(_FORWARD, "w") as file:
            file.write(value)


def _table(number: int) -> str:
    return f"stoker_{number}"


def _tables(nft: str) -> dict[str, bool]:
    """The tables of all servers on this machine, and whether each switched forwarding on: the
    last one to go switches it off again, whichever that is and however the others ended."""
    listing = subprocess.run([nft, "list", "chains", "inet"], text=True, capture_output=True)
    found: dict[str, bool] = {}
    table = ""
    for line in listing.stdout.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            table = words[2]
        if table.startswith("stoker_"):
            found[table] = found.get(table, False) or words[:2] == ["chain", _NOTE]
    return found


def _delete(nft: str, table: str) -> None:
    subprocess.run([nft, "delete", "table", "inet", table], capture_output=True)


def _listen(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(_BACKLOG)
    return sock

"""The few rtnetlink messages that give a sandbox its virtual ethernet pair. Launcher only."""

import os
import socket
import struct
from collections.abc import Iterator

_NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE = 16, 17, 20, 24
_REQUEST, _ACK, _EXCL, _CREATE = 1, 4, 0x200, 0x400
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 3, 18, 28
_IFLA_INFO_KIND, _IFLA_INFO_DATA, _VETH_INFO_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_GATEWAY = 5
_NESTED = 0x8000
_IFF_UP = 1
_NLMSG_ERROR = 2


class Netlink:
    """A routing socket in the network namespace in which it was opened."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._sequence = 0

    def close(self) -> None:
        self._sock.close()

    def add_veth(self, name: str, peer: str, peer_namespace: int) -> None:
        """A pair: `name` here and up, `peer` in the namespace behind that descriptor."""
        inside = (
            _ifinfo(0, 0)
            + _attribute(_IFLA_IFNAME, peer.encode() + b"\0")
            + _attribute(_IFLA_NET_NS_FD, struct.pack("=I", peer_namespace))
        )
        data = _attribute(_VETH_INFO_PEER | _NESTED, inside)
        info = _attribute(_IFLA_INFO_KIND, b"veth\0") + _attribute(_IFLA_INFO_DATA | _NESTED, data)
        body = (
            _ifinfo(0, _IFF_UP)
            + _attribute(_IFLA_IFNAME, name.encode() + b"\0")
            + _attribute(_IFLA_LINKINFO | _NESTED, info)
        )
        self._call(_NEWLINK, _CREATE | _EXCL, body)

    def delete(self, name: str) -> None:
        """Remove an interface, and the other end of its pair; waits some 30 ms."""
        self._call(_DELLINK, 0, _ifinfo(socket.if_nametoindex(name), 0))

    def up(self, name: str) -> None:
        self._call(_NEWLINK, 0, _ifinfo(socket.if_nametoindex(name), _IFF_UP))

    def add_address(self, name: str, address: str, prefix: int) -> None:
        raw = socket.inet_aton(address)
        head = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, socket.if_nametoindex(name))
        self._call(
            _NEWADDR,
            _CREATE | _EXCL,
            head + _attribute(_IFA_LOCAL, raw) + _attribute(_IFA_ADDRESS, raw),
        )

    def add_default_route(self, gateway: str) -> None:
        # family, dst len, src len, tos, table main, protocol static, scope universe, unicast
        head = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0)
        route = _attribute(_RTA_GATEWAY, socket.inet_aton(gateway))
        self._call(_NEWROUTE, _CREATE | _EXCL, head + route)

    def _call(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = 16 + len(body)
        head = struct.pack("=IHHII", length, kind, flags | _REQUEST | _ACK, self._sequence, 0)
        self._sock.send(head + body)
        for kind, payload in _messages(self._sock.recv(65536)):
            if kind == _NLMSG_ERROR:
                number = -struct.unpack_from("=i", payload)[0]
                if number:
                    raise OSError(number, f"cannot change the network: {os.strerror(number)}")


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def _ifinfo(index: int, flags: int) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)

"""A live page that is open, as far as the server sees it: python -m bench.live_page PORT PATH."""

import socket
import sys

RECV_BYTES = 1 << 16


def opened(port: int, path: str) -> socket.socket:
    """A connection over which events come."""
    sock = socket.create_connection(("127.0.0.1", port), 60)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
    sock.sendall(head.encode())
    return sock


def main() -> None:
    with opened(int(sys.argv[1]), sys.argv[2]) as sock:
        if not sock.recv(RECV_BYTES).startswith(b"HTTP/1.1 200"):
            raise SystemExit("there is no such page")
        print("open", flush=True)
        while sock.recv(RECV_BYTES):
            pass


if __name__ == "__main__":
    main()

"""Bytes up to the blank line -> what was asked, and how its body is delimited. Pure.

The head is parsed by httptools in one piece (joining fragments is quadratic there). Bodies are
not shown to it: `framing.py` cuts them, so that every byte of a connection has one owner and
pipelined requests can wait unparsed.

Clients that keep a connection send the same head again and again, or one that differs only in
its request line and in its Content-Length; neither is parsed twice.
"""

from typing import Final

import httptools

HEAD_END: Final = b"\r\n\r\n"
CR: Final = 13


class BadRequest(Exception):
    """A head that cannot be served; the connection ends with this answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head:
    """One request line with its headers."""

    __slots__ = (
        "content_length",
        "expects_continue",
        "has_chunks",
        "headers",
        "http_1_0",
        "keep_alive",
        "method",
        "plain",
        "target",
        "trailer_names",
    )

    method: str
    target: str
    headers: dict[str, str]  # lower-case names; repeated ones joined with ", "
    content_length: int | None  # as declared
    has_chunks: bool  # Transfer-Encoding: chunked
    http_1_0: bool
    keep_alive: bool
    expects_continue: bool
    trailer_names: frozenset[str]  # lower-case, as the Trailer header declares
    plain: bool  # nothing but a whole body of content_length bytes is to be expected


class Heads:
    """Cuts the heads out of one connection's input."""

    __slots__ = ("_alike", "_fields", "_known", "_most", "_scanned")

    def __init__(self, most: int, fields: int) -> None:
        self._most = most
        self._fields = fields
        self._scanned = 0  # of the input, known to hold no end of a head
        self._known: dict[bytes, Head] = {}  # by the whole head
        self._alike: dict[tuple[bytes, bytes], Head] = {}  # by what is around Content-Length

    @property
    def fresh(self) -> bool:
        """Nothing of the next head has been seen."""
        return self._scanned == 0

    def take(self, data: bytearray) -> Head | None:
        """Move the next head out of `data`, if it is in. Raises BadRequest."""
        if self._scanned == 0 and data[0] in b"\r\n":
            data[:] = data.lstrip(b"\r\n")  # RFC 9112 2.2: empty lines before a request
        end = data.find(HEAD_END, self._scanned) + len(HEAD_END)
        if end < len(HEAD_END):
            if len(data) > self._most:
                raise BadRequest(431, f"the head is longer than {self._most} bytes")
            self._scanned = max(0, len(data) - len(HEAD_END) + 1)
            return None
        if end > self._most:
            raise BadRequest(431, f"the head is longer than {self._most} bytes")
        self._scanned = 0
        head = self.parse(bytes(data[:end]))
        del data[:end]
        return head

    def parse(self, data: bytes) -> Head:
        """What one head says. Raises BadRequest."""
        head = self._known.get(data)
        if head is not None:
            return head
        if len(data) > _WORTH_REPEATING:
            return parse_head(data, self._fields)
        line, around, digits = _parts(data)
        alike = self._alike.get(around)
        if alike is not None and line is not None and digits.isdigit() and len(digits) <= 15:
            return _with_line_and_length(alike, line, digits)
        head = parse_head(data, self._fields)
        if head.plain:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
                self._alike.clear()
            self._known[data] = head
            if line is not None and head.content_length is not None:
                self._alike[around] = head
        return head


def _parts(data: bytes) -> tuple[tuple[str, str] | None, tuple[bytes, bytes], bytes]:
    """Method and target (None: not for us to judge), what is around the digits of the first
    Content-Length, and those. Stricter than the parser: it would take such a line as well."""
    end = data.find(_LINE_END)
    method, _, target = data[: max(0, end - len(_HTTP_1_1))].partition(b" ")
    before, found, rest = data[end:].partition(_LENGTH)
    if not found:
        before, _, rest = before.partition(_LOWER_LENGTH)  # of curl's library, so of AWS's clients
    digits, _, after = rest.partition(_LINE_END)
    name = _METHODS.get(method)
    plain = target[:1] == b"/" and not target.translate(None, _IN_TARGETS)
    if name is None or not plain or not data.startswith(_HTTP_1_1, end - len(_HTTP_1_1)):
        return None, (before, after), digits
    return (name, target.decode("ascii")), (before, after), digits


def _with_line_and_length(alike: Head, line: tuple[str, str], digits: bytes) -> Head:
    """What parse_head() says of a head that differs from a known one in these only."""
    head = Head()
    head.method, head.target = line
    head.content_length = length = int(digits)
    head.headers = alike.headers
    if length != alike.content_length or len(digits) != len(alike.headers["content-length"]):
        head.headers = {**alike.headers, "content-length": digits.decode("ascii")}
    head.has_chunks = False
    head.http_1_0 = False
    head.keep_alive = alike.keep_alive
    head.expects_continue = False
    head.trailer_names = _NO_NAMES
    head.plain = True
    return head


def parse_head(data: bytes, header_fields: int) -> Head:
    """`data` ends with the first blank line. Raises BadRequest."""
    if data.count(b"\n") > header_fields + 2:
        raise BadRequest(431, f"more than {header_fields} headers")
    fields = _Fields()
    parser = httptools.HttpRequestParser(fields)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        # Not spoken here, and RFC 9110 lets us ignore it. Java's client offers h2c with any
        # POST; httptools would take its body for the other protocol.
        fields.headers.pop("upgrade", None)
    except httptools.HttpParserError as err:
        raise BadRequest(400, f"malformed request: {err}") from err
    head = Head()
    head.method = parser.get_method().decode("ascii")
    head.target = fields.target.decode("latin-1")
    head.headers = fields.headers
    head.http_1_0 = _is_http_1_0(data)
    if head.method == "CONNECT":
        raise BadRequest(501, "CONNECT is not supported")
    _delimit(head)
    return head


def _is_http_1_0(data: bytes) -> bool:
    # The parser also accepts "GET /" (0.9), "HTTP/2.0", and ICE in place of HTTP.
    line_end = data.find(b"\r\n")
    if data.endswith(b" HTTP/1.1", 0, line_end):
        return False
    if data.endswith(b" HTTP/1.0", 0, line_end):
        return True
    raise BadRequest(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")


def _delimit(head: Head) -> None:
    """Fill in what decides where the body ends and whether the connection goes on."""
    headers = head.headers
    get = headers.get
    length = get("content-length")
    head.content_length = None if length is None else int(length)  # digits: the parser looked
    head.has_chunks = False
    head.trailer_names = _NO_NAMES
    coding = get("transfer-encoding")
    if coding is not None:
        # Two ways to say where a body ends are how requests are smuggled. The parser refuses
        # most of it; what is left is refused here.
        if length is not None or head.http_1_0:
            raise BadRequest(400, "conflicting Transfer-Encoding")
        if coding.lower() != "chunked":
            raise BadRequest(501, f"cannot decode Transfer-Encoding {coding!r}")
        head.has_chunks = True
        head.trailer_names = frozenset(_tokens(get("trailer", "")))
    connection = get("connection")
    if connection is None:
        head.keep_alive = not head.http_1_0
    else:
        tokens = _tokens(connection)
        head.keep_alive = "close" not in tokens and (not head.http_1_0 or "keep-alive" in tokens)
    expect = get("expect")
    head.expects_continue = (
        expect is not None and expect.lower() == "100-continue" and not head.http_1_0
    )
    head.plain = coding is None and expect is None and "content-encoding" not in headers


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",")]


class _Fields:
    """What httptools calls while it parses."""

    __slots__ = ("headers", "target")

    def __init__(self) -> None:
        self.target = b""
        self.headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _KNOWN.get(name)
        if key is None:
            key = name.decode("latin-1").lower()
        text = value.decode("latin-1").rstrip(" \t")  # the parser leaves those
        if key in self.headers:
            text = f"{self.headers[key]}, {text}"
        self.headers[key] = text


_WORTH_REPEATING: Final = 2048
_REMEMBERED: Final = 4  # heads of one connection
_HTTP_1_1: Final = b" HTTP/1.1"
_LINE_END: Final = b"\r\n"
_LENGTH: Final = b"\r\nContent-Length: "
_LOWER_LENGTH: Final = b"\r\ncontent-length: "
_METHODS: Final = {b"GET": "GET", b"POST": "POST"}
_IN_TARGETS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-.~%:$&+,;=?"
_NO_NAMES: Final[frozenset[str]] = frozenset()

# Names our clients send, spelt as they spell them: decoded once, here.
_KNOWN: Final[dict[bytes, str]] = {
    spelling.encode(): name.lower()
    for name in (
        "Accept",
        "Accept-Encoding",
        "Authorization",
        "Connection",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "Expect",
        "Host",
        "Lambda-Extension-Identifier",
        "Lambda-Runtime-Function-Error-Type",
        "Lambda-Runtime-Function-Response-Mode",
        "Lambda-Runtime-Function-XRay-Error-Cause",
        "Trailer",
        "Transfer-Encoding",
        "User-Agent",
        "X-Amz-Client-Context",
        "X-Amz-Content-SHA256",
        "X-Amz-Date",
        "X-Amz-Invocation-Type",
        "X-Amz-Log-Type",
        "X-Amz-Security-Token",
        "X-Amz-Target",
        "X-Amzn-Trace-Id",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
    )
    for spelling in (name, name.lower(), name.title())
}

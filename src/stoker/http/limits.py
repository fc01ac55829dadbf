"""What one HTTP listener bounds. Sizes in bytes, times in seconds; None means never."""

from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults suit the front door: strangers, ordinary headers."""

    head_bytes: int = 64 * KIB
    """Request line and headers together; more is answered 431."""

    header_fields: int = 200
    """Headers of one request (and trailers of one body); more is answered 431."""

    trailer_bytes: int = 64 * KIB
    """Everything behind the last chunk; more makes the body count as truncated."""

    discard_bytes: int = 64 * MIB
    """How much of a refused body is read and dropped, so that the refusal reaches a peer that
    writes everything before it reads. Behind that the connection is closed."""

    pipelined_bytes: int = 64 * KIB
    """What may wait behind a request that is not answered yet; beyond it nothing is read."""

    held_bytes: int = 1024 * MIB
    """Heads, bodies and untaken answers of all connections together. A body that passes it is
    refused as too large, a head with 503; a peer that takes no answers is cut off."""

    requests_per_turn: int = 16
    """Pipelined requests one connection may have served before others get their turn."""

    connections: int = 1024
    """Open at a time; further ones wait in the listen queue."""

    idle_timeout_s: float | None = 120.0
    """Between two requests."""

    head_timeout_s: float | None = 30.0
    """From the first to the last byte of a head."""

    body_timeout_s: float | None = 30.0
    """The longest silence within a body."""

    body_bytes_per_s: int = KIB
    """The slowest a body may come: a byte that arrives buys this fraction of a second."""

    write_timeout_s: float | None = 60.0
    """How long a peer may leave an answer untaken."""


RUNTIME_API = Limits(
    # Clients send the X-Ray cause in one header of up to 1 MiB (spec 2.4), and the same again
    # as a trailer when a stream fails.
    head_bytes=1280 * KIB,
    trailer_bytes=1280 * KIB,
    held_bytes=32 * MIB,
    # The peer may be frozen at any byte, for hours.
    idle_timeout_s=None,
    head_timeout_s=None,
    body_timeout_s=None,
    write_timeout_s=None,
)
"""For what lives inside an execution environment."""

ENDPOINT = replace(RUNTIME_API, head_bytes=64 * KIB, trailer_bytes=64 * KIB, held_bytes=64 * MIB)
"""For the front door within an execution environment."""

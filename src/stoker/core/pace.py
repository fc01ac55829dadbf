"""How fast a streamed answer may be: AWS's rule, a burst as it comes and the rest at a rate. Pure.

AWS: the first 6 MB are not held up, what follows goes out at 2 MB a second at most (developer
guide, "Bandwidth limits for response streaming").
"""

from dataclasses import dataclass

from stoker.core.invoke_limits import STREAM_BURST_BYTES, STREAM_BYTES, STREAM_BYTES_PER_S


@dataclass(frozen=True, slots=True)
class StreamLimits:
    most_bytes: int = STREAM_BYTES
    burst_bytes: int = STREAM_BURST_BYTES
    bytes_per_s: int = STREAM_BYTES_PER_S


class Pace:
    """A bucket that is full at first, and fills again as time passes."""

    __slots__ = ("_at", "_left", "_limits")

    def __init__(self, limits: StreamLimits, now: float) -> None:
        self._limits = limits
        self._left = float(limits.burst_bytes)
        self._at = now

    def took(self, count: int, now: float) -> float:
        """So many bytes have just gone through. Returns for how many seconds no more may."""
        limits = self._limits
        filled = self._left + (now - self._at) * limits.bytes_per_s
        self._left = min(filled, limits.burst_bytes) - count
        self._at = now
        return max(0.0, -self._left / limits.bytes_per_s)

"""What the connections of one listener keep in memory, counted together. Pure.

Each is bounded by itself, but a hundred slow uploads are a hundred times that.
"""


class Held:
    __slots__ = ("_most", "_of", "total_bytes")

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[object, int] = {}
        self.total_bytes = 0

    def count(self, who: object, size_bytes: int) -> bool:
        """`who` keeps so much from now on. False: together they keep too much."""
        self.total_bytes += size_bytes - self._of.pop(who, 0)
        if size_bytes:
            self._of[who] = size_bytes
        return self.total_bytes <= self._most

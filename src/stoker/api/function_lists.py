"""Functions as lists show them, worked out once for each revision of a function.

A list is read page by page and again and again (consoles and tools do), and most of its functions
are what they were.
"""

from dataclasses import dataclass, field

from stoker.api import codec, services
from stoker.api.function_shapes import described
from stoker.api.shapes.lambda_ import FunctionConfiguration
from stoker.core.model import Function, FunctionKey

MOST = 2048  # then all are forgotten


@dataclass(slots=True)
class Listed:
    """What was shown, by function and qualifier, and of which object of the store's."""

    kept: dict[tuple[FunctionKey, str | None], tuple[Function, FunctionConfiguration]] = field(
        default_factory=dict
    )

    def show(self, function: Function, qualifier: str | None) -> FunctionConfiguration:
        key = (function.key, qualifier)
        known = self.kept.get(key)
        if known is None or known[0] is not function:
            if len(self.kept) >= MOST:
                self.kept.clear()
            shown = described(function, qualifier, listed=True)
            codec.remember(services.model("lambda").shape_for("FunctionConfiguration"), shown)
            known = self.kept[key] = function, shown
        return known[1]

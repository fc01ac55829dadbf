"""What a function with active tracing gets as its trace header."""

import random
import time

from stoker.api.identifiers import new_trace
from stoker.core.invocation import Target
from stoker.core.tracing import Sampler, fields_of

MOST_FUNCTIONS = 4096


def begun(
    sampling: "Sampling", function: tuple[str, ...], given: str | None, *, active: bool
) -> tuple[str, str, str]:
    """The trace header of an invocation, what of it the caller gets back, and the caller's span
    if the header names the function's own. `given`: the caller's header."""
    if active:
        header, ancestor = sampling.header(function, given or "")
        return header, _traced(header)[1], ancestor
    if given is None:
        root, parent = new_trace()
        return f"Root={root};Parent={parent};Sampled=0", f"root={root};sampled=0", ""
    return *_traced(given), ""


def _traced(header: str) -> tuple[str, str]:
    """What the function gets of the caller's trace header, and what the caller gets back."""
    parts = (part.strip().partition("=") for part in header.split(";"))
    found = {name.lower(): value for name, _, value in parts}
    root = found.get("root")
    if not root:
        root, _ = new_trace()
        header = f"Root={root};{header}"
    return header, f"root={root};sampled={found.get('sampled') or '0'}"


class Sampling:
    """Remembers for each function how many of this second's requests were sampled."""

    def __init__(self) -> None:
        self._samplers: dict[tuple[str, ...], Sampler] = {}

    def begin(self, target: Target, given: str | None) -> tuple[str, str]:
        """The trace header of an invocation that no client asked for, and the span before it."""
        function = (target.account, target.region, target.name)
        header, _, ancestor = begun(self, function, given, active=target.tracing == "Active")
        return header, ancestor

    def header(self, function: tuple[str, ...], upstream: str) -> tuple[str, str]:
        """Root and decision of the caller, where there are any; the parent is to be the
        function's own segment. And the caller's span, which is that segment's ancestor."""
        fields = {name.capitalize(): value for name, value in fields_of(upstream).items()}
        root, segment = new_trace()
        root = fields.pop("Root", "") or root
        parent = fields.pop("Parent", "")
        sampled = fields.pop("Sampled", "")
        if sampled not in ("0", "1"):
            sampled = "1" if self._wants(function) else "0"
        rest = "".join(f";{name}={value}" for name, value in fields.items())
        return f"Root={root};Parent={segment};Sampled={sampled}{rest}", parent

    def _wants(self, function: tuple[str, ...]) -> bool:
        sampler = self._samplers.get(function)
        if sampler is None:
            if len(self._samplers) >= MOST_FUNCTIONS:
                self._samplers.clear()
            sampler = self._samplers[function] = Sampler()
        return sampler.wants(time.time(), random.random())

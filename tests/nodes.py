"""The Node.js runtimes that this machine has, for tests that run functions on them."""

import pytest

from stoker.runtimes.found import RuntimeUnavailable, find_runtime

VERSIONS = [f"nodejs{major}.x" for major in (18, 20, 22, 24, 26)]


def is_found(runtime: str) -> bool:
    try:
        return find_runtime(runtime) is not None
    except RuntimeUnavailable:
        return False


FOUND = [runtime for runtime in VERSIONS if is_found(runtime)]
needs_node = pytest.mark.skipif(not FOUND, reason="there is no Node.js on this machine")

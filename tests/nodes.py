"""The Node.js runtimes that this machine has, for tests that run functions on them."""

import pytest

from tests.user import is_found

VERSIONS = [f"nodejs{major}.x" for major in (18, 20, 22, 24, 26)]


FOUND = [runtime for runtime in VERSIONS if is_found(runtime)]
needs_node = pytest.mark.skipif(not FOUND, reason="there is no Node.js on this machine")

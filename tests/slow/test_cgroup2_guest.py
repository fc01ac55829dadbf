"""The limits of cgroup 2, which most users' machines have: the attacks and the backend, in a guest.

`make slow ARGS="tests/slow/test_cgroup2_guest.py -s"` shows its console.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slow.guest import ROOT, Guest, NoGuest, build

pytestmark = [pytest.mark.slow, pytest.mark.root]
TESTS = " ".join(
    (
        "tests/component/test_cgroups_handed_down.py",
        "tests/component/test_namespaces_backend.py",
        "tests/component/test_namespaces_network.py",
        *(
            f"tests/isolation/test_{name}.py"
            for name in ("starving", "escape", "life", "network", "spying")
        ),
    )
)
# Of the guest, so that a test there cannot pass for the wrong reason.
JOB = f"""
set -e
test -z "$(grep -v '^0::' /proc/self/cgroup)"
.venv/bin/stoker doctor
.venv/bin/python -m pytest -q -m "not slow" --timeout=1500 {TESTS}
"""


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    (ROOT / "build").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="guest-", dir=ROOT / "build"))
    try:
        yield build(folder)
    except NoGuest as reason:
        pytest.skip(str(reason))
    finally:
        shutil.rmtree(folder)


@pytest.mark.timeout(5400)
def test_what_holds_here_holds_where_every_controller_is_version_2(guest: Guest) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        said.append(line)

    assert guest.run(JOB, limit_s=4800, say=say) == 0, "\n".join(said[-80:])

"""`stoker serve` that counts nothing: what metrics cost is the difference.

There is no such option, since they cost next to nothing.
"""

from typing import Any

from stoker.cli.main import main
from stoker.core.concurrency_peaks import Peak
from stoker.environment.reports import Reports


def _count_nothing(*_args: Any, **_options: Any) -> None:
    """In place of what is called for each invocation."""


Reports._measure = _count_nothing  # type: ignore[method-assign]
Peak.up = _count_nothing  # type: ignore[method-assign]

if __name__ == "__main__":
    main()

"""`stoker serve` whose environments are never frozen: what freezing costs is the difference.

There is no such option, on purpose: that no user code runs while idle is a promise.
"""

from stoker.cli.main import main
from stoker.sandbox.namespaces.sandbox import NamespacesSandbox


def _stay_warm(_sandbox: NamespacesSandbox) -> None:
    """In place of freeze(); thaw() then finds nothing to do."""


NamespacesSandbox.freeze = _stay_warm  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()

"""stoker version"""

from importlib.metadata import version as installed_version


def version() -> None:
    """Print the version."""
    print(installed_version("stoker"))

"""Who places environments, as an environment knows them."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stoker.environment.environment import Environment


class Owner(Protocol):
    """Who placed the environment here. Called from the event loop; must not block."""

    def answered(self, environment: "Environment") -> None:
        """The caller of what it runs has the answer; idle() or dead() will follow."""
        ...

    def idle(self, environment: "Environment") -> None:
        """It may be assigned, from within this call on."""
        ...

    def held(self, environment: "Environment") -> None:
        """It may not be assigned after all, until idle() is called again."""
        ...

    def dead(self, environment: "Environment", reason: str) -> None:
        """It is over, and wants to be destroyed. Nothing follows."""
        ...

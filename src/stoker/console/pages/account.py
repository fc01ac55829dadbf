"""An account's settings in a region: what it may have, and what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.console.asked import Asked, Shown
from stoker.console.words import bytes_of, count_of


@dataclass(frozen=True, slots=True)
class Limit:
    name: str  # AWS's
    what: str
    used: float | None  # None: nothing is counted against it
    most: float
    said: str  # both, for people


async def show(asked: Asked) -> Shown:
    """GetAccountSettings, with what is used of it."""
    answer = await asked.call("lambda", "GetAccountSettings")
    usage = answer["AccountUsage"]
    standings = asked.control.invoker.level(asked.where.account, asked.where.region).functions
    running = sum(one.running for one in standings.values() if one.reserved is None)
    model = {
        "limits": limits(answer["AccountLimit"], usage, running),
        "functions": usage["FunctionCount"],
    }
    return Shown("account.html", model, title="Account settings")


def limits(most: Mapping[str, Any], usage: Mapping[str, Any], running: int = 0) -> list[Limit]:
    """As GetAccountSettings has them, with what counts against each. `running`: of functions that
    have nothing reserved."""
    whole, free = most["ConcurrentExecutions"], most["UnreservedConcurrentExecutions"]
    return [
        Limit(
            "ConcurrentExecutions",
            "At the same time; used is what functions reserve",
            whole - free,
            whole,
            f"{count_of(whole - free)} of {count_of(whole)}",
        ),
        Limit(
            "UnreservedConcurrentExecutions",
            "What is left of it for all others; used is what of these runs now",
            running,
            free,
            f"{count_of(running)} of {count_of(free)}",
        ),
        Limit(
            "TotalCodeSize",
            "Packages of all functions' versions and layers together",
            usage["TotalCodeSize"],
            most["TotalCodeSize"],
            f"{bytes_of(usage['TotalCodeSize'])} of {bytes_of(most['TotalCodeSize'])}",
        ),
        *(
            Limit(name, what, None, most[name], bytes_of(most[name]))
            for name, what in (
                ("CodeSizeUnzipped", "One function's package and layers, unpacked"),
                ("CodeSizeZipped", "One package that is uploaded with the request itself"),
            )
        ),
    ]

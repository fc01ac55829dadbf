"""What one invocation would have cost on AWS, from its REPORT and the settings of its version.

The time is the one it took here: what costs so much there is an invocation as long as this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from stoker.core.invocation import Target
from stoker.core.limits import RUNTIMES, Family
from stoker.core.price_list import X86, Item
from stoker.core.prices import (
    FREE_STORAGE_MB,
    FREE_STREAM_BYTES,
    GB_BYTES,
    Billed,
    Prices,
    prices,
    said,
)
from stoker.core.report_lines import Measured


@dataclass(frozen=True, slots=True)
class Terms:
    """On which invocations of one version are billed."""

    billed: Billed
    prices: Prices
    snapshots_cost: bool  # those of Java do not

    def amounts(self, measured: Measured) -> dict[Item, float]:
        found = self.billed.time(measured.billed_ms, measured.billed_init_ms)
        found[Item.REQUESTS] = 1.0
        if measured.restore_ms and self.snapshots_cost:
            found[Item.RESTORED] = self.billed.memory_gb
        return found

    def dollars(self, measured: Measured) -> float:
        return sum(self.prices.cost(self.amounts(measured)).values())

    def line(self, measured: Measured) -> str:
        """What the terminal shows."""
        parts = [f"{measured.billed_ms} ms x {self.billed.memory_mb} MB"]
        if measured.billed_init_ms and self.billed.managed:
            parts[0] += f", {measured.billed_init_ms} ms of it init"
        if measured.restore_ms and self.snapshots_cost:
            parts.append("restored")
        if self.billed.provisioned:
            parts.append("provisioned")
        parts += [self.prices.architecture, self.prices.region]
        if self.prices.known:
            parts.append(f"prices of {self.prices.on}")
        else:
            parts[-1] += f" at us-east-1's prices of {self.prices.on}"
        return f"on AWS {said(self.dollars(measured))} ({', '.join(parts)})"

    def brief(self, measured: Measured) -> str:
        """The same beside a log line, which may be of another version: of its size."""
        own = replace(self, billed=replace(self.billed, memory_mb=measured.memory_mb))
        return f"on AWS {said(own.dollars(measured))} (prices of {self.prices.on})"


def terms(
    configuration: Mapping[str, Any], region: str, on: date, *, provisioned: bool = False
) -> Terms:
    """`configuration`: of the version, as GetFunctionConfiguration shows it. Raise ValueError if
    there was no price then."""
    runtime = configuration.get("Runtime", "")
    storage = configuration.get("EphemeralStorage", {}).get("Size", FREE_STORAGE_MB)
    architecture = (configuration.get("Architectures") or [X86])[0]
    billed = Billed(configuration["MemorySize"], storage, is_managed(runtime), provisioned)
    return Terms(billed, prices(region, architecture, on), snapshots_cost(runtime))


def of_target(target: Target) -> Billed:
    """As it is billed on demand."""
    return Billed(target.memory_mb, target.ephemeral_mb, is_managed(target.runtime))


def provisioned_init(target: Target, billed_ms: int) -> dict[Item, float]:
    """What an init ahead of all invocations amounts to."""
    return replace(of_target(target), provisioned=True).time(billed_ms)


def is_managed(runtime: str) -> bool:
    """Else its init was billed always. An image has no runtime ("")."""
    known = RUNTIMES.get(runtime)
    return known is not None and known.family is not Family.OS_ONLY


def snapshots_cost(runtime: str) -> bool:
    return not runtime.startswith(Family.JAVA)


def streamed(answer_bytes: int) -> float:
    """How many GB of one answer are billed."""
    return max(0, answer_bytes - FREE_STREAM_BYTES) / GB_BYTES

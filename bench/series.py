"""What was measured: samples by measure, system and round, and why something is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.distribution import Distribution, distribution

Key = tuple[str, str]  # (measure, system)


@dataclass(slots=True)
class Round:
    samples: list[float] = field(default_factory=list)
    errors: int = 0
    idle: float = 1.0  # share of the machine that was idle just before

    @property
    def distribution(self) -> Distribution:
        return distribution(self.samples)


@dataclass(slots=True)
class Series:
    """One measure of one system, over all rounds."""

    measure: str
    system: str
    unit: str
    rounds: dict[int, Round] = field(default_factory=dict)
    notes: dict[str, float | str] = field(default_factory=dict)

    @property
    def samples(self) -> list[float]:
        return [value for each in self.rounds.values() for value in each.samples]

    @property
    def errors(self) -> int:
        return sum(each.errors for each in self.rounds.values())


@dataclass(slots=True)
class Book:
    """All series of one run."""

    series: dict[Key, Series] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # system or measure -> why
    remarks: list[str] = field(default_factory=list)

    def add(
        self,
        measure: str,
        system: str,
        unit: str,
        number: int,
        samples: Sequence[float],
        *,
        errors: int = 0,
        idle: float = 1.0,
    ) -> Series:
        """Note samples of a round; may be called several times per round."""
        series = self.series.setdefault((measure, system), Series(measure, system, unit))
        row = series.rounds.setdefault(number, Round())
        row.samples.extend(samples)
        row.errors += errors
        row.idle = min(row.idle, idle)
        return series

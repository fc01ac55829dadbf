"""Results as files: one JSON line per measure, and a table for people."""

import json
import re
import statistics
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.distribution import distribution
from bench.gates import GATES, Gate, Sense, Verdict, judge
from bench.install import ROOT
from bench.machine import QUIET, Profile
from bench.series import Book, Series

DIGITS = 4  # significant


@dataclass(frozen=True, slots=True)
class Run:
    date: str  # ISO 8601, UTC
    commit: str
    machine: Profile
    options: str  # what distinguishes it from a full run


def commit() -> str:
    """Short name of what is checked out; -dirty if the product is not what was committed."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", "src")
    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + ("-dirty" if changed else "")


def write(book: Book, run: Run, root: Path) -> Path:
    """Write <root>/<machine>/<date>-<commit>.json and latest.md; the path of the latter."""
    folder = root / run.machine.name
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = [judge(book, gate) for gate in GATES if _concerns(book, gate)]
    facts = {"date": run.date, "commit": run.commit, "machine": asdict(run.machine)}
    lines = [{**_measure(series), **facts} for series in book.series.values()]
    lines += [{**_gate(verdict), **facts} for verdict in verdicts]
    lines += [{"missing": what, "reason": _clean(why)} for what, why in book.missing.items()]
    stamp = re.sub(r"[^0-9T]", "", run.date)[:15]
    results = folder / f"{stamp}-{run.commit}.json"
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = folder / "latest.md"
    page.write_text(render(book, run, verdicts))
    return page


def render(book: Book, run: Run, verdicts: list[Verdict]) -> str:
    machine = run.machine
    noisy = [s for s in book.series.values() if any(r.idle < QUIET for r in s.rounds.values())]
    lines = [
        "# Speed",
        "",
        f"*Written by `make bench`{run.options}: {run.date}, commit {run.commit}.*",
        "",
        f"{machine.cores} cores ({machine.cpu}), {machine.memory_gb} GB, {machine.system}, "
        f"kernel {machine.kernel}, Python {machine.python}, cgroups {machine.cgroups}.",
        "",
        "## Gates",
        "",
        "The ratio is the median over the rounds; in brackets the worst and the best round.",
        "",
        "| # | measure | Stoker | peer | ratio | gate | |",
        "|---|---|---|---|---|---|---|",
        *(_gate_row(book, verdict) for verdict in verdicts),
        "",
    ]
    lines += [*(f"* {_clean(remark)}" for remark in book.remarks), ""]
    if noisy:
        lines += [
            f"**Not quiet:** before at least one round of {len(noisy)} of {len(book.series)} "
            f"series the machine was less than {QUIET:.0%} idle. The ratios stand, the absolute "
            "numbers are too high.",
            "",
        ]
    for measure in dict.fromkeys(series.measure for series in book.series.values()):
        lines += _section(book, measure)
    if book.missing:
        lines += ["## Left out", "", *(f"* {k}: {_clean(v)}" for k, v in book.missing.items()), ""]
    return "\n".join(lines)


def _concerns(book: Book, gate: Gate) -> bool:
    """Whether the run measured, or tried to measure, what the gate is about."""
    measured = {series.measure for series in book.series.values()}
    return gate.measure in measured or gate.measure in book.missing


def _section(book: Book, measure: str) -> list[str]:
    """One table per measure: the systems, best first."""
    rows = [series for series in book.series.values() if series.measure == measure]
    notes = list(dict.fromkeys(name for series in rows for name in series.notes))
    lines = [
        f"## {measure[0].upper()}{measure[1:]} ({rows[0].unit})",
        "",
        "| system | p50 | p90 | p99 | max | n | errors |" + "".join(f" {n} |" for n in notes),
        "|---|---|---|---|---|---|---|" + "---|" * len(notes),
    ]
    for series in sorted(rows, key=lambda s: statistics.median(s.samples)):
        seen = distribution(series.samples)
        cells = [_short(v) for v in (seen.p50, seen.p90, seen.p99, seen.max)]
        cells += [str(seen.n), str(series.errors)]
        for name in notes:
            note = series.notes.get(name, "")
            cells.append(note if isinstance(note, str) else _short(note))
        lines.append(f"| {series.system} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _gate_row(book: Book, verdict: Verdict) -> str:
    gate = verdict.gate
    series = book.series.get((gate.measure, gate.system))
    unit = series.unit if series else ""
    ours = f"{_short(verdict.ours)} {unit}" if verdict.ours is not None else "-"
    peer = "-"
    if verdict.theirs is not None:
        peer = f"{verdict.peer}: {_short(verdict.theirs)} {unit}"
    if verdict.ratio is None:
        outcome, ratio = f"not judged: {_clean(verdict.missing)}", "-"
    else:
        worst, best = sorted((min(verdict.ratios), max(verdict.ratios)), reverse=gate.is_ceiling)
        ratio = f"**{_short(verdict.ratio)}** ({_short(worst)} to {_short(best)})"
        outcome = "pass" if verdict.passed else "**FAIL**"
        if verdict.errors:
            outcome += f", {verdict.errors} errors"
    sign = "≤" if gate.is_ceiling else "≥"
    suffix = {Sense.RATE: "/s", Sense.MOST: f" {unit}"}.get(gate.sense, "")
    return (
        f"| {gate.id} | {gate.text} | {ours} | {peer} | {ratio} | "
        f"{sign} {gate.bound:g}{suffix} | {outcome} |"
    )


def _measure(series: Series) -> dict[str, object]:
    seen = distribution(series.samples)
    return {
        "measure": series.measure,
        "system": series.system,
        "unit": series.unit,
        **{name: _rounded(value) for name, value in asdict(seen).items()},
        "errors": series.errors,
        "p50_by_round": [_rounded(r.distribution.p50) for r in series.rounds.values()],
        "idle_before_by_round": [round(r.idle, 2) for r in series.rounds.values()],
        **({"notes": series.notes} if series.notes else {}),
    }


def _gate(verdict: Verdict) -> dict[str, object]:
    return {
        "gate": verdict.gate.id,
        "text": verdict.gate.text,
        "peer": verdict.peer,
        "bound": verdict.gate.bound,
        "ratio": None if verdict.ratio is None else _rounded(verdict.ratio),
        "ratio_by_round": [_rounded(value) for value in verdict.ratios],
        "passed": verdict.passed,
        **({"missing": _clean(verdict.missing)} if verdict.missing else {}),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _clean(text: str) -> str:
    """Nobody else's addresses and paths."""
    text = re.sub(r"https?://\S+", "(address)", text).replace(str(ROOT), ".")
    return text.replace("|", "/").replace("\n", " ")

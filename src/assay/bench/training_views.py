"""The training benchmark as tables for the terminal and as a JSON document."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from assay.bench.methods import METHODS
from assay.bench.rates import Rate, RateComparison
from assay.bench.training import SCALED, TrainingBench
from assay.bench.whole_study import WholeStudy
from assay.study import tables

if TYPE_CHECKING:
    from rich.table import Table

MEGABYTE = 1e6


def machine(bench: TrainingBench) -> str:
    """Return a line that describes the machine."""
    found = bench.machine
    loads = " and ".join("unknown" if load is None else f"{load:.1f}" for load in bench.loads)
    sets = ", ".join(found.instruction_sets) or "unknown"
    return f"{found.processors} x {found.processor} ({sets}); load before and after: {loads}"


def views(bench: TrainingBench) -> "Iterator[tuple[str, Table]]":
    """Yield the title and the table of each part that was measured."""
    for comparison in bench.rates:
        low, high = (value / 1e9 for value in comparison.peak.quartiles)
        peak = f"matrix product {comparison.peak.median / 1e9:.0f} GFLOP/s ({low:.0f} to {high:.0f})"
        yield f"{comparison.problem.words}; {peak}", rates(comparison)
    for study in bench.study:
        yield _study_title(study), whole_study(study)
    if bench.starts:
        yield f"{bench.settings.focus.network}: seconds to the first step, in a new process", starts(bench)
    if bench.memory:
        yield f"{bench.settings.focus.network}: memory beyond the images as bytes, MB", memory(bench)
    if bench.scaling:
        yield f"{bench.settings.focus.network}: steps/s of all models together", scaling(bench)


def rates(comparison: RateComparison) -> "Table":
    """Return a row for each method: models, speed, ratio and share of the peak, or why it was not timed."""
    table = _grid("method", "models", "steps/s", "quartiles", "x eager", "of peak")
    for rate in comparison.rates:
        ratio = comparison.ratio(rate)
        table.add_row(
            METHODS[rate.method].words,
            str(rate.models),
            number(rate.median),
            _quartiles(rate),
            "–" if ratio is None else f"{ratio:.2f}",
            f"{comparison.share(rate):.0%}",
        )
    for name, reason in comparison.left_out.items():
        table.add_row(f"{METHODS[name].words}: {reason}")
    return table


def whole_study(study: WholeStudy) -> "Table":
    """Return a row for assay and each way to run the script."""
    table = _grid("method", "seconds", "quartiles", "x assay")
    for words, timing in (
        ("assay run", study.assay),
        ("PyTorch script, all threads", study.script),
        ("PyTorch script, one thread", study.single),
    ):
        low, high = timing.quartiles
        quartiles = f"{low:.1f} to {high:.1f}"
        table.add_row(words, f"{timing.median:.1f}", quartiles, f"{study.ratio(timing):.2f}")
    return table


def starts(bench: TrainingBench) -> "Table":
    """Return a row for each method: the first start, with nothing compiled, and later ones."""
    table = _grid("method", "first start", "later starts")
    for found in bench.starts:
        table.add_row(METHODS[found.method].words, f"{found.first:.1f}", f"{found.median:.1f}")
    return table


def memory(bench: TrainingBench) -> "Table":
    """Return a row for each method: its process's peak, its libraries' share, and each further run."""
    table = _grid("method", "peak, one run", "library imported", "a further run")
    for found in bench.memory:
        further = "–" if found.per_run is None else f"{found.per_run / MEGABYTE:.1f}"
        libraries = f"{found.libraries / MEGABYTE:.0f}"
        table.add_row(METHODS[found.method].words, f"{found.peak / MEGABYTE:.0f}", libraries, further)
    return table


def scaling(bench: TrainingBench) -> "Table":
    """Return a row for each problem and a column for each method."""
    methods = [name for name in bench.settings.methods if name in SCALED]
    table = _grid("problem", *methods)
    for comparison in bench.scaling:
        found = [comparison.rate(name) for name in methods]
        cells = ["–" if rate is None else number(rate.median) for rate in found]
        table.add_row(comparison.problem.words.partition(", ")[2], *cells)
    return table


def number(value: float) -> str:
    """Write a rate with three significant digits, or all its integer digits if there are more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def document(bench: TrainingBench) -> dict[str, Any]:
    """Return all measurements and the figures derived from them, ready for JSON."""
    found: dict[str, Any] = tables.table(bench)
    for part in ("rates", "scaling"):
        for comparison, entry in zip(getattr(bench, part), found[part], strict=True):
            entry["peak"] |= _summary(comparison.peak)
            for rate, row in zip(comparison.rates, entry["rates"], strict=True):
                row.update(_summary(rate))
                row["times_eager"], row["share_of_peak"] = comparison.ratio(rate), comparison.share(rate)
    return found


def _summary(rate: Rate) -> dict[str, Any]:
    return {"per_second": rate.median, "quartiles": list(rate.quartiles)}


def _quartiles(rate: Rate) -> str:
    if len(rate.rounds) == 1:
        return "timed once"
    low, high = rate.quartiles
    return f"{number(low)} to {number(high)}"


def _study_title(study: WholeStudy) -> str:
    size = study.size
    epochs = f"{size.epochs} epochs of {size.train:,} images"
    return f"A study: {size.seeds} runs of A2, {epochs}, evaluation included"


def _grid(*headings: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left", no_wrap=bool(index))
    return table

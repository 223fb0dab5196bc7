"""Verdicts by any metric in the terminal: the arms, the comparisons, and what was found in words."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assay.findings import numbers
from assay.findings.measured import Measured
from assay.findings.wording import measured_words
from assay.findings.wording.captions import deciding
from assay.findings.wording.code_words import VERDICTS
from assay.report.terminal_tables import VERDICT_STYLES, bullets, named_rows


def measured_summary(found: Measured, table: str) -> Group:
    """Return the arms and the verdicts of the runs in ``table``."""
    sentences = (Text(sentence, style="bold") for sentence in measured_words.verdicts(found))
    remarks = bullets(measured_words.remarks(found, table))
    parts = Group(*sentences, Padding(_comparisons(found), (1, 0)), remarks)
    return Group(_arms(found), Panel(parts, title=Text(table), title_align="left", padding=(1, 2)))


def measured_plain(found: Measured) -> dict[str, Any]:
    """Return all that was found, for a program; differences are in the metric's own unit."""
    return {
        "metric": found.metric.name,
        "lower_is_better": found.metric.less_is_better,
        "margin": found.margin,
        "control": found.family.control,
        "alpha": found.family.alpha,
        "intervals": found.intervals_name(found.family.alpha),
        "equivalence_intervals": found.intervals_name(2 * found.family.alpha),
        "arms": found.summaries,
        "comparisons": found.pairs,
        "sentences": measured_words.verdicts(found),
    }


def _arms(found: Measured) -> Table:
    of, confidence = found.metric, 1 - found.family.alpha
    better = "less" if of.less_is_better else "more"
    table = named_rows(
        f"{of.name}, of which {better} is better", ("runs", "mean", numbers.interval_name(confidence), "sd")
    )
    for arm, row in found.summaries.items():
        spread = f"{of.value(row.interval[0])} to {of.value(row.interval[1])}" if row.interval else None
        cells = (of.value(row.mean) if row.n else None, spread, None if row.sd is None else of.value(row.sd))
        table.add_row(arm, f"{row.n}/{row.n + row.diverged}", *_known(cells))
    return table


def _comparisons(found: Measured) -> Table:
    of, alpha = found.metric, found.family.alpha
    equivalence = found.intervals_name(2 * alpha) if any(p.equivalent for p in found.family.pairs) else ""
    caption = deciding(of.unit, found.intervals_name(alpha), equivalence, alpha)
    table = named_rows(caption, ("mean", "interval", "p", "n"))
    table.add_column("verdict", overflow="fold", vertical="bottom")
    for pair, judged in zip(found.family.pairs, found.pairs, strict=True):
        style = VERDICT_STYLES[judged.verdict]
        mean = of.signed(pair.comparison.mean) if judged.seeds else None
        interval = of.signed_interval(pair.deciding) if pair.deciding else None
        table.add_row(
            f"{pair.a} less {pair.b}",
            *_known((mean, interval)),
            numbers.p_value(pair.deciding_p),
            str(judged.seeds),
            Text(VERDICTS[judged.verdict], style=style),
        )
    return table


def _known(cells: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(numbers.NOTHING if cell is None else cell for cell in cells)

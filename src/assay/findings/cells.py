"""How findings are displayed in a notebook's cell: small tables, without figures."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from assay.findings import numbers

if TYPE_CHECKING:
    from assay.findings.findings import Findings


def findings_html(findings: "Findings", colours: Sequence[str] = ()) -> str:
    """Return the answer, one row per arm and one per comparison; ``colours`` mark the arms of a figure."""
    synthetic = ", synthetic data" if findings.rerun.synthetic else ""
    title = f"{findings.name}: {findings.stamp}{synthetic}"
    lead = f"<p><small>{escape(title)}</small><br><b>{escape(findings.answer)}</b></p>"
    tables = (_arms(findings, colours), _effects(findings) if findings.effects else "")
    return f'<div style="max-width: 44em">{lead}{"".join(tables)}</div>'


def table_html(headings: Iterable[str], rows: Iterable[Sequence[str]], colours: Sequence[str] = ()) -> str:
    """Return a table; the first cell of a row is its heading, with a dot in the row's colour if any."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = []
    for index, (first, *others) in enumerate(rows):
        dot = f'<span style="color: {colours[index % len(colours)]}">●</span> ' if colours else ""
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in others)
        body.append(f"<tr><th>{dot}{escape(first)}</th>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _arms(findings: "Findings", colours: Sequence[str]) -> str:
    interval = [numbers.interval_name(findings.confidence)] if findings.judged else []
    costs = ("s/epoch", "peak MiB", "parameters", "runs")
    rows = []
    for arm in findings.arms:
        failed = ((arm.stuck, "stuck"), (arm.diverged, "diverged"))
        runs = [f"{arm.done}/{arm.planned}", *(f"{count} {how}" for count, how in failed if count)]
        rows.append(
            (
                arm.name,
                numbers.share(arm.test.mean),
                *([arm.spread] if findings.judged else []),
                numbers.share(arm.test.sd),
                numbers.speed(arm.seconds_per_epoch),
                numbers.mebibytes(arm.peak_memory),
                numbers.count(arm.parameters),
                ", ".join(runs),
            )
        )
    return table_html(("arm", "test accuracy, %", *interval, "SD", *costs), rows, colours)


def _effects(findings: "Findings") -> str:
    rows = [
        (
            effect.name,
            numbers.points(effect.mean),
            numbers.points_interval(effect.interval),
            str(effect.verdict),
        )
        for effect in findings.effects
    ]
    return table_html(("comparison", "points", findings.interval_name, "verdict"), rows)

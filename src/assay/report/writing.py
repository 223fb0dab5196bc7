"""A report as a file, in the format given by the file's extension."""

from collections.abc import Callable, Mapping
from pathlib import Path

from assay.errors import UsageError
from assay.findings.findings import Findings
from assay.report import export, html, latex
from assay.report.files import write_whole

WRITERS: Mapping[str, Callable[[Findings, Path], Path]] = {
    ".html": html.write_html,
    ".tex": latex.write_latex,
    ".json": lambda findings, path: write_whole(path, export.report_json(findings)),
}
"""How a report is written, by the extension of its file."""


def write_report(findings: Findings, path: Path | str) -> Path:
    """Write a report and return its path.

    Raises `UsageError` for an unknown extension and where it cannot be written.
    """
    path = Path(path)
    return WRITERS[expect_ending(path)](findings, path)


def expect_ending(path: Path | str) -> str:
    """Return the extension of ``path``; `UsageError` if no report is written with it."""
    ending = Path(path).suffix
    if ending not in WRITERS:
        *others, last = WRITERS
        found = f"ending {ending!r}" if ending else "no ending"
        expected = f"{', '.join(others)} or {last}"
        raise UsageError(f"{path}: found {found}, expected {expected} (choose another file name)")
    return ending

"""Per-seed results of other people's programs, read row by row."""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import comb, isfinite
from pathlib import Path
from typing import Any

from assay.errors import AssayError, UsageError, shown, some, suggestion
from assay.records.runs import RunId
from assay.study.checks import MAX_ARMS, MAX_RUNS, expect_name

LARGEST_FILE = 200_000_000  # bytes
MOST_PAIRS = 2_000
"""Comparisons where each arm is compared with each: more take minutes, and each would count as one of all."""
KEYS = ("arm", "seed")
FAILED = ("diverged", "nan")
"""What stands for the number of a run that diverged, in any case."""
ERRORS = re.compile(
    r"(.*[ _./-])?(err|error|errors|error[ _-]?rate|misclassification|wer|cer)", re.IGNORECASE
)
"""Names of columns whose numbers are shares of which less is better."""
LOSSES = re.compile(r"(.*[ _./-])?(loss|nll|cross[ _-]?entropy|perplexity|mse|rmse|mae)", re.IGNORECASE)
"""Names of columns whose numbers are not shares, and of which less is better."""
TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True)
class Column:
    """The column of the numbers, and how it is read: which way is better, and whether they are shares."""

    name: str
    less_is_better: bool
    share: bool


@dataclass(frozen=True)
class Line:
    """One row of a table: where it stands, for errors, and its values by column."""

    where: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """Return a value as text without spaces around it; `UsageError` if it is missing."""
        value = self.values.get(column)
        text = "" if value is None else str(value).strip()
        if not text:
            raise UsageError(f"{self.where}: {column}: is empty (fill it in, or leave out the row)")
        return text

    def run(self) -> RunId:
        """Return the run that the row is of."""
        arm, seed = self.text("arm"), self.text("seed")
        try:
            expect_name(arm, f"{self.where}: arm")
        except AssayError as error:
            raise UsageError(f"{error} (rename the arm)") from None
        number = seed.removesuffix(".0")  # as pandas writes integers of a column that lacks some
        if not number.isdecimal() or len(number) > 19 or int(number) >= 2**63:
            raise UsageError(f"{self.where}: seed: found {shown(seed)}, expected a whole number from 0")
        return RunId(arm, int(number))

    def number(self, column: str) -> float | None:
        """Return the number that the row gives; None for a run that diverged."""
        text = self.text(column)
        if text.lower() in FAILED:
            return None
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = float("inf")
        if not isfinite(value):
            raise UsageError(
                f"{self.where}: {column}: found {shown(text)}, expected a number, or 'diverged' "
                "for a run that did"
            )
        return value

    def accuracy(self, column: Column, percent: bool) -> float | None:
        """Return the share that the row gives, or what it lacks to 1; None for a run that diverged."""
        value = self.number(column.name)
        if value is None:
            return None
        most, unit = (100, "percent from 0 to 100") if percent else (1, "a share from 0 to 1")
        if not 0 <= value <= most:
            hint = "--percent, in Python percent=True, takes percent; " if 1 < value <= 100 else ""
            raise UsageError(
                f"{self.where}: {column.name}: found {value:g}, expected {unit} "
                f"({hint}`assay judge --no-share` any number)"
            )
        share = value / most
        return round(1 - share if column.less_is_better else share, 12)

    def truth(self, column: str) -> bool:
        """Return whether the row says 1, true or yes."""
        text = self.text(column).lower().removesuffix(".0")
        if text not in TRUE + FALSE:
            raise UsageError(f"{self.where}: {column}: found {shown(text)}, expected 0 or 1")
        return text in TRUE


def lines_of(table: Any, what: str) -> Iterator[Line]:
    """Yield the rows of a CSV file, a DataFrame or a list of mappings; ``what`` names one that is not a file.

    Raises `UsageError` if it cannot be read or lacks rows or the columns ``arm`` and ``seed``.
    """
    where = called(table, what)
    lines = _file(Path(table)) if isinstance(table, Path | str) else _rows(table, what)
    first = next(lines, None)
    if first is None:
        raise UsageError(f"{where}: has no rows, expected one for each arm and seed")
    for key in KEYS:
        if key not in first.values:
            found = some(map(str, first.values))
            mend = "write commas between columns" if ";" in found or "\t" in found else "rename one"
            raise UsageError(f"{where}: column {key!r} is missing, found {found} ({mend})")
    yield first
    yield from lines


def runs_of(table: Any, what: str) -> list[Line]:
    """Return the rows of a table that has one for each run; `UsageError` for more than a study may have."""
    lines = list(islice(lines_of(table, what), MAX_RUNS + 1))
    if len(lines) > MAX_RUNS:
        raise UsageError(
            f"{called(table, what)}: has more than {MAX_RUNS:,} rows, expected one for each run "
            "(leave out arms or seeds)"
        )
    return lines


def called(table: Any, what: str) -> str:
    """Return what errors call a table: its path, or ``what`` where it is not a file."""
    return str(table) if isinstance(table, Path | str) else what


def measured_column(lines: Sequence[Line], metric: str | None, where: str) -> str:
    """Return the column of the numbers: ``metric``, or the only one besides arm and seed."""
    others = [name for name in lines[0].values if name not in KEYS]
    if metric is not None:
        if metric not in others:
            raise UsageError(f"{where}: has no column {metric!r} ({suggestion(metric, others)})")
        return metric
    if len(others) != 1:
        found = f"found {', '.join(others)}" if others else "found none"
        raise UsageError(f"{where}: expected one column besides arm and seed, {found} (name it with metric)")
    return others[0]


def how_read(column: str, lower_is_better: bool | None, share: bool | None) -> Column:
    """Return how a column is read: as asked, or else by its name.

    Raises `UsageError` where its name does not tell which way is better and nobody says.
    """
    loss, error = LOSSES.fullmatch(column) is not None, ERRORS.fullmatch(column) is not None
    if share is None:
        share = not loss
    if not (share or loss) and lower_is_better is None:
        raise UsageError(
            f"column {column!r}: nothing says which way is better (--lower-is-better or --higher-is-better)"
        )
    return Column(column, loss or error if lower_is_better is None else lower_is_better, share)


def by_run(lines: Sequence[Line], value: Callable[[Line], float | None]) -> dict[RunId, float | None]:
    """Return the value of each run's row; `UsageError` where a run has two."""
    found: dict[RunId, float | None] = {}
    for line in lines:
        run = line.run()
        if run in found:
            raise UsageError(f"{line.where}: {run} stands here a second time (keep one row for each)")
        found[run] = value(line)
    return found


def paired(runs: Collection[RunId], control: str | None) -> tuple[list[str], list[int]]:
    """Return the arms and the seeds of runs.

    Raises `UsageError` where an arm lacks a seed of another's, and for more arms than can be compared.
    """
    known = {*runs}
    arms = list(dict.fromkeys(run.arm for run in runs))
    seeds = sorted({run.seed for run in known})
    _expect_few(len(arms), control)
    if control is not None and control not in arms:
        raise UsageError(f"control: no arm {control!r} ({suggestion(control, arms)})")
    for arm in arms:
        for seed in seeds:
            if RunId(arm, seed) not in known:
                raise UsageError(
                    f"{arm} has no seed {seed}, which another arm has: runs are paired by their seeds (add "
                    "the run, leave that seed out of all arms, or write 'diverged' if it did)"
                )
    return arms, seeds


def _expect_few(arms: int, control: str | None) -> None:
    """Refuse more arms, or pairs of them, than can be compared while one waits."""
    if arms > MAX_ARMS:
        raise UsageError(f"arm: found {arms:,} arms, expected at most {MAX_ARMS:,} (leave some out)")
    if control is None and comb(arms, 2) > MOST_PAIRS:
        raise UsageError(
            f"control: found none, so that {arms:,} arms make {comb(arms, 2):,} pairs, expected at most "
            f"{MOST_PAIRS:,} (name the arm that the others are compared with)"
        )


def _file(path: Path) -> Iterator[Line]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file (expected a CSV table with columns arm, seed and a number)")
    if path.stat().st_size > LARGEST_FILE:
        raise UsageError(f"{path}: larger than {LARGEST_FILE:,} bytes")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or None in row.values():
                    columns = len(reader.fieldnames or ())
                    given = sum(v is not None for v in row.values()) + len(row.get(None, ())) - (None in row)
                    raise UsageError(f"{where}: found {given} values, expected {columns}")
                yield Line(where, {str(key).strip(): value for key, value in row.items()})
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no text in UTF-8 (save the table as CSV in UTF-8)") from None
    except (csv.Error, OSError) as error:
        raise UsageError(f"{path}: cannot be read as CSV ({error})") from None


def _rows(table: Any, what: str) -> Iterator[Line]:
    rows = table.to_dict("records") if hasattr(table, "to_dict") else table
    if not isinstance(rows, Iterable):
        raise UsageError(f"{what}: found {shown(table)}, expected a path, a DataFrame or a list of mappings")
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise UsageError(
                f"{what}, row {index}: found {shown(row)}, expected a mapping of columns to values"
            )
        yield Line(f"{what}, row {index}", row)

"""Tables of text, ``.csv`` or ``.csv.gz``: a row an image, with its label and its pixels."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from assay.data.address import Address
from assay.data.arrays import LONGEST_LABEL, Values
from assay.data.assembly import AS_STORED, Orientation, assembled
from assay.data.class_numbers import MOST_CLASSES
from assay.data.examples import Images, Source
from assay.data.folder import read_mapping
from assay.data.known_classes import is_emnist, known_classes, names_around
from assay.data.pixels import MOST_EXAMPLES, laid_out
from assay.data.raw_part import RawPart
from assay.data.readers.csv_rows import Row, in_blocks, rows_of
from assay.data.readers.siblings import TRAIN, part_files
from assay.errors import DataError, shown, suggestion

OPTIONS = ("label", "shape")
LABEL = ("label", "labels", "class", "target", "y")
MOST_COLUMNS = 200_000  # an image of 256 x 256 in three colours has 196,608


def open_csv(address: Address) -> Source:
    """Open ``csv:FILE``: a label and the pixels of an image in each row, with or without a header.

    The label is in the column that ``?label=NAME`` names, else in one called label, else in the first.
    Every other column is a pixel, except those of text and the one of the study's groups. Files called alike
    for the other parts (``test.csv`` beside ``train.csv``) are read too, unless they have no labels.
    """
    files = part_files(address)
    tables = {part: _Table(path, address) for part, path in files.items()}
    notes = []
    for part in [part for part in tables if part != "train"]:
        if address.beside(part) is None and tables[part].unlabelled_beside(tables["train"]):
            notes.append(f"{files[part].name}: has no labels, left out")
            del tables[part]
    shape = address.whole_numbers("shape", (2, 3))
    parts = {part: table.read(shape) for part, table in tables.items()}
    words = names_around(address.path.parent, address.path.name)
    codes, names = _classes(address.path, words, parts)
    by = "by its name" if is_emnist(words[:1]) else "by its folder's name"
    orientation = Orientation(True, by) if is_emnist(words) else AS_STORED
    return assembled(
        parts, str(address.path), names=names, codes=codes, address=address, orientation=orientation,
        notes=tuple(notes),
    )  # fmt: skip


def _classes(
    path: Path, words: list[str], parts: dict[str, RawPart]
) -> tuple[list[int] | None, tuple[str, ...] | None]:
    """Return the labels and names of a set with a mapping file beside it, or of one that is known."""
    mapping = path.with_name(f"{TRAIN.split(path.name)[0]}mapping.txt")
    if mapping.is_file():
        return read_mapping(mapping)
    labels = np.concatenate([part.labels for part in parts.values()])
    if labels.dtype.kind not in "bui" or labels.max() > 255:
        return None, None
    return known_classes(words, labels) or (None, None)


@dataclass(frozen=True)
class _Columns:
    """Which columns hold the label, the groups and the pixels; whether the first row is a ``header``."""

    header: bool
    label: int
    group: int | None
    pixels: tuple[int, ...]


class _Table:
    """A file with its columns."""

    def __init__(self, path: Path, address: Address) -> None:
        self.path, self.address = path, address
        rows = [line for _, line in islice(rows_of(path), 2)]
        for number, row in enumerate(rows, start=1):
            if (columns := row.count(",") + 1) > MOST_COLUMNS:
                raise DataError(
                    f"{path}: row {number}: {columns:,} columns, expected a label and pixels, at most "
                    f"{MOST_COLUMNS:,} (no table of images?)"
                )
        if not rows:
            raise DataError(f"{path}: is empty, expected rows of a label and pixels")
        self.names = _fields(rows[0])
        self.first = _fields(rows[1]) if len(rows) > 1 else self.names
        self.columns = self._columns()

    def unlabelled_beside(self, train: "_Table") -> bool:
        """Whether this file has the training file's pixels and no label, as Kaggle's test files."""
        return len(self.names) == len(train.names) - 1 and (
            not train.columns.header or train.names[train.columns.label] not in self.names
        )

    def _columns(self) -> _Columns:
        header = not all(map(_is_number, self.names[1:]))
        if header and self.first is self.names:
            raise DataError(f"{self.path}: contains no examples, only a header")
        names = [name.lower() for name in self.names] if header else []
        label, group = self._column("label", names, LABEL), None
        if self.address.groups is not None:
            group = self._named(self.address.groups, names)
        others = [k for k in range(len(self.names)) if k not in (label, group)]
        first = self.first + [""] * (len(self.names) - len(self.first))
        pixels = tuple(k for k in others if not header or _is_number(first[k]))
        if len(self.names) < 2:
            raise DataError(
                f"{self.path}: row 1: one column, expected a label and pixels, separated by commas"
            )
        if not pixels:
            raise DataError(
                f"{self.path}: row 2: no numbers beside the label, expected pixels (pictures in files are "
                "read from a folder for each class: images:DIR)"
            )
        return _Columns(header, label, group, pixels)

    def _column(self, option: str, names: list[str], known: tuple[str, ...]) -> int:
        if option in self.address.options:
            return self._named(self.address.options[option], names)
        return next((names.index(name) for name in known if name in names), 0)

    def _named(self, name: str, names: list[str]) -> int:
        if name.lower() not in names:
            held = suggestion(name, self.names) if names else "it has no header"
            raise DataError(f"{self.path}: no column {shown(name)} ({held})")
        return names.index(name.lower())

    def read(self, shape: tuple[int, ...] | None) -> RawPart:
        """Read all rows."""
        columns, pixels = self.columns, bytearray()
        laid_out(str(self.path), np.empty((0, len(columns.pixels)), np.uint8), shape)  # before all is read
        labels, groups = Values(str(self.path), MOST_CLASSES), Values(str(self.path), MOST_EXAMPLES)
        count = 0
        every = rows_of(self.path)
        if columns.header:
            next(every)
        for rows in in_blocks(every):
            count += len(rows)
            if count > MOST_EXAMPLES:
                raise DataError(f"{self.path}: more than {MOST_EXAMPLES:,} rows")
            labels.add(_labels(self._texts(rows, columns.label)))
            if columns.group is not None:
                groups.add(self._texts(rows, columns.group))
            pixels += self._pixels(rows).data
        images = np.frombuffer(pixels, np.uint8).reshape(count, -1)
        laid = laid_out(str(self.path), images, shape)
        grouped = None if columns.group is None else groups.joined()
        return RawPart(laid, labels.joined(), str(self.path), grouped)

    def _texts(self, rows: list[Row], column: int) -> list[str]:
        """Return the text of a column in some rows."""
        split = [line.split(",", column + 1) for _, line in rows]
        if any(len(fields) <= column for fields in split):
            raise self._wrong(rows)
        texts = [_clean(fields[column]) for fields in split]
        for (number, _), text in zip(rows, texts, strict=True):
            if len(text) > LONGEST_LABEL:
                raise DataError(
                    f"{self.path}: row {number:,}, column {column + 1:,}: {len(text):,} characters, "
                    f"expected at most {LONGEST_LABEL:,}"
                )
        return texts

    def _pixels(self, rows: list[Row]) -> Images:
        """Return the pixels of some rows as bytes; `DataError` names the first that is not a pixel."""
        wanted = self.columns.pixels
        try:
            values = np.loadtxt(
                [line for _, line in rows], np.float32, delimiter=",", usecols=wanted, ndmin=2, comments=None,
                quotechar='"',
            )  # fmt: skip
        except ValueError:
            raise self._wrong(rows) from None
        with np.errstate(invalid="ignore"):
            good = (values >= 0) & (values <= 255) & (values == np.rint(values))
        if not good.all() or any(line.count(",") != len(self.names) - 1 for _, line in rows):
            raise self._wrong(rows)
        return values.astype(np.uint8)

    def _wrong(self, rows: list[Row]) -> DataError:
        """Return the error for the first row that is wrong."""
        for number, line in rows:
            if (columns := line.count(",") + 1) != len(self.names):
                return DataError(
                    f"{self.path}: row {number:,}: {columns:,} columns, expected {len(self.names):,}"
                )
            fields = _fields(line)
            for k in self.columns.pixels:
                if not _is_pixel(fields[k]):
                    return DataError(
                        f"{self.path}: row {number:,}, column {k + 1:,}: {shown(fields[k])}, expected a "
                        "whole number from 0 to 255"
                    )
        return DataError(f"{self.path}: rows {rows[0][0]:,} to {rows[-1][0]:,} cannot be read as numbers")


def _labels(labels: list[str]) -> list[str] | list[int]:
    """Return labels as whole numbers where all are, else as text."""
    if all(label.isdecimal() and len(label) < 10 for label in labels):
        return [int(label) for label in labels]
    return labels


def _fields(line: str) -> list[str]:
    return [_clean(field) for field in line.split(",")]


def _clean(field: str) -> str:
    return field.strip().strip('"').strip()


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_pixel(field: str) -> bool:
    return _is_number(field) and 0 <= float(field) <= 255 and float(field).is_integer()

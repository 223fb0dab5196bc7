"""Parquet files, as on the Hugging Face Hub: a column of pictures and one of labels."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.address import Address
from assay.data.arrays import LONGEST_LABEL, as_labels
from assay.data.assembly import RawPart, assembled
from assay.data.examples import Source
from assay.data.picture_files import Form, fitted, opened, sample, show_colour
from assay.data.pixels import allocated, expect_count
from assay.data.readers.siblings import part_files
from assay.errors import DataError, shown, some, suggestion

OPTIONS = ("images", "labels", "size", "colour")
IMAGES, LABELS = ("image", "images", "img"), ("label", "labels", "fine_label", "class", "target")
AT_ONCE, PICTURES_AT_ONCE = 256, 16  # rows; one picture may stand for all of them
LARGEST = 1 << 26  # bytes of one picture
SIDE, LARGEST_SIDE = 32, 96
RATIO, FREE = 200, 48 << 20
LOOKED_AT = 64


def open_parquet(address: Address) -> Source:
    """Open ``parquet:FILE``: pictures as PNG or JPEG in a column, and labels in another.

    ``?images=NAME&labels=NAME`` names the columns; sizes and colour are as for ``images:DIR``. The classes'
    names are those that the file itself has. Needs pyarrow (``pip install "assay[parquet]"``).
    """
    tables = {part: _Table(path, address) for part, path in part_files(address).items()}
    form = _form(address, tables["train"])
    parts = {part: table.read(form) for part, table in tables.items()}
    said = (
        f"pictures: brought to {form.size[0]} x {form.size[1]}, read in {'colour' if form.colour else 'grey'}"
    )
    return assembled(
        parts, str(address.path), names=tables["train"].classes(), address=address, notes=(said,)
    )


class _Table:
    """A file with the columns that are wanted."""

    def __init__(self, path: Path, address: Address) -> None:
        self.path = path
        self.file = _opened(path)
        names = self.file.schema_arrow.names
        self.images = self._column(address, "images", IMAGES, names)
        self.labels = self._column(address, "labels", LABELS, names)
        self.groups = address.groups
        if address.groups is not None and address.groups not in names:
            raise DataError(f"{path}: no column {address.groups!r} ({suggestion(address.groups, names)})")
        expect_count(str(path), self.file.metadata.num_rows)

    def _column(self, address: Address, key: str, known: tuple[str, ...], names: list[str]) -> str:
        wanted = (address.options[key],) if key in address.options else known
        for name in wanted:
            if name in names:
                return name
        raise DataError(f"{self.path}: no column of {key} (name it with ?{key}=NAME; columns: {some(names)})")

    def classes(self) -> tuple[str, ...] | None:
        """Return the names of the labels where the file has them."""
        kept = (self.file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
        try:
            names = json.loads(kept)["info"]["features"][self.labels]["names"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return tuple(map(str, names)) if isinstance(names, list) and names else None

    def rows(self, column: str, many: int = AT_ONCE) -> Iterator[list[Any]]:
        """Yield the values of a column, ``many`` at a time."""
        try:
            for batch in self.file.iter_batches(many, columns=[column], use_threads=False):
                yield batch.column(0).to_pylist()
        except (
            OSError,
            ValueError,
            MemoryError,
            NotImplementedError,
        ) as error:  # pyarrow's own are among these
            raise _damaged(self.path, error) from None

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Yield each picture with its name in errors."""
        index, total, most = 0, 0, max(FREE, RATIO * self.path.stat().st_size)
        for values in self.rows(self.images, PICTURES_AT_ONCE):
            for value in values:
                content = value.get("bytes") if isinstance(value, dict) else value
                name = f"{self.path}: row {index:,}"
                if not isinstance(content, bytes) or len(content) > LARGEST:
                    raise DataError(f"{name}: no picture in column {self.images!r} (expected PNG or JPEG)")
                if (total := total + len(content)) > most:
                    raise DataError(f"{name}: its pictures take more than {most:,} bytes (damaged?)")
                yield name, content
                index += 1

    def read(self, form: Form) -> RawPart:
        """Read all rows."""
        images = allocated(str(self.path), (self.file.metadata.num_rows, *form.shape))
        for index, (name, content) in enumerate(self.pictures()):
            with opened(content, name) as image:
                images[index] = fitted(image, form, name)
        groups = None if self.groups is None else self._values(self.groups)
        return RawPart(images, self._values(self.labels), f"{self.path}: column {self.labels!r}", groups)

    def _values(self, column: str) -> NDArray[Any]:
        values: list[Any] = []
        for part in self.rows(column, PICTURES_AT_ONCE):
            for value in part:
                if value is None:
                    raise DataError(f"{self.path}: row {len(values):,}: nothing in column {column!r}")
                long = isinstance(value, str | bytes) and len(value) > LONGEST_LABEL
                if long or isinstance(value, list | dict):
                    raise DataError(
                        f"{self.path}: row {len(values):,}: {shown(value)} in column {column!r}, "
                        "expected whole numbers or text"
                    )
                values.append(value)
        return as_labels(f"{self.path}: column {column!r}", np.array(values))


def _opened(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError(f'{path}: needs pyarrow (pip install "assay[parquet]")') from None
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError, MemoryError) as error:
        raise _damaged(path, error) from None
    _expect_ratio(path, file.metadata)
    return file


def _expect_ratio(path: Path, metadata: Any) -> None:
    """Refuse a file whose columns say that they are far larger than it."""
    declared = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    size = path.stat().st_size
    if declared > max(FREE, RATIO * size):
        raise DataError(f"{path}: declares {declared:,} bytes of data but has {size:,} (damaged?)")


def _damaged(path: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())[:100] or type(error).__name__
    return DataError(f"{path}: no Parquet file, or damaged ({reason}; get the file again)")


def _form(address: Address, table: _Table) -> Form:
    """Return the form that all pictures are brought to, after the first ones."""
    sizes, seen = set(), []
    for name, content in islice(table.pictures(), LOOKED_AT):
        with opened(content, name) as image:
            sizes.add((image.height, image.width))
            seen.append(sample(image, name))
    colour = address.flag("colour")
    own = sizes.pop() if len(sizes) == 1 else (SIDE, SIDE)
    asked = address.whole_numbers("size", (1, 2), most=1024)
    size = (asked[0], asked[-1]) if asked else own if max(own) <= LARGEST_SIDE else (SIDE, SIDE)
    return Form(size, show_colour(seen) if colour is None else colour)

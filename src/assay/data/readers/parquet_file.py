"""Parquet files, as on the Hugging Face Hub: a column of pictures or lists of pixels, and one of labels."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from assay.data import expansion
from assay.data.address import Address
from assay.data.arrays import LONGEST_LABEL, Values, as_labels
from assay.data.assembly import assembled
from assay.data.class_numbers import MOST_CLASSES
from assay.data.examples import Source
from assay.data.picture_files import Form, fitted, opened, sample, show_colour
from assay.data.pixels import allocated, expect_count
from assay.data.raw_part import RawPart
from assay.data.readers import parquet_layout
from assay.data.readers.parquet_column import ParquetColumn, damaged
from assay.data.readers.parquet_lists import images_in
from assay.data.readers.parquet_pages import LARGEST
from assay.data.readers.siblings import part_files
from assay.errors import DataError, shown, some, suggestion

OF_PICTURES, OF_LISTS = ("size", "colour"), ("shape",)
OPTIONS = ("images", "labels", *OF_PICTURES, *OF_LISTS)
IMAGES, LABELS = ("image", "images", "img", "pixels"), ("label", "labels", "fine_label", "class", "target")
BUFFER = 1 << 20  # bytes of a file read at a time
SHARED = 20  # times that all pictures may stand in rows
SIDE, LARGEST_SIDE = 32, 96
LOOKED_AT = 64


def open_parquet(address: Address) -> Source:
    """Open ``parquet:FILE``: PNG or JPEG files, or lists of numbers, in a column, and labels in another.

    ``?images=NAME&labels=NAME`` names the columns; sizes and colour are as for ``images:DIR``, and the shape
    of lists as for ``csv:FILE``. The classes' names are those that the file itself has. Needs pyarrow
    (``pip install "assay[parquet]"``).
    """
    tables = {part: _Table(path, address) for part, path in part_files(address).items()}
    form = None if tables["train"].lists else _form(address, tables["train"])
    parts = {part: table.read(form) for part, table in tables.items()}
    colour = "colour" if form and form.colour else "grey"
    said = (f"pictures: brought to {form.size[0]} x {form.size[1]}, read in {colour}",) if form else ()
    return assembled(parts, str(address.path), names=tables["train"].classes(), address=address, notes=said)


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
        self.count = self.file.metadata.num_rows
        expect_count(str(path), self.count)
        wanted = [self.images, self.labels, *([self.groups] if self.groups else [])]
        self.columns = {name: ParquetColumn(path, self.file, name, name == self.images) for name in wanted}
        self.lists = self.columns[self.images].lists
        self.shape = address.whole_numbers("shape", (2, 3))
        self.holds = (
            f"{path}: column {self.images!r} holds {'lists of numbers' if self.lists else 'pictures'}"
        )
        for key in OF_PICTURES if self.lists else OF_LISTS:
            if key in address.options:
                raise DataError(f"{self.holds}, which have no option {key}")

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

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Yield each picture with its name in errors."""
        index, total, most = 0, 0, self._most()
        for content in self.columns[self.images].values():
            name = f"{self.path}: row {index:,}"
            if index == self.count:
                raise DataError(f"{name}: more rows than the {index:,} that were promised (damaged?)")
            if not isinstance(content, bytes):
                raise DataError(f"{name}: no picture in column {self.images!r} (expected PNG or JPEG)")
            if len(content) > LARGEST:
                raise DataError(f"{name}: a picture of more than {LARGEST:,} bytes (give a smaller copy)")
            if (total := total + len(content)) > most:
                raise DataError(f"{name}: its pictures take more than {most:,} bytes (damaged?)")
            yield name, content
            del content  # before the next one is there
            index += 1
        if index < self.count:
            raise DataError(f"{self.path}: {index:,} pictures in {self.count:,} rows (damaged?)")

    def _most(self) -> int:
        """Return the bytes that all pictures may take, of which rows may share some."""
        groups = range(self.file.metadata.num_row_groups)
        declared = sum(self.file.metadata.row_group(group).total_byte_size for group in groups)
        return min(expansion.most(self.path.stat().st_size), max(expansion.FREE, SHARED * int(declared)))

    def read(self, form: Form | None) -> RawPart:
        """Read all rows, of pictures in a ``form``; labels first, which are small."""
        if self.lists != (form is None):
            raise DataError(f"{self.holds}, unlike the training images'")
        place = f"{self.path}: column {self.labels!r}"
        labels = self._values(self.labels, MOST_CLASSES)
        groups = None if self.groups is None else self._values(self.groups, self.count)
        if form is None:
            images = images_in(self.columns[self.images], self.count, self.shape)
            return RawPart(images, labels, place, groups)
        images = allocated(str(self.path), (self.count, *form.shape))
        rows = iter(images)
        for name, content in self.pictures():  # enumerate would keep the last one until the next is there
            next(rows)[:] = _fitted(content, form, name)
            del content
        return RawPart(images, labels, place, groups)

    def _values(self, column: str, different: int) -> NDArray[Any]:
        """Return labels or groups; of text at most so many that are ``different``."""
        place, start = f"{self.path}: column {column!r}", 0
        found = Values(place, different)
        for values in self.columns[column].some():
            for index, value in enumerate(values, start):
                if value is None:
                    raise DataError(f"{self.path}: row {index:,}: nothing in column {column!r}")
                if isinstance(value, str | bytes) and len(value) > LONGEST_LABEL:
                    raise DataError(
                        f"{self.path}: row {index:,}: {shown(value)} in column {column!r}, "
                        "expected whole numbers or text"
                    )
            start += len(values)
            found.add(values)
        if start != self.count:
            raise DataError(f"{place}: {start:,} values in {self.count:,} rows (damaged?)")
        return as_labels(place, found.joined())


def _opened(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError(f'{path}: needs pyarrow (pip install "assay[parquet]")') from None
    try:
        parquet_layout.expect_few_columns(path)
        file = parquet.ParquetFile(path, buffer_size=BUFFER)
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:  # pyarrow's own among them
        raise damaged(path, error) from None
    _expect_sizes(path, file.metadata)
    return file


def _expect_sizes(path: Path, metadata: Any) -> None:
    """Refuse a file whose columns say that they are far larger than it, or whose rows do not add up."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    declared, size = sum(group.total_byte_size for group in groups), path.stat().st_size
    if declared > expansion.most(size):
        raise DataError(f"{path}: declares {declared:,} bytes of data but has {size:,} (damaged?)")
    if (rows := sum(group.num_rows for group in groups)) != metadata.num_rows:
        raise DataError(f"{path}: declares {metadata.num_rows:,} rows, its row groups {rows:,} (damaged?)")


def _fitted(content: bytes, form: Form, name: str) -> NDArray[Any]:
    """Return a picture's pixels; nothing else is left of it."""
    with opened(content, name) as image:
        return fitted(image, form, name)


def _form(address: Address, table: _Table) -> Form:
    """Return the form that all pictures are brought to, after the first ones."""
    sizes, seen = set(), []
    for name, content in islice(table.pictures(), LOOKED_AT):
        with opened(content, name) as image:
            sizes.add((image.height, image.width))
            seen.append(sample(image, name))
        del image, content
    colour = address.flag("colour")
    own = sizes.pop() if len(sizes) == 1 else (SIDE, SIDE)
    asked = address.whole_numbers("size", (1, 2), most=1024)
    size = (asked[0], asked[-1]) if asked else own if max(own) <= LARGEST_SIDE else (SIDE, SIDE)
    return Form(size, show_colour(seen) if colour is None else colour)

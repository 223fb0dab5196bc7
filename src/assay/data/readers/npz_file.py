"""NumPy archives, ``.npz``: one with all parts, or one a part, read array by array and never unpickled."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from assay.data import expansion
from assay.data.address import Address
from assay.data.archive import DAMAGES, LONGEST
from assay.data.arrays import as_labels, blocks, expect_labels
from assay.data.assembly import assembled
from assay.data.examples import Source
from assay.data.pixels import as_bytes, expect_count, laid_out
from assay.data.raw_part import RawPart
from assay.data.readers.siblings import part_files
from assay.errors import DataError, shown, some, suggestion

OPTIONS = ("images", "labels", "shape")
IMAGES = ("images", "inputs", "x", "data", "imgs", "arr_0")
LABELS = ("labels", "targets", "y", "label", "arr_1")
PARTS = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
PIECE = 1 << 20  # bytes of an array read at a time, which are then there several times
LONGEST_HEADER = 10_000  # characters
FREE_LABELS = 16 << 20  # what labels may expand to, however small they are packed


def open_npz(address: Address) -> Source:
    """Open ``npz:FILE``: arrays of images and labels, for one part or for several.

    ``?images=NAME&labels=NAME`` names the arrays; else they are found by the names in use. Training,
    validation and test images may lie in one file (``x_train``, ``test_images``) or in three that are
    called alike (``emnist-train.npz``).
    """
    files = part_files(address)
    archives = {part: _Archive(path) for part, path in files.items()}
    one = archives["train"]
    parts: dict[str, RawPart] = {}
    for part, words in PARTS.items():
        if len(files) == 1 and (names := one.names_of(words)):
            parts[part] = _part(one, names, address)
    if "train" not in parts:
        parts = {part: _part(archive, archive.names(address), address) for part, archive in archives.items()}
    return assembled(parts, str(address.path), address=address)


def _part(archive: "_Archive", names: tuple[str, str], address: Address) -> RawPart:
    shape = address.whole_numbers("shape", (2, 3))
    images = laid_out(archive.place(names[0]), archive.pixels(names[0]), shape)
    groups = None if address.groups is None else archive.labels(archive.like(names[1], address.groups))
    return RawPart(images, archive.labels(names[1]), archive.place(names[1]), groups)


@dataclass(frozen=True)
class _Array:
    """An array in an archive, of which only the header has been read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int


class _Archive:
    """The arrays of a file by their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = self._members()

    def _members(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        try:
            with zipfile.ZipFile(self.path) as opened:
                members = opened.infolist()
        except DAMAGES as error:
            raise self._damaged(error) from error
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in found:
                raise DataError(f"{self.place(name)} appears twice (not written by NumPy)")
            if member.flag_bits & 1:
                raise DataError(f"{self.place(name)} is encrypted")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(f"{self.place(name)} uses compression method {member.compress_type}")
            self._expect_size(name, member)
            found[name] = member
        return found

    def _expect_size(self, name: str, member: zipfile.ZipInfo, free: int | None = None) -> None:
        if member.file_size > expansion.most(member.compress_size, free):
            sizes = f"{member.compress_size:,} bytes to {member.file_size:,}"
            raise DataError(f"{self.place(name)} expands {sizes} (damaged?)")

    def place(self, name: str) -> str:
        """Return how an array is called in errors."""
        return f"{self.path}: array {shown(name)}"

    def names_of(self, words: tuple[str, ...]) -> tuple[str, str] | None:
        """Return the names of the images and labels of a part: ``x_train`` or ``train_images``."""
        both = []
        for kinds in (IMAGES, LABELS):
            wanted = {f"{a}_{b}" for kind in kinds for word in words for a, b in ((kind, word), (word, kind))}
            both += [name for name in self.members if name.lower() in wanted][:1]
        return (both[0], both[1]) if len(both) == 2 else None

    def names(self, address: Address) -> tuple[str, str]:
        """Return the names of the images and labels that were asked for, or are in use."""
        images, labels = (
            self._name(address, key, known) for key, known in (("images", IMAGES), ("labels", LABELS))
        )
        return images, labels

    def _name(self, address: Address, key: str, known: tuple[str, ...]) -> str:
        wanted = (address.options[key],) if key in address.options else known
        lower = {name.lower(): name for name in reversed(self.members)}
        for name in wanted:
            if name.lower() in lower:
                return lower[name.lower()]
        named = f"no array {wanted[0]!r}" if key in address.options else f"no array of {key}"
        held = some(self.members)
        raise DataError(f"{self.path}: {named} (name it with ?{key}=NAME; arrays: {held})")

    def like(self, labels: str, groups: str) -> str:
        """Return the name of the array of groups that goes with the array ``labels``."""
        words = [word for parts in PARTS.values() for word in parts if word in labels.lower().split("_")]
        tried = [f"{groups}_{word}" for word in words] + [f"{word}_{groups}" for word in words]
        for name in [*tried, groups, f"{groups}s"]:
            if name in self.members:
                return name
        raise DataError(f"{self.path}: no array {groups!r} ({suggestion(groups, self.members)})")

    def pixels(self, name: str) -> NDArray[np.uint8]:
        """Return an array of images as bytes, in memory once."""
        array = self._header(name)
        if len(array.shape) < 2 or 0 in array.shape[1:]:
            raise DataError(f"{self.place(name)}: has shape {array.shape}, expected images (N, H, W)")
        if array.fortran:  # images are not one after the other: read as a whole
            whole = self._whole(name, array, one=True).reshape(array.shape, order="F")
            return as_bytes(self.place(name), array.shape, array.dtype, lambda: blocks(whole))
        return as_bytes(self.place(name), array.shape, array.dtype, lambda: self._rows(name, array))

    def labels(self, name: str) -> NDArray[Any]:
        """Return an array of labels or groups, whole numbers or text."""
        array, member = self._header(name), self.members[name]
        expect_count(self.place(name), array.shape[0] if array.shape else 0)
        expect_labels(self.place(name), array.shape, array.dtype)
        self._expect_size(name, member, FREE_LABELS)
        return as_labels(self.place(name), self._whole(name, array))

    def _whole(self, name: str, array: _Array, *, one: bool = False) -> NDArray[Any]:
        """Return what `_rows` yields, in memory once."""
        shape = (prod(array.shape),) if one else array.shape
        whole, done = np.empty(shape, array.dtype), 0
        for rows in self._rows(name, array, one=one):
            whole[done : done + len(rows)] = rows
            done += len(rows)
        return whole

    def _header(self, name: str) -> _Array:
        member, place = self.members[name], self.place(name)
        try:
            with zipfile.ZipFile(self.path) as opened, opened.open(member) as file:
                version = npy.read_magic(file)
                read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
                shape, fortran, dtype = read(file, max_header_size=LONGEST_HEADER)
                start = file.tell()
        except KeyError:
            raise DataError(f"{place}: unknown version of the array format") from None
        except (
            Exception
        ) as error:  # NumPy's reader raises many kinds of error, and so does Python's tokenizer
            raise DataError(f"{place}: unreadable array header ({_reason(error)})") from None
        if dtype.hasobject:
            raise DataError(f"{place}: holds Python objects; refused (they can run code)")
        if any(type(size) is not int or size < 0 for size in shape):
            raise DataError(f"{place}: bad shape {shape}")
        expected, found = prod(shape) * dtype.itemsize, member.file_size - start
        if expected != found or not dtype.itemsize:
            raise DataError(f"{place}: header declares {expected:,} bytes but {found:,} follow (damaged?)")
        return _Array(shape, dtype, fortran, start)

    def _rows(self, name: str, array: _Array, *, one: bool = False) -> Iterator[NDArray[Any]]:
        """Yield an array's rows, some at a time; with ``one``, its values one after the other."""
        row = () if one else array.shape[1:]
        size = array.dtype.itemsize * prod(row)
        many = max(1, PIECE // size) * size
        left = prod(array.shape) * array.dtype.itemsize
        try:
            with zipfile.ZipFile(self.path) as opened, opened.open(self.members[name]) as file:
                file.read(array.start)
                while left:
                    piece = file.read(min(many, left))
                    if not piece or len(piece) % size:
                        raise EOFError("the array ends early")
                    left -= len(piece)
                    yield np.frombuffer(piece, array.dtype).reshape(-1, *row)
                file.read(1)  # the end, where the checksum is compared
        except DAMAGES as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> DataError:
        if isinstance(error, OSError) and error.strerror:
            return DataError(f"{self.path}: cannot be read: {error.strerror}")
        return DataError(f"{self.path}: no NumPy archive, or damaged: {_reason(error)} (get the file again)")


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__

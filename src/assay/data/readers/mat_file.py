"""MATLAB files of version 5: EMNIST's own, and arrays called X and y as in SVHN's."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.data.address import Address
from assay.data.arrays import as_labels, blocks
from assay.data.assembly import Orientation, assembled
from assay.data.examples import Source
from assay.data.known_classes import Names
from assay.data.pixels import as_bytes, laid_out
from assay.data.raw_part import RawPart
from assay.data.readers import mat_elements
from assay.data.readers.siblings import part_files
from assay.errors import DataError, some, suggestion

OPTIONS = ("images", "labels", "shape")
IMAGES, LABELS = ("images", "x", "inputs", "data"), ("labels", "y", "targets")
MOST_CODES = 256


def open_mat(address: Address) -> Source:
    """Open ``mat:FILE``: EMNIST's structure ``dataset``, or arrays of images and labels.

    EMNIST's files hold training and test images, whose writers ``groups = "writer"`` keeps apart, and the
    classes' characters. Arrays have one image a row, (N, D), (N, H, W) or (H, W, C, N) as in SVHN's, and
    are named by ``?images=NAME&labels=NAME``, or found by the names in use.
    """
    files = part_files(address)
    contents = {part: _load(path) for part, path in files.items()}
    first = contents["train"]
    if isinstance(first.get("dataset"), dict):
        return _emnist(address, first["dataset"])
    parts = {part: _part(address, files[part], content) for part, content in contents.items()}
    return assembled(parts, str(address.path), address=address)


def _load(path: Path) -> Mapping[str, Any]:
    """Return the variables of a file; structures as dictionaries."""
    from scipy.io import loadmat

    try:
        mat_elements.check(path)
        with warnings.catch_warnings(action="ignore"):  # of names that stand twice
            found: Mapping[str, Any] = loadmat(path, simplify_cells=True)
        return found
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{path}: does not fit in memory") from None
    except Exception as error:  # SciPy's reader raises many kinds of error for a damaged file
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path}: cannot be read as a MATLAB file ({reason})") from error


def _emnist(address: Address, content: Mapping[str, Any]) -> Source:
    parts = {}
    for name in ("train", "test"):
        given = content.get(name)
        if not isinstance(given, Mapping) or not {"images", "labels"} <= given.keys():
            raise DataError(f"{address.path}: dataset.{name} lacks images or labels (expected EMNIST's file)")
        parts[name] = _read(address, f"{address.path}: dataset.{name}", given, "images", "labels")
    codes, names = _mapping(address.path, content.get("mapping"))
    return assembled(
        parts, str(address.path), names=names, codes=codes, address=address,
        orientation=Orientation(True, "MATLAB's order of pixels"),
    )  # fmt: skip


def _mapping(path: Path, mapping: object) -> Names | tuple[None, None]:
    """Return the labels and characters of EMNIST's mapping, rows of a label and its character codes."""
    if mapping is None:
        return None, None
    table = np.atleast_2d(np.asarray(mapping))
    good = table.ndim == 2 and table.shape[1] >= 2 and table.dtype.kind in "uif" and len(table) <= MOST_CODES
    good = good and bool(np.isfinite(table).all())
    rows = table[:, :2].astype(np.int64) if good else np.zeros((0, 2), np.int64)
    if not len(rows) or rows.min() < 0 or rows.max() > 0x10FFFF:
        raise DataError(f"{path}: dataset.mapping is no table of labels and character codes")
    return [int(code) for code in rows[:, 0]], tuple(chr(code) for code in rows[:, 1])


def _part(address: Address, path: Path, content: Mapping[str, Any]) -> RawPart:
    held = {name: value for name, value in content.items() if isinstance(value, np.ndarray)}
    names = []
    for key, known in (("images", IMAGES), ("labels", LABELS)):
        wanted = (address.options[key],) if key in address.options else known
        lower = {name.lower(): name for name in held}
        name = next((lower[word.lower()] for word in wanted if word.lower() in lower), None)
        if name is None:
            raise DataError(f"{path}: no array of {key} (name it with ?{key}=NAME; arrays: {some(held)})")
        names.append(name)
    return _read(address, str(path), held, *names)


def _read(address: Address, where: str, held: Mapping[str, Any], images: str, labels: str) -> RawPart:
    """Return arrays as a part: an image a row, as MATLAB lays them out."""
    found = as_labels(f"{where}.{labels}", np.atleast_1d(np.asarray(held[labels])))
    pixels = np.asarray(held[images])
    if pixels.ndim == 4 and pixels.shape[3] == len(found) != pixels.shape[0]:
        pixels = np.moveaxis(pixels, 3, 0)
    if pixels.ndim < 2:
        raise DataError(f"{where}.{images}: has shape {pixels.shape}, expected one image a row")
    read = as_bytes(f"{where}.{images}", pixels.shape, pixels.dtype, lambda: blocks(pixels))
    laid = laid_out(f"{where}.{images}", read, address.whole_numbers("shape", (2, 3)))
    return RawPart(laid, found, f"{where}.{labels}", _groups(address, where, held))


def _groups(address: Address, where: str, held: Mapping[str, Any]) -> NDArray[Any] | None:
    if address.groups is None:
        return None
    for name in (address.groups, f"{address.groups}s"):
        if name in held:
            return as_labels(f"{where}.{name}", np.atleast_1d(np.asarray(held[name])))
    raise DataError(f"{where}: no array {address.groups!r} ({suggestion(address.groups, held)})")

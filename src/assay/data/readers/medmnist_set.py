"""A set of MedMNIST, where its package is installed and has downloaded it."""

import os
from typing import Any

from assay.data.address import Address, expanded
from assay.data.examples import Source
from assay.data.readers.npz_file import open_npz
from assay.errors import DataError, suggestion

PREFIX = "medmnist/"


def open_medmnist(name: str) -> Source:
    """Open ``medmnist/NAME``, such as ``medmnist/pathmnist``: two-dimensional, one label an image.

    The file is the one that the package ``medmnist`` downloads, in ``~/.medmnist`` or the folder that the
    environment variable ``MEDMNIST`` names. Raises `DataError` where the package or the file is not there.
    """
    known = _known()
    key = name.removeprefix(PREFIX)
    if key not in known:
        raise DataError(f"data set {name!r} is unknown ({suggestion(key, known)})")
    if known[key]["task"] == "multi-label, binary-class":
        raise DataError(f"data set {name!r}: has several labels an image, expected one")
    path = expanded(os.environ.get("MEDMNIST") or "~/.medmnist") / f"{key}.npz"
    if not path.is_file():
        raise DataError(
            f"data set {name!r}: {path} is not there (python -m medmnist save --flag={key} gets it)"
        )
    found = open_npz(Address(name, path, {"inverted": "no"}))
    labels = known[key]["label"]
    names = tuple(str(labels[str(number)]) for number in range(len(labels)))
    if len(names) != len(found.classes):
        raise DataError(f"{path}: holds {len(found.classes)} classes, expected {len(names)}")
    return Source(names, found.pool, found.test, valid=found.valid, notes=found.notes)


def _known() -> dict[str, Any]:
    """Return what the package says of its sets."""
    try:
        from medmnist.info import INFO
    except ImportError:
        raise DataError("medmnist: its package is not installed (pip install medmnist)") from None
    return {name: about for name, about in INFO.items() if "3d" not in name}

"""Loading a data set: opening or drawing it, and dividing it."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data import glyphs, remote
from assay.data.address import KINDS, Address, expanded
from assay.data.dataset import Dataset
from assay.data.examples import Source, Split
from assay.data.folder import OPTIONS, open_folder
from assay.data.hosted import NAMES
from assay.data.readers import csv_file, image_folder, mat_file, npz_file, parquet_file
from assay.data.readers.medmnist_set import PREFIX, open_medmnist
from assay.data.spec import ARRAY, GLYPHS, DataSpec
from assay.errors import DataError, nearest, shown, suggestion

GLYPHS_SEED = 0
FILES = {".npz": "npz", ".csv": "csv", ".gz": "csv", ".mat": "mat", ".parquet": "parquet"}
READERS: dict[str, tuple[Callable[[Address], Source], tuple[str, ...]]] = {
    "idx": (open_folder, OPTIONS),
    "images": (image_folder.open_images, image_folder.OPTIONS),
    "npz": (npz_file.open_npz, npz_file.OPTIONS),
    "csv": (csv_file.open_csv, csv_file.OPTIONS),
    "mat": (mat_file.open_mat, mat_file.OPTIONS),
    "parquet": (parquet_file.open_parquet, parquet_file.OPTIONS),
}
"""The reader of each kind of address, and the options that it takes besides those of all."""


def load(spec: DataSpec | str) -> Dataset:
    """Load the data set that ``spec`` names, from disk or by drawing it; nothing is downloaded.

    Raises `DataError` if a set is missing, damaged or smaller than requested.
    """
    if isinstance(spec, str):
        spec = DataSpec(source=spec)
    spec = _sized(spec)
    return Dataset.of(open_source(spec), spec)


def overlap(dataset: Dataset) -> int:
    """Count the test images that also occur, pixel for pixel, in train or valid."""
    seen = {_print(image) for split in (dataset.train, dataset.valid) for image in split.images}
    return sum(_print(image) in seen for image in dataset.test.images)


def _print(image: NDArray[np.uint8]) -> bytes:
    """Return an image's fingerprint: a set of them takes less memory than the images."""
    return blake2b(image.tobytes(), digest_size=16).digest()


def _sized(spec: DataSpec) -> DataSpec:
    """Return ``spec`` with the numbers of images that are drawn, where the set is unlimited."""
    return replace(spec, **spec.drawn_sizes()._asdict()) if spec.source == GLYPHS else spec


def open_source(spec: DataSpec) -> Source:
    """Return the examples that ``spec`` names as they are stored, before they are divided."""
    if spec.source == GLYPHS:
        return _glyphs(_sized(spec))
    if spec.source == ARRAY:
        raise DataError("data set 'array' is in memory alone (give it to assay.run as data=...)")
    kind, mark, _ = spec.source.partition(":")
    if mark and kind in READERS:
        read, options = READERS[kind]
        return read(Address.parse(spec.source, options, spec.groups))
    if spec.source.startswith(PREFIX):
        return open_medmnist(spec.source)
    if spec.source in NAMES:
        return remote.open_fetched(spec.source)
    raise DataError(f"data set {shown(spec.source)} is unknown ({_hint(spec.source)})")


def _hint(source: str) -> str:
    """Suggest what an unknown ``source`` may have been meant to be."""
    kind, mark, place = source.partition(":")
    if mark and place and kind.isidentifier():
        near = nearest(kind, KINDS)
        return f"did you mean {shown(f'{near}:{place}')}?" if near else suggestion(kind, KINDS)
    if _is_folder(source):
        return f"did you mean {f'{_kind_of(expanded(source))}:{source}'!r}?"
    if kind := FILES.get(Path(source).suffix.lower(), ""):
        return f"did you mean {f'{kind}:{source}'!r}?"
    part_of = [name for name in NAMES if name.startswith(f"{source}/")]
    if part_of:
        return f"did you mean {part_of[0]!r}? others: {', '.join(part_of[1:])}"
    own = ", ".join(f"{kind}:PATH" for kind in KINDS)
    return f"{suggestion(source, [GLYPHS, *NAMES])} data of your own: {own}"


def _kind_of(folder: Path) -> str:
    """Return what a folder seems to hold: pictures in folders, or else IDX files."""
    try:
        below = [entry for entry in islice(folder.iterdir(), 1000) if entry.is_dir()]
        return "images" if any(any(one.glob("*.[pPjJ][nNpP]*[gG]")) for one in below[:50]) else "idx"
    except OSError:
        return "idx"


def _is_folder(path: str) -> bool:
    """Whether ``path`` is a folder; False for text that cannot be a path at all."""
    try:
        return expanded(path).is_dir()
    except (OSError, ValueError):
        return False


def _glyphs(spec: DataSpec) -> Source:
    pool = Split(*glyphs.draw((spec.train or 0) + (spec.valid or 0), GLYPHS_SEED, "train"))
    test = Split(*glyphs.draw(spec.test or 0, GLYPHS_SEED, "test"))
    return Source(tuple(glyphs.CLASSES), pool, test, synthetic=True)

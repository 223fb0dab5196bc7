"""A data set written as IDX files, which this and other programs read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from assay.data.examples import Source, Split
from assay.data.idx import write_idx
from assay.data.idx_marks import MARK
from assay.data.loading import open_source
from assay.data.spec import DataSpec
from assay.errors import DataError, one_line, reason

NAMES = {"train": "train", "valid": "valid", "test": "t10k"}


def import_data(spec: DataSpec | str, out: Path | str) -> Path:
    """Write the data set that ``spec`` names into the folder ``out`` as IDX files, and return the folder.

    Every part that the source has is written whole, upright and light on dark: ``train-images-idx3-ubyte``
    (idx4 in colour) with its labels, the same for ``valid`` and ``t10k``, and the classes' names, one a
    line in ``classes.txt``, or as ``mapping.txt`` where all are single characters. The groups that ``spec``
    names go into ``train-GROUPS.txt``. Raises `DataError` for a source that cannot be read, and for a
    folder that is not empty or cannot be written.
    """
    spec = DataSpec(source=spec) if isinstance(spec, str) else spec
    folder = Path(out)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder}: is there already, expected a new or empty folder")
        source = open_source(spec)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, source, spec)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {reason(error)}") from error
    return folder


def _write(folder: Path, source: Source, spec: DataSpec) -> None:
    parts = {"train": source.pool, "valid": source.valid, "test": source.test}
    for part, split in parts.items():
        if split is not None:
            _write_part(folder, NAMES[part], split)
            if split.groups is not None:
                _write_lines(folder / f"{part}-{spec.groups}.txt", map(str, split.groups))
    if all(len(name) == 1 for name in source.classes):
        rows = (f"{label} {ord(name)}" for label, name in enumerate(source.classes))
        _write_lines(folder / "mapping.txt", rows)
    else:
        _write_lines(folder / "classes.txt", source.classes)
    said = [f"# {one_line(note)}" for note in source.notes]
    place = one_line(spec.source).replace("\\", "\\\\").replace('"', '\\"')
    marks = ["# Written by assay data import.", *said, f'source = "{place}"', "upright = true"]
    _write_lines(folder / MARK, marks)


def _write_part(folder: Path, name: str, split: Split) -> None:
    write_idx(folder / f"{name}-images-idx{split.images.ndim}-ubyte", split.images)
    write_idx(folder / f"{name}-labels-idx1-ubyte", split.labels.astype(np.uint8))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")

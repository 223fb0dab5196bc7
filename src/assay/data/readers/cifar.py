"""CIFAR-10 and CIFAR-100 in their binary version: records of one or two labels and 3 x 32 x 32 pixels."""

from pathlib import Path

import numpy as np

from assay.data.assembly import assembled
from assay.data.examples import Source
from assay.data.pixels import allocated, expect_count
from assay.data.raw_part import RawPart
from assay.data.readers.siblings import expect_file
from assay.data.text_lines import lines
from assay.errors import DataError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
AT_ONCE = 1_000  # records
FILES = {
    "cifar10": ([f"data_batch_{number}.bin" for number in range(1, 6)], ["test_batch.bin"], 1),
    "cifar100": (["train.bin"], ["test.bin"], 2),
}
NAMES = {"cifar10": "batches.meta.txt", "cifar100": "fine_label_names.txt"}


def open_cifar(folder: Path, name: str) -> Source:
    """Open the set ``name`` in ``folder``: "cifar10", or "cifar100" with its 100 fine labels."""
    train, test, labels = FILES[name]
    parts = {
        part: _read([folder / file for file in files], labels)
        for part, files in (("train", train), ("test", test))
    }
    names = tuple(line for line in lines(folder / NAMES[name], 200) if line)
    return assembled(parts, str(folder), names=names)


def _read(paths: list[Path], labels: int) -> RawPart:
    """Read the records of several files; the last of a record's labels counts."""
    counts = [_records(path, labels + PIXELS) for path in paths]
    images = allocated(str(paths[0].parent), (sum(counts), 32, 32, 3))
    found, done = np.empty(sum(counts), np.int64), 0
    for path, count in zip(paths, counts, strict=True):
        with path.open("rb") as file:
            for _ in range(0, count, AT_ONCE):
                content = file.read(AT_ONCE * (labels + PIXELS))
                rows = np.frombuffer(content, np.uint8).reshape(-1, labels + PIXELS)
                place = slice(done, done + len(rows))
                found[place] = rows[:, labels - 1]
                images[place] = np.moveaxis(rows[:, labels:].reshape(-1, *SHAPE), 1, -1)
                done += len(rows)
    return RawPart(images, found, str(paths[0]))


def _records(path: Path, size: int) -> int:
    expect_file(path)
    length = path.stat().st_size
    if length % size:
        raise DataError(f"{path}: {length:,} bytes are no whole number of records of {size:,} (truncated?)")
    expect_count(str(path), length // size)
    return length // size

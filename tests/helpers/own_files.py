"""Small data sets in the files that people have, and what is wrong with them when they are cut or changed."""

import numpy as np
import pytest
from bounded import bounded

from assay.data import Dataset, DataSpec, load
from assay.data.loading import open_source
from assay.errors import DataError

COUNT, SIDE = 40, 6


def grey(count=COUNT, side=SIDE, seed=0):
    """Return images that differ, dark with light strokes, and labels of four classes."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, side, side), np.uint8)
    images[:, 1:-1, 1:-1] = random.integers(0, 256, (count, side - 2, side - 2))
    return images, np.arange(count) % 4


def coloured(count=COUNT, side=SIDE, seed=0):
    """Return images in colour, and labels."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side, 3), dtype=np.uint8), np.arange(count) % 4


def opened(source, **more):
    """Return a source as it is stored."""
    return open_source(DataSpec(str(source), **more))


def refusal(source, path="", **more) -> str:
    """Return the one line with which a source is refused, within little work and memory."""
    with bounded(), pytest.raises(DataError) as caught:
        load(DataSpec(str(source), **more))
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def read_or_refused(source) -> Dataset | str:
    """Return what a source gives: a data set, or the one line that refuses it; any other error is one."""
    try:
        with bounded():
            return load(str(source))
    except DataError as error:
        return str(error)


def every_cut(path, source, steps=60):
    """Cut a file at many places, and change a byte at as many; yield what each of them gives."""
    whole = path.read_bytes()
    places = sorted({*range(0, len(whole), max(1, len(whole) // steps)), len(whole) - 1})
    for place in places:
        path.write_bytes(whole[:place])
        found = read_or_refused(source)
        assert not isinstance(found, str) or found.isprintable()
        yield found
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :])
        read_or_refused(source)
    path.write_bytes(whole)

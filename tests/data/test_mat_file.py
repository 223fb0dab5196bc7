"""MATLAB files, written by SciPy as MATLAB does, are read; what they declare is checked before."""

import struct
import zlib

import numpy as np
import pytest
from own_files import coloured, every_cut, grey, opened, refusal
from scipy.io import savemat

IMAGES, LABELS = grey()


def emnist(path, compressed=True):
    """Write what EMNIST's files hold: pixels column by column, writers, a mapping."""
    sideways = IMAGES.transpose(0, 2, 1).reshape(40, -1)
    part = {"images": sideways, "labels": LABELS[:, None] + 1.0, "writers": np.arange(40)[:, None] // 10}
    mapping = np.array([[k + 1, 65 + k, 97 + k] for k in range(4)])
    content = {
        "dataset": {"train": part, "test": {**part, "writers": part["writers"] + 4}, "mapping": mapping}
    }
    savemat(path, content, do_compression=compressed)
    return f"mat:{path}"


@pytest.mark.parametrize("compressed", [True, False])
def test_emnists_own(tmp_path, compressed):
    source = opened(emnist(tmp_path / "emnist.mat", compressed), groups="writer")
    np.testing.assert_array_equal(source.pool.images, IMAGES)
    np.testing.assert_array_equal(source.pool.labels, LABELS)
    np.testing.assert_array_equal(source.test.groups, 4 + np.arange(40) // 10)
    assert source.classes == tuple("ABCD")
    assert "transposed: yes (MATLAB's order of pixels)" in source.notes


def test_arrays_by_name_and_as_svhn_has_them(tmp_path):
    images, labels = coloured()
    for part in ("train", "test"):
        savemat(tmp_path / f"{part}_6x6.mat", {"X": images.transpose(1, 2, 3, 0), "y": labels[:, None] + 1})
    source = opened(f"mat:{tmp_path}/train_6x6.mat")
    np.testing.assert_array_equal(source.test.images, images)
    assert "classes without any image: 0" in source.notes
    savemat(tmp_path / "own.mat", {"pictures": IMAGES.reshape(40, -1), "labels": LABELS})
    np.testing.assert_array_equal(opened(f"mat:{tmp_path}/own.mat?images=pictures").pool.images, IMAGES)
    assert "no array of images (name it with ?images=NAME; arrays: " in refusal(f"mat:{tmp_path}/own.mat")


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(shape, values, kind=9, dims=None):
    sizes = dims if dims is not None else struct.pack(f"<{len(shape)}i", *shape)
    parts = (element(6, struct.pack("<II", kind, 0)), element(5, sizes), element(1, b"X"), values)
    return element(14, b"".join(parts))


def file_of(*elements):
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


NESTED = array((1, 1), b"")
for _ in range(12):
    NESTED = array((1, 1), NESTED, kind=1)

ZEROS = zlib.compress(array((1, 1), element(2, bytes(1 << 19))))
BOMB = struct.pack("<II", 15, len(ZEROS)) + ZEROS

WRONG = {
    "empty": (b"", "no MATLAB file of version 5 or 7: starts nothing"),
    "png": (b"\x89PNG" + bytes(200), "starts 89 50 4e 47"),
    "hdf": (b"\x89HDF" + bytes(200), "version 7.3, expected version 5 (save it with -v7)"),
    "values": (file_of(array((30000, 30000), element(2, bytes(8)))), "declares 900,000,000 values"),
    "overflow": (file_of(array((2**31 - 1,) * 3, element(2, bytes(8)))), "values, there are at most 8"),
    "cells": (file_of(array((1000, 1000, 1000), b"", kind=1)), "declares 1,000,000,000 arrays in it"),
    "negative": (file_of(array((-1, 4), b"")), "bad shape (-1, 4)"),
    "object": (file_of(array((1, 1), b"", kind=3)), "an array of class 3, expected numbers"),
    "opaque": (file_of(array((1, 1), b"", kind=17)), "an array of class 17, expected numbers"),
    "deep": (file_of(NESTED), "arrays in arrays deeper than 8"),
    "length": (file_of(struct.pack("<II", 14, 2**32 - 1)), "declares 4,294,967,295 bytes, 0 follow"),
    "kind": (file_of(struct.pack("<II", 77, 0)), "unknown type 77"),
    "bomb": (file_of(element(15, zlib.compress(bytes(80 << 20)))), "expand to more than"),
    "zlib": (file_of(element(15, b"nothing")), "damaged compressed part"),
    "bombs": (file_of(*[BOMB] * 3), "expand to more than 1,048,576 bytes"),
    "many": (file_of(*[element(14, b"")] * 10_001), "more than 10,000 arrays"),
    "none": (file_of(), "no array of images"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_one_line(tmp_path, kind, monkeypatch):
    content, words = WRONG[kind]
    monkeypatch.setattr("assay.data.readers.mat_elements.FREE", 1 << 20)
    (tmp_path / "set.mat").write_bytes(content)
    assert words in refusal(f"mat:{tmp_path}/set.mat", tmp_path)


def test_a_label_that_the_mapping_lacks(tmp_path):
    emnist(tmp_path / "a.mat")
    part = {"images": IMAGES.reshape(40, -1), "labels": LABELS + 7}
    savemat(tmp_path / "a.mat", {"dataset": {"train": part, "test": part, "mapping": np.array([[1, 65]])}})
    assert "dataset.train.labels: label 7 at index 0 is outside 1..1" in refusal(f"mat:{tmp_path}/a.mat")
    savemat(tmp_path / "a.mat", {"dataset": {"train": part}})
    assert "dataset.test lacks images or labels" in refusal(f"mat:{tmp_path}/a.mat")


@pytest.mark.parametrize("compressed", [True, False])
def test_wherever_it_is_cut(tmp_path, compressed):
    path = tmp_path / "emnist.mat"
    for found in every_cut(path, emnist(path, compressed), 40):
        assert isinstance(found, str)

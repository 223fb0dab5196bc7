"""Folders named like MNIST's and EMNIST's are found, turned upright and checked."""

import os

import numpy as np
import pytest
from emnist47 import EMNIST47, needs_emnist47
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from assay.data import pixels
from assay.data.address import Address
from assay.data.folder import OPTIONS, read_mapping
from assay.data.folder import open_folder as open_address
from assay.data.idx import write_idx
from assay.errors import DataError

IMAGES = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
LABELS = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)


def open_folder(text):
    return open_address(Address.parse(f"idx:{text}", OPTIONS))


def make(folder, prefix="", test="t10k", end="", images=IMAGES, labels=LABELS):
    for part in ("train", test):
        write_idx(folder / f"{prefix}{part}-images-idx3-ubyte{end}", images)
        write_idx(folder / f"{prefix}{part}-labels-idx1-ubyte{end}", labels)
    return folder


def refusal(text) -> str:
    with pytest.raises(DataError) as caught:
        open_folder(str(text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(("prefix", "test"), [("", "t10k"), ("my-", "test"), ("my-", "t10k")])
def test_names_of_mnist_and_of_emnist(tmp_path, prefix, test, end):
    source = open_folder(str(make(tmp_path, prefix, test, end)))
    np.testing.assert_array_equal(source.pool.images, IMAGES)
    np.testing.assert_array_equal(source.test.labels, LABELS)
    assert source.pool.labels.dtype == np.int64
    assert source.pool.images.flags.writeable
    assert source.pool.images.flags.c_contiguous
    assert source.classes == ("0", "1", "2")


def test_emnist_is_turned_upright_unless_told_otherwise(tmp_path):
    folder = make(tmp_path, "emnist-x-", "test")
    np.testing.assert_array_equal(open_folder(f"{folder}").pool.images, IMAGES.transpose(0, 2, 1))
    np.testing.assert_array_equal(open_folder(f"{folder}?transposed=no").pool.images, IMAGES)


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9)), st.integers(1, 10))
def test_however_many_are_turned_at_once(images, at_once):
    expected = images.transpose(0, 2, 1).copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "AT_ONCE", at_once)
        turned = pixels.upright(images)
    np.testing.assert_array_equal(turned, expected)
    assert np.shares_memory(turned, images)


def test_other_names_are_upright_unless_told_otherwise(tmp_path):
    text = f"{make(tmp_path)}?transposed=yes"
    np.testing.assert_array_equal(open_folder(text).pool.images, IMAGES.transpose(0, 2, 1))


def test_one_of_several_sets(tmp_path):
    make(tmp_path, "a-", labels=LABELS)
    make(tmp_path, "b-", labels=LABELS[::-1].copy())
    assert "holds 2 sets; choose one by adding ?prefix=NAME (known: a, b)" in refusal(tmp_path)
    np.testing.assert_array_equal(open_folder(f"{tmp_path}?prefix=b").pool.labels, LABELS[::-1])
    assert "no files start with 'c'" in refusal(f"{tmp_path}?prefix=c")


def test_a_mapping_names_and_renumbers_the_classes(tmp_path):
    folder = make(tmp_path, labels=LABELS + 1)  # EMNIST Letters counts from 1
    (folder / "mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n")
    source = open_folder(str(folder))
    assert source.classes == ("A", "B", "C")
    np.testing.assert_array_equal(source.pool.labels, LABELS)


@given(st.binary(max_size=40))
def test_a_mapping_of_noise_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "mapping.txt"
    path.write_bytes(content)
    try:
        labels, names = read_mapping(path)
    except DataError:
        return
    assert len(labels) == len(names) > 0


def test_a_label_outside_the_mapping(tmp_path):
    folder = make(tmp_path)
    (folder / "mapping.txt").write_text("0 48\n1 49\n")
    assert "train-labels-idx1-ubyte: label 2 at index 2 is outside 0..1" in refusal(folder)


def test_counts_that_differ(tmp_path):
    folder = make(tmp_path)
    write_idx(folder / "t10k-labels-idx1-ubyte", LABELS[:-1])
    assert "t10k-labels-idx1-ubyte: 6 images but 5 labels" in refusal(folder)


def test_image_sizes_that_differ(tmp_path):
    folder = make(tmp_path)
    write_idx(folder / "t10k-images-idx3-ubyte", IMAGES[:, 1:])
    assert "training images are 4x5 but test images are 3x5" in refusal(folder)


def test_missing_things(tmp_path):
    assert "cannot be read: No such file" in refusal(tmp_path / "nowhere")
    assert "no IDX files" in refusal(tmp_path)
    (make(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    assert "lacks test-labels-idx1-ubyte" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("query", "words"),
    [("transposed=maybe", "must be yes or no; got 'maybe'"), ("transpose=no", "did you mean 'transposed'?")],
)
def test_a_wrong_option(tmp_path, query, words):
    assert words in refusal(f"{make(tmp_path)}?{query}")


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "Not a directory" in refusal(tmp_path / "file")


@needs_emnist47
def test_real_characters_stand_upright():
    """A 7 has its bar at the top, an L at the bottom; transposed, neither is where it should be."""
    source = open_folder(str(EMNIST47))
    assert len(source.classes) == 47
    assert (len(source.pool), len(source.test)) == (90_523, 15_800)
    rows = {
        name: source.test.images[source.test.labels == k].mean(axis=(0, 2))
        for k, name in enumerate(source.classes)
    }
    assert rows["7"][4:10].sum() > 1.3 * rows["7"][18:24].sum()
    assert rows["L"][18:24].sum() > 1.3 * rows["L"][4:10].sum()


@pytest.mark.parametrize("content", [b"0 65\n" * 20_000, b"0 27\n", b"0 10\n"])
def test_a_mapping_that_is_too_long_or_unprintable(tmp_path, content):
    path = tmp_path / "mapping.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"at most 65,536 bytes|printable characters") as caught:
        read_mapping(path)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_mapping_that_is_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "mapping.txt")
    with pytest.raises(DataError, match="not a mapping file"):
        read_mapping(tmp_path / "mapping.txt")

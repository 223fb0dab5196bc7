"""Whatever a file holds, reading it gives its images or one DataError that names it."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from bounded import bounded
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from assay.data import expansion, idx, load
from assay.data.idx import read_images, read_labels, write_idx
from assay.errors import DataError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def packed(array, name, folder):
    path = folder / name
    write_idx(path, array)
    return path.read_bytes()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


def refusal(folder: Path, content: bytes, read=read_images) -> str:
    path = folder / "broken"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9)), st.sampled_from(["a", "a.gz"]))
def test_images_come_back_as_they_were_written(scratch, images, name):
    write_idx(scratch / name, images)
    np.testing.assert_array_equal(read_images(scratch / name), images)


@given(arrays(np.uint8, st.integers(1, 200)), st.sampled_from(["b", "b.gz"]))
def test_labels_come_back_as_they_were_written(scratch, labels, name):
    write_idx(scratch / name, labels)
    np.testing.assert_array_equal(read_labels(scratch / name), labels)


@given(
    arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9)),
    st.integers(1, 40),
    st.binary(max_size=3),
)
def test_pieces_of_any_size_make_the_same_file(scratch, images, piece, more):
    path = scratch / "pieces.gz"
    write_idx(path, images)
    path.write_bytes(path.read_bytes() + more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idx, "PIECE", piece)
        if more:
            with pytest.raises(DataError, match=f": {len(more)} unexpected bytes after the end of the gzip"):
                read_images(path)
        else:
            np.testing.assert_array_equal(read_images(path), images)


@pytest.mark.parametrize("name", ["c", "c.gz"])
def test_every_truncation_is_refused(scratch, name):
    whole = packed(IMAGES, name, scratch)
    for length in range(len(whole)):
        refusal(scratch, whole[:length])


@given(data=st.data(), name=st.sampled_from(["d", "d.gz"]))
def test_a_mutation_gives_images_or_a_data_error(scratch, data, name):
    content = bytearray(packed(IMAGES, name, scratch))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = scratch / "mutated"
    path.write_bytes(content)
    try:
        images = read_images(path)
    except DataError:
        return
    assert images.size == IMAGES.size


@given(st.binary(max_size=64))
def test_noise_gives_a_data_error_and_nothing_else(scratch, content):
    for read in (read_images, read_labels):
        (scratch / "noise").write_bytes(content)
        try:
            read(scratch / "noise")
        except DataError:
            continue
        assert content[:3] == b"\0\0\x08"


def header(*shape: int, code: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\0\0\x08", "too short for an IDX magic number (3 of 4 bytes)"),
        (b"PK\x03\x04rest", "starts 50 4b 03 04 (this looks like a zip"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (gzip.compress(gzip.compress(b"x")), "gzip inside gzip"),
        (header(2, 3, 4, code=0x0A) + bytes(24), "unknown IDX type 0x0a; known: 08 09 0b 0c 0d 0e"),
        (header(2, 3, 4, code=0x0D) + bytes(96), "holds float32 values"),
        (b"\0\0\x08\xff" + bytes(40), "declares 255 dimensions, but images were expected"),
        (header() + bytes(40), "declares 0 dimensions"),
        (header(5) + bytes(5), "declares 1 dimension (labels?), but images were expected"),
        (header(2**32 - 1, 28, 28) + bytes(784), "header promises 3,367,254,359,280 data bytes, found 784"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(784), "image size 4294967295x4294967295"),
        (
            gzip.compress(header(2**32 - 1, 28, 28) + bytes(784)),
            "header declares 3,367,254,359,296 bytes but",
        ),
        (struct.pack("<I3I", 0x803, 2, 28, 28), "byte order looks reversed"),
        (header(2, 28 << 24, 28 << 24), "image size 469762048x469762048: byte order looks reversed"),
        (header(0, 28, 28), "contains no examples"),
        (header(3, 0, 28), "holds images of 0x28 pixels"),
        (header(2, 3, 4) + bytes(23), "truncated: header promises 24 data bytes, found 23"),
        (header(2, 3, 4) + bytes(25), "1 unexpected byte after the data"),
        (gzip.compress(header(2, 3, 4) + bytes(5000)), "expands beyond the 24 data bytes"),
        (gzip.compress(header(2, 3, 4) + bytes(24))[:-9], "gzip stream ends early"),
        (
            gzip.compress(header(2, 3, 4) + bytes(24)) + b"tail",
            "4 unexpected bytes after the end of the gzip",
        ),
        (gzip.compress(header(2, 3, 4) + bytes(24)) * 2, "after the end of the gzip stream"),
        (gzip.compress(header(2, 3, 4) + bytes(24))[:-4] + b"\x29\0\0\0", "gzip checksum does not match"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path, content, words):
    assert words in refusal(tmp_path, content)


def test_images_are_refused_where_labels_are_expected(tmp_path):
    assert "declares 3 dimensions (images?)" in refusal(tmp_path, header(1, 2, 2) + bytes(4), read_labels)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(DataError, match="is not a regular file"):
            read_images(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_images(tmp_path / "missing")


def test_more_examples_than_labels_in_memory_should_take(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(struct.pack(">HBBI", 0, 8, 1, 4_000_000) + bytes(4_000_000))
    with pytest.raises(DataError, match="declares 4,000,000 examples, limit 3,000,000"):
        read_labels(path)


@pytest.mark.parametrize("free", [expansion.FREE, -(10**9)])
def test_read_through_first_or_at_once_is_the_same(tmp_path, monkeypatch, free):
    monkeypatch.setattr(expansion, "FREE", free)
    images = np.random.default_rng(0).integers(0, 256, (50, 9, 9), dtype=np.uint8)
    write_idx(tmp_path / "a.gz", images)
    np.testing.assert_array_equal(read_images(tmp_path / "a.gz"), images)
    whole = (tmp_path / "a.gz").read_bytes()
    assert "ends early" in refusal(tmp_path, whole[:-1])
    assert "checksum does not match" in refusal(tmp_path, whole[:-8] + b"1234" + whole[-4:])
    assert "3 unexpected bytes after the end" in refusal(tmp_path, whole + b"123")
    assert "promises 4,131 data bytes, found 4,050" in refusal(
        tmp_path, gzip.compress(header(51, 9, 9) + images.tobytes())
    )
    assert "expands beyond the 3,969 data bytes" in refusal(
        tmp_path, gzip.compress(header(49, 9, 9) + images.tobytes())
    )


def test_what_is_damaged_at_its_end_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(expansion, "FREE", 1 << 20)
    pixels = np.random.default_rng(0).integers(0, 2, 32_000 * 784, dtype=np.uint8)
    whole = gzip.compress(header(32_000, 28, 28) + pixels.tobytes(), 1)
    with bounded(mebibytes=16):
        assert "ends early" in refusal(tmp_path, whole[:-1])
    monkeypatch.setattr(expansion, "FREE", 1 << 30)
    with pytest.raises(AssertionError, match=r"held \d+ MiB"), bounded(mebibytes=16):
        refusal(tmp_path, whole[:-1])


def test_images_are_counted_before_they_are_read(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((30_000, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(29_999, np.uint8))
    with bounded(mebibytes=3), pytest.raises(DataError, match="30,000 images but 29,999 labels"):
        load(f"idx:{tmp_path}")

"""NumPy archives are read as NumPy writes them, and refused in a line where they are anything else."""

import os
import warnings
import zipfile

import numpy as np
import pytest
from bounded import bounded
from own_files import coloured, every_cut, grey, opened, refusal

from assay.data import load
from assay.data.readers import npz_file

IMAGES, LABELS = grey()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["uint8", "share", "float", "rows", "fortran", "int64"])
def test_numbers_of_any_kind_are_pixels(tmp_path, save, kind, monkeypatch):
    monkeypatch.setattr(npz_file, "PIECE", 100)
    given = {
        "uint8": IMAGES,
        "share": IMAGES / np.float32(255),
        "float": IMAGES.astype(np.float64),
        "rows": IMAGES.reshape(len(IMAGES), -1),
        "fortran": np.asfortranarray(IMAGES),
        "int64": IMAGES.astype(np.int64),
    }[kind]
    save(tmp_path / "set.npz", images=given, labels=LABELS)
    source = opened(f"npz:{tmp_path}/set.npz")
    np.testing.assert_array_equal(source.pool.images, IMAGES)
    np.testing.assert_array_equal(source.pool.labels, LABELS)
    assert source.classes == ("0", "1", "2", "3")
    assert source.test is None


@pytest.mark.parametrize(
    "names",
    [("x_{}", "y_{}", "valid"), ("{}_images", "{}_labels", "val"), ("{}_inputs", "{}_targets", "valid")],
)
def test_parts_in_one_file(tmp_path, names):
    arrays = {}
    for seed, part in enumerate(("train", names[2], "test")):
        images, labels = grey(seed=seed)
        arrays |= {names[0].format(part): images, names[1].format(part): labels[:, None]}
    np.savez(tmp_path / "set.npz", **arrays)
    source = opened(f"npz:{tmp_path}/set.npz")
    for seed, split in enumerate((source.pool, source.valid, source.test)):
        np.testing.assert_array_equal(split.images, grey(seed=seed)[0])


def test_the_courses_three_files(tmp_path):
    for seed, part in enumerate(("train", "valid", "test")):
        images, labels = grey(seed=seed)
        np.savez_compressed(
            tmp_path / f"emnist-{part}.npz", inputs=images.reshape(-1, 36) / 255, targets=labels
        )
    source = opened(f"npz:{tmp_path}/emnist-train.npz")
    np.testing.assert_array_equal(source.valid.images, grey(seed=1)[0])
    np.testing.assert_array_equal(source.test.images, grey(seed=2)[0])
    data = load(f"npz:{tmp_path}/emnist-train.npz")
    assert (len(data.train), len(data.valid), len(data.test)) == (40, 40, 40)
    other = opened(f"npz:{tmp_path}/emnist-train.npz?test=emnist-valid.npz")
    np.testing.assert_array_equal(other.test.images, grey(seed=1)[0])


def test_colour_first_or_last_and_a_shape(tmp_path):
    images, labels = coloured()
    for name, given in (("last", images), ("first", images.transpose(0, 3, 1, 2))):
        np.savez(tmp_path / f"{name}.npz", x=given, y=labels)
        np.testing.assert_array_equal(opened(f"npz:{tmp_path}/{name}.npz").pool.images, images)
    np.savez(tmp_path / "rows.npz", x=images.transpose(0, 3, 1, 2).reshape(40, -1), y=labels)
    assert "108 values an image are no square (say how they lie" in refusal(f"npz:{tmp_path}/rows.npz")
    said = refusal(f"npz:{tmp_path}/rows.npz?shape=6x6")
    assert "108 values an image, shape=6 x 6 takes 36" in said
    np.testing.assert_array_equal(opened(f"npz:{tmp_path}/rows.npz?shape=3x6x6").pool.images, images)


def test_groups_and_names(tmp_path):
    writers = np.array([f"w{k // 10}" for k in range(40)])
    np.savez(tmp_path / "a.npz", pictures=IMAGES, labels=np.array(list("abcd"))[LABELS], writer=writers)
    source = opened(f"npz:{tmp_path}/a.npz?images=pictures", groups="writer")
    assert source.classes == ("a", "b", "c", "d")
    np.testing.assert_array_equal(source.pool.groups, np.arange(40) // 10)
    assert "no array 'author'" in refusal(f"npz:{tmp_path}/a.npz?images=pictures", groups="author")


WRONG = {
    "objects": ({"images": IMAGES, "labels": np.array([None] * 40)}, "holds Python objects; refused"),
    "counts": ({"images": IMAGES, "labels": LABELS[:-1]}, "40 images but 39 labels"),
    "negative": ({"images": IMAGES, "labels": LABELS - 1}, "label -1 at index 0 is below 0"),
    "nan": ({"images": np.where(IMAGES > 250, np.nan, 0.5), "labels": LABELS}, "value nan at position"),
    "range": ({"images": IMAGES.astype(int) - 1, "labels": LABELS}, "image 0 has the value -1 at position 0"),
    "none": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "contains no examples"),
    "text": ({"images": IMAGES.astype(str), "labels": LABELS}, "expected numbers from 0 to 255"),
    "vector": ({"images": LABELS, "labels": LABELS}, "has shape (40,), expected images"),
    "one-hot": ({"images": IMAGES, "labels": np.eye(4)[LABELS]}, "shape (40, 4), expected (N,)"),
    "far": ({"images": IMAGES, "labels": LABELS + 300}, "label 303 at index 3 is outside 0..255"),
    "long": ({"images": IMAGES, "labels": ["x" * 1001] * 40}, "holds text of 1,001 characters"),
    "half": ({"images": IMAGES, "labels": LABELS + 0.5}, "0.5 at index 0 is no whole number"),
    "unnamed": ({"pictures": IMAGES, "labels": LABELS}, "no array of images (name it with ?images=NAME"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_one_line(tmp_path, kind):
    arrays, words = WRONG[kind]
    np.savez(tmp_path / "set.npz", **arrays)
    assert words in refusal(f"npz:{tmp_path}/set.npz", tmp_path)


def header(shape, dtype="|u1", order="False"):
    text = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HEADERS = {
    "huge": (header("(1000000000000, 28, 28)"), "header declares 784,000,000,000,000 bytes but 16 follow"),
    "negative": (header("(-1, 4)"), "bad shape (-1, 4)"),
    "boolean": (header("(True, 16)"), "bad shape (True, 16)"),
    "fraction": (header("(1.5, 4)"), "unreadable array header"),
    "long": (header("(" + "1," * 9000 + ")"), "unreadable array header"),
    "code": (header("__import__('os').getpid()"), "unreadable array header"),
    "version": (b"\x93NUMPY\x09\x00", "unknown version of the array format"),
    "pickle": (b"\x80\x04K\x01.", "unreadable array header"),
    "empty": (b"", "unreadable array header"),
    "deep": (header("(" * 9000), "unreadable array header"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_header_that_cannot_be(tmp_path, kind):
    content, words = HEADERS[kind]
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as file:
        file.writestr("images.npy", content + bytes(16))
        file.writestr("labels.npy", header("(1,)") + b"\0")
    assert words in refusal(f"npz:{tmp_path}/set.npz", tmp_path)


def test_an_archive_that_cannot_be(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as file:
            file.writestr("labels.npy", b"")
    assert "array 'labels' appears twice" in refusal(f"npz:{path}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("images.npy", "w") as member:
        for _ in range(80):
            member.write(bytes(1 << 20))
    assert "expands" in refusal(f"npz:{path}")
    path.write_bytes(b"")
    assert "no NumPy archive, or damaged" in refusal(f"npz:{path}")
    assert "No such file" in refusal(f"npz:{tmp_path}/nowhere.npz")
    assert "is not a regular file" in refusal(f"npz:{tmp_path}")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "is not a regular file" in refusal(f"npz:{tmp_path}/pipe")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_wherever_it_is_cut(tmp_path, save):
    path = tmp_path / "set.npz"
    save(path, images=IMAGES, labels=LABELS)
    for found in every_cut(path, f"npz:{path}", 40):
        assert isinstance(found, str)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("image=x", "did you mean 'images'?"),
        ("shape=big", "shape must be like 32x32"),
        ("inverted=si", "yes or no"),
    ],
)
def test_a_wrong_option(tmp_path, query, words):
    np.savez(tmp_path / "set.npz", images=IMAGES, labels=LABELS)
    assert words in refusal(f"npz:{tmp_path}/set.npz?{query}")


def test_a_set_is_in_memory_once(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_file, "PIECE", 1 << 16)
    images = np.random.default_rng(0).integers(0, 256, (6000, 40, 40), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", x=images, y=np.arange(6000) % 10)
    size = images.nbytes
    del images
    with bounded(mebibytes=1.5 * size / 2**20):  # a seventh is moved aside while it is divided
        data = load(f"npz:{tmp_path}/set.npz")
    assert len(data.train) + len(data.valid) + len(data.test) == 6000

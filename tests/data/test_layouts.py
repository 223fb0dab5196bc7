"""IDX folders in the layouts that people have, and what is seen and said of them."""

import shutil

import numpy as np
import pytest
from own_files import opened, refusal

from assay.data import load
from assay.data.idx import write_idx

LETTERS = np.arange(52) % 26 + 1
IMAGES = np.random.default_rng(0).integers(0, 120, (52, 6, 7), dtype=np.uint8)
DIGITS = np.arange(52) % 10


def write(folder, images=IMAGES, labels=DIGITS, prefix="", sep="-", parts=("train", "t10k")):
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        write_idx(folder / f"{prefix}{part}-images{sep}idx3-ubyte", images)
        write_idx(folder / f"{prefix}{part}-labels{sep}idx1-ubyte", labels.astype(np.uint8))
    return f"idx:{folder}"


def test_kaggles_folders_named_like_files(tmp_path):
    write(tmp_path, sep=".")
    for path in list(tmp_path.iterdir()):
        inner = tmp_path / path.name.replace(".", "-")
        inner.mkdir()
        shutil.copy(path, inner / inner.name)
    beside = opened(f"idx:{tmp_path}")
    for path in list(tmp_path.iterdir()):
        if path.is_file():
            path.unlink()
    alone = opened(f"idx:{tmp_path}")
    for source in (beside, alone):
        np.testing.assert_array_equal(source.pool.images, IMAGES)


def test_hidden_files_are_none_of_ours(tmp_path):
    source = write(tmp_path)
    for path in list(tmp_path.iterdir()):
        (tmp_path / f"._{path.name}").write_bytes(b"\0\5\x16\7" + bytes(80))
    assert opened(source).classes == tuple("0123456789")


@pytest.mark.parametrize("inside", ["EMNIST/raw", "raw", "a"])
@pytest.mark.parametrize("named", ["", "emnist-letters-train-images-idx3-ubyte"])
def test_one_folder_level_more_or_less(tmp_path, inside, named):
    write(tmp_path / inside, labels=LETTERS, prefix="emnist-letters-", parts=("train", "test"))
    source = opened(f"idx:{tmp_path / inside / named if named else tmp_path}")
    assert source.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    np.testing.assert_array_equal(source.pool.labels, LETTERS - 1)


def test_two_folders_of_files_are_named(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name)
    assert "holds 2 folders of IDX files; name one of them (a, b)" in refusal(f"idx:{tmp_path}")


@pytest.mark.parametrize(
    ("folder", "prefix", "said"),
    [
        ("x", "EMNIST-letters-", "transposed: yes (by its name)"),
        ("emnist/letters", "", "transposed: yes (by its folder's name)"),
        ("Emnist", "letters-", "transposed: yes (by its folder's name)"),
        ("x", "letters-", "transposed: no (by its name)"),
    ],
)
def test_which_way_the_images_lie(tmp_path, folder, prefix, said):
    source = write(tmp_path / folder, labels=LETTERS, prefix=prefix)
    turned = "yes" in said
    found = opened(source)
    assert said in found.notes
    np.testing.assert_array_equal(found.pool.images, IMAGES.transpose(0, 2, 1) if turned else IMAGES)
    assert found.classes[:1] == (("A",) if turned else ("0",))
    asked = opened(f"{source}?transposed={'no' if turned else 'yes'}")
    np.testing.assert_array_equal(asked.pool.images, IMAGES if turned else IMAGES.transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("folder", "labels", "classes"),
    [
        ("FashionMNIST/raw", DIGITS, "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot"),
        ("KMNIST/raw", DIGITS, "o ki su tsu na ha ma ya re wo"),
        ("EMNIST/balanced", np.arange(52) % 47, " ".join("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt")),
        ("EMNIST/byclass", np.arange(52) + 10, None),
        ("mnist", DIGITS % 4, "0 1 2 3"),
        ("something", DIGITS, "0 1 2 3 4 5 6 7 8 9"),
    ],
)
def test_known_sets_without_a_mapping_have_names(tmp_path, folder, labels, classes):
    found = opened(write(tmp_path / folder, labels=labels)).classes
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert found == tuple(classes.split() if classes else [*"0123456789", *alphabet, *alphabet.lower()])


def test_light_paper_is_noticed_and_turned(tmp_path):
    dark = np.zeros((52, 8, 8), np.uint8)
    dark[:, 2:5, 3] = 200
    light = write(tmp_path / "light", 255 - dark)
    assert load(light).digest == load(write(tmp_path / "dark", dark)).digest
    assert "paper: light, so light and dark were exchanged (?inverted=no leaves them)" in opened(light).notes
    np.testing.assert_array_equal(opened(f"{light}?inverted=no").pool.images, 255 - dark)
    np.testing.assert_array_equal(opened(f"idx:{tmp_path}/dark?inverted=yes").pool.images, 255 - dark)
    photographs = np.random.default_rng(1).integers(0, 256, (52, 8, 8), dtype=np.uint8)
    assert load(write(tmp_path / "noise", photographs)).notes == ("transposed: no (by its name)",)


def test_odd_classes_are_named(tmp_path):
    source = write(tmp_path, labels=np.where(np.arange(52) == 5, 90, DIGITS % 3))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", (DIGITS % 4).astype(np.uint8))
    notes = " / ".join(opened(source).notes)
    assert f"label 90 stands once, at index 5 of {tmp_path}/train-labels-idx1-ubyte; others reach 3" in notes
    assert "classes without any image: 4, 5, 6, 7, 8, and 81 more" in notes
    assert "classes without training images: 3" in notes
    assert "classes without test images: 90" in notes


def test_validation_files_of_its_own(tmp_path):
    source = write(tmp_path, parts=("train", "valid", "test"))
    write_idx(tmp_path / "valid-images-idx3-ubyte", IMAGES + 1)
    np.testing.assert_array_equal(load(source).valid.images, IMAGES + 1)
    assert len(load(f"{source}?valid=drawn").valid) == round(0.15 * 104)


def test_images_in_colour(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (52, 6, 7, 3), dtype=np.uint8)
    for part in ("train", "test"):
        write_idx(tmp_path / f"{part}-images-idx4-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", DIGITS.astype(np.uint8))
    np.testing.assert_array_equal(opened(f"idx:{tmp_path}").test.images, images)
    write_idx(tmp_path / "train-images-idx4-ubyte", images[..., :2])
    assert "expected (N, H, W), or (N, H, W, C) with 1 or 3 channels" in refusal(f"idx:{tmp_path}")

"""Divisions by groups, anew for every seed, and of sources without parts; data sets of arrays; import."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_files import coloured, grey, opened, refusal

import assay
from assay.data import DataSpec, Split, import_data, load
from assay.data.splits import grouped
from assay.errors import DataError

IMAGES, LABELS = grey(count=60)
WRITERS = np.repeat(np.arange(12), 5)


def ids(split):
    return {image.tobytes() for image in split.images}


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda found: len({*found}) > 1),
    st.integers(1, 60),
    st.integers(0, 9),
)
def test_groups_stay_together(groups, count, seed):
    groups = np.array(groups)
    taken, rest = grouped(groups, count, seed, "valid")
    np.testing.assert_array_equal(np.sort(np.concatenate([taken, rest])), np.arange(len(groups)))
    assert len(taken) > 0 < len(rest)
    assert not {*groups[taken]} & {*groups[rest]}
    largest = np.bincount(groups).max()
    assert len(rest) <= largest or abs(len(taken) - count) <= largest


def test_no_writer_is_on_both_sides():
    data = assay.Dataset.from_arrays(IMAGES, LABELS, groups=WRITERS, spec=DataSpec(valid=12, test=10))
    held = [{*part.groups} for part in (data.train, data.valid, data.test)]
    assert not held[0] & held[1] | held[0] & held[2] | held[1] & held[2]
    assert sum(map(len, held)) == 12
    assert (len(data.valid), len(data.test)) == (10, 10)
    assert data.spec.groups == "groups"


@pytest.mark.parametrize("train", [None, 20])
@pytest.mark.parametrize("groups", [WRITERS, None])
def test_how_many_images_a_seed_has_is_said_without_copying_any(groups, train, monkeypatch):
    groups = None if groups is None else np.repeat(np.arange(6), [1, 4, 9, 16, 10, 20])
    spec = DataSpec("array", split="per-seed", train=train, valid=15)
    data = assay.Dataset.from_arrays(IMAGES, LABELS, groups=groups, spec=spec)
    sizes = [len(data.for_seed(seed).train) for seed in range(9)]
    assert len({*sizes}) > 1 or groups is None or train
    monkeypatch.setattr(Split, "take", None)
    assert [data.training_images(seed) for seed in range(9)] == sizes


def test_groups_that_the_source_has_on_both_sides(tmp_path):
    for part in ("train", "test"):
        np.savez(tmp_path / f"{part}.npz", x=IMAGES, y=LABELS, writer=WRITERS)
    source = f"npz:{tmp_path}/train.npz"
    assert "12 of 12 in writer are in both train and test (?test=drawn divides" in refusal(
        source, groups="writer"
    )
    data = load(DataSpec(f"{source}?test=drawn", groups="writer"))
    assert len(data.train) + len(data.valid) + len(data.test) == 120
    assert not {*data.train.groups} & {*data.test.groups}
    assert "names no writer" in refusal("glyphs", groups="writer", train=47, valid=47, test=47)
    with pytest.raises(DataError, match="all images have one groups"):
        assay.Dataset.from_arrays(IMAGES, LABELS, groups=WRITERS * 0)


def test_every_seed_has_a_division_of_its_own():
    spec = DataSpec(valid=15, train=30, test=9, split="per-seed")
    data = assay.Dataset.from_arrays(IMAGES, LABELS, spec=spec)
    parts = {seed: data.for_seed(seed) for seed in range(7)}
    for seed, part in parts.items():
        assert (len(part.train), len(part.valid)) == (30, 15)
        assert not ids(part.train) & ids(part.valid)
        assert not (ids(part.train) | ids(part.valid)) & ids(data.test)
        np.testing.assert_array_equal(part.train.images, data.for_seed(seed).train.images)
        np.testing.assert_array_equal(
            np.bincount(part.valid.labels).max() - np.bincount(part.valid.labels).min() < 2, True
        )
    assert len({frozenset(ids(part.valid)) for part in parts.values()}) == 7
    again = assay.Dataset.from_arrays(IMAGES, LABELS, spec=spec).for_seed(3)
    np.testing.assert_array_equal(again.valid.images, parts[3].valid.images)
    fixed = assay.Dataset.from_arrays(IMAGES, LABELS, spec=DataSpec(valid=15, train=30, test=9))
    assert fixed.for_seed(1) is fixed
    assert fixed.digest != data.digest
    changes = ({}, {"train": 29}, {"valid": 16}, {"split_seed": 1}, {"test": 8})
    others = [assay.Dataset.from_arrays(IMAGES, LABELS, spec=replace(spec, **change)) for change in changes]
    assert len({other.digest for other in others}) == len(changes)
    whole = assay.Dataset.from_arrays(IMAGES, LABELS, spec=DataSpec(split="per-seed", groups=None))
    assert ids(whole.for_seed(1).train) | ids(whole.for_seed(1).valid) == ids(whole.train) | ids(whole.valid)


def test_glyphs_too():
    data = load(DataSpec(train=94, test=47, split="per-seed"))
    assert ids(data.for_seed(0).valid) != ids(data.for_seed(1).valid)


def test_per_seed_has_nothing_to_draw_from_validation_of_its_own():
    with pytest.raises(DataError, match="has validation images of its own"):
        assay.Dataset.from_arrays(IMAGES, LABELS, valid=(IMAGES, LABELS), spec=DataSpec(split="per-seed"))


def test_arrays_are_copied_and_kept_as_they_are():
    images = IMAGES.copy()
    data = assay.Dataset.from_arrays(images, LABELS, ["a", "b", "c", "d"], test=(IMAGES[:9], LABELS[:9]))
    np.testing.assert_array_equal(images, IMAGES)
    assert (data.classes, len(data.test), data.input_shape) == (("a", "b", "c", "d"), 9, (1, 6, 6))
    np.testing.assert_array_equal(data.test.images, IMAGES[:9])
    shares = assay.Dataset.from_arrays(IMAGES / 255, LABELS)
    assert ids(shares.train) | ids(shares.valid) | ids(shares.test) == {image.tobytes() for image in IMAGES}
    assert assay.Dataset.from_arrays(*coloured()).input_shape == (3, 6, 6)


@pytest.mark.parametrize(
    ("images", "labels", "classes", "words"),
    [
        (IMAGES, LABELS[:-1], None, "60 images but 59 labels"),
        (IMAGES - 3.0, LABELS, None, "the value -3 at position 0, outside 0 to 255"),
        (IMAGES, LABELS, ["a", "b"], "label 2 at index 2 is outside 0..1"),
        (IMAGES, LABELS, ["a", "b", "c", "a"], "'a' stands twice"),
        (LABELS, LABELS, None, r"images of shape \(60,\), expected"),
        (IMAGES[:0], LABELS[:0], None, r"images of shape \(0, 6, 6\), expected"),
        (IMAGES, [None] * 60, None, "holds object values, expected whole numbers or text"),
    ],
)
def test_arrays_that_are_no_data(images, labels, classes, words):
    with pytest.raises(DataError, match=words):
        assay.Dataset.from_arrays(images, labels, classes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": "kfold"}, "data.split: got 'kfold', expected fixed or per-seed"),
        ({"groups": ""}, "data.groups: got ''"),
    ],
)
def test_a_value_that_cannot_be(change, words):
    with pytest.raises(DataError, match=words):
        DataSpec(**change)


@pytest.mark.parametrize("kind", ["grey", "colour", "light"])
def test_what_is_imported_is_the_same_data(tmp_path, kind):
    images, labels = coloured() if kind == "colour" else grey()
    if kind == "light":
        images = np.where(images > 200, images, 250).astype(np.uint8)
    names = np.array(["cat", "dog", "ox", "ß-x"])[labels]
    np.savez(tmp_path / "emnist-set.npz", x=images, y=names, writer=labels)
    source = f"npz:{tmp_path}/emnist-set.npz" + ("?inverted=no" if kind == "light" else "")
    folder = import_data(DataSpec(source, groups="writer"), tmp_path / "emnist-out")
    found, stored = opened(f"idx:{folder}", groups="writer"), opened(source, groups="writer")
    np.testing.assert_array_equal(found.pool.images, stored.pool.images)
    np.testing.assert_array_equal(found.pool.groups, stored.pool.groups)
    assert found.classes == ("cat", "dog", "ox", "ß-x")
    assert load(f"idx:{folder}").digest == load(source).digest
    with pytest.raises(DataError, match="is there already, expected a new or empty folder"):
        import_data(source, folder)


def test_an_array_lives_in_memory_alone():
    assert "give it to assay.run as data=" in refusal("array")

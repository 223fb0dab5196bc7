"""A data set is divided as its DataSpec says, by its own seed, and never by anything else."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data import Dataset, DataSpec, Split, examples, load, overlap, sources, spec
from assay.data.idx import write_idx
from assay.errors import DataError

COUNT = 300


def make(path, brighter=0):
    """Write 300 different images of 10 unequal classes, and 50 for the test."""
    for part, count, first in (("train", COUNT, 0), ("t10k", 50, COUNT)):
        number = np.arange(first, first + count)
        images = np.stack([number // 256, number % 256, number * 0, number * 0], axis=1).reshape(-1, 2, 2)
        images[-1, -1, -1] += brighter
        write_idx(path / f"{part}-images-idx3-ubyte", images.astype(np.uint8))
        write_idx(path / f"{part}-labels-idx1-ubyte", (np.sqrt(number) % 10).astype(np.uint8))
    return f"idx:{path}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("set"))


def numbers(split):
    return split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]


@settings(deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**62))
def test_parts_have_the_sizes_asked_for_and_share_nothing(folder, data, seed):
    valid = data.draw(st.integers(1, COUNT - 1))
    train = data.draw(st.integers(1, COUNT - valid))
    test = data.draw(st.integers(1, 50))
    loaded = load(DataSpec(folder, train, valid, test, seed))
    assert (len(loaded.train), len(loaded.valid), len(loaded.test)) == (train, valid, test)
    ids = np.concatenate([numbers(loaded.train), numbers(loaded.valid), numbers(loaded.test)])
    assert len(np.unique(ids)) == len(ids)
    assert numbers(loaded.test).min() >= COUNT
    assert overlap(loaded) == 0
    for split in (loaded.train, loaded.valid, loaded.test):
        np.testing.assert_array_equal(split.labels, (np.sqrt(numbers(split)) % 10).astype(int))


@given(st.lists(st.booleans(), min_size=2).filter(lambda taken: len({*taken}) == 2), st.integers(1, 9))
def test_a_whole_set_is_divided_in_its_own_memory(taken, at_once):
    images = np.arange(len(taken), dtype=np.uint8).repeat(6).reshape(-1, 2, 3)
    pool = Split(images, np.arange(len(taken)))
    first, second = np.flatnonzero(taken), np.flatnonzero(np.logical_not(taken))
    expected = [pool.take(first), pool.take(second)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "AT_ONCE", at_once)
        found = pool.rearranged(first, second)
    for part, should in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part.images, should.images)
        np.testing.assert_array_equal(part.labels, should.labels)
        assert np.shares_memory(part.images, images)


def test_validation_depends_on_its_size_and_split_seed_alone(folder):
    spec = DataSpec(folder, valid=60)
    expected = load(spec).valid.images
    for other in (replace(spec, train=100), replace(spec, test=7)):
        np.testing.assert_array_equal(load(other).valid.images, expected)
    assert not np.array_equal(load(replace(spec, split_seed=1)).valid.images, expected)


def test_the_digest_is_that_of_the_pixels_and_labels(folder, tmp_path):
    spec = DataSpec(folder)
    assert load(spec).digest == load(make(tmp_path)).digest
    assert load(spec).digest != load(make(tmp_path, brighter=1)).digest
    digests = {
        load(replace(spec, **change)).digest for change in ({}, {"split_seed": 1}, {"test": 49}, {"train": 9})
    }
    assert len(digests) == 4


def test_sizes_where_none_are_given(folder, monkeypatch):
    assert len(load(folder).valid) == 45  # 15 of 100
    assert len(load(DataSpec(folder, train=100)).valid) == 15
    monkeypatch.setattr(spec, "FULL_SIZE", COUNT)
    monkeypatch.setattr(spec, "FULL_VALID", 79)
    loaded = load(folder)
    assert (len(loaded.train), len(loaded.valid)) == (COUNT - 79, 79)
    assert len(load(DataSpec(folder, train=100)).valid) == 15


@pytest.mark.parametrize("given", [{}, {"train": 1}, {"train": 3}, {"train": 100}, {"valid": 60, "test": 7}])
def test_sizes_are_told_as_they_are_loaded(given, folder):
    asked = DataSpec(folder, **given)
    loaded = load(asked)
    assert asked.sizes(COUNT, 50) == (len(loaded.train), len(loaded.valid), len(loaded.test))
    assert len(loaded.valid) >= 1


def test_glyphs_are_drawn_to_size_and_say_that_they_are_synthetic():
    loaded = load(DataSpec(train=940, test=94))
    assert (len(loaded.train), len(loaded.valid), len(loaded.test)) == (940, 141, 94)
    assert loaded.synthetic
    assert loaded.train.images.dtype == np.uint8
    assert overlap(loaded) == 0
    np.testing.assert_array_equal(np.bincount(loaded.train.labels), 20)


def test_overlap_counts_repeated_images():
    images = np.arange(20, dtype=np.uint8).reshape(5, 2, 2)
    part = [
        Split(images[i], np.zeros(len(images[i]), dtype=np.int64))
        for i in (slice(2), slice(2, 3), slice(1, 5))
    ]
    assert overlap(Dataset("x", ("0",), *part, synthetic=False, digest="")) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": 0}, "data.train: must be a whole number from 1 to 10,000,000; got 0"),
        ({"valid": -3}, "data.valid: must be a whole number"),
        ({"test": 1.5}, "data.test: must be a whole number"),
        ({"train": True}, "got True"),
        ({"split_seed": None}, "data.split_seed: must be a whole number from 0"),
        ({"split_seed": -1}, "got -1"),
        ({"source": ""}, "data.source: got '', expected a data set's name"),
        ({"source": 5}, "data.source: got 5"),
    ],
)
def test_a_value_that_cannot_be(change, words):
    with pytest.raises(DataError) as caught:
        DataSpec(**change)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"valid": 300}, "valid = 300 leaves nothing of 300 images to train on"),
        (
            {"valid": 30, "train": 271},
            "train = 271 images asked for, but there are 270 after validation is cut",
        ),
        ({"test": 51}, "test = 51 images asked for, but there are 50"),
    ],
)
def test_more_than_there_is(folder, change, words):
    with pytest.raises(DataError) as caught:
        load(DataSpec(folder, **change))
    assert words in str(caught.value)


def test_an_unknown_name_is_met_with_a_suggestion():
    with pytest.raises(DataError, match="did you mean 'glyphs'"):
        load("glyhps")


def test_every_listed_source_says_how_to_get_it():
    listed = sources()
    assert [source.name for source in listed][:3] == ["glyphs", "idx:DIR", "images:DIR"]
    assert all(source.description and source.how for source in listed)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("folder", "'idx:folder'?"),
        ("emnist", "'emnist/balanced'? others: emnist/"),
        ("glyhps", "'glyphs'?"),
        ("cvs:a.csv", "'csv:a.csv'?"),
        ("image:my photos", "'images:my photos'?"),
    ],
)
def test_an_unknown_set_is_refused_with_what_may_have_been_meant(source, meant, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=rf"^data set '{source}' is unknown \(did you mean {re.escape(meant)}"
    ):
        load(source)

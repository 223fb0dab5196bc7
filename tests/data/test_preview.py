"""A contact sheet shows the images that it says, dark on white, each class in turn."""

import numpy as np
import pytest

from assay.data import Dataset, Split, contact_sheet
from assay.data.preview import CAPTION, GAP, SCALE
from assay.errors import DataError


@pytest.fixture
def dataset():
    """Three classes; each image is all of one grey level, 10 x its class + 100 + its number."""
    labels = np.array([0, 0, 0, 0, 1, 1, 2], dtype=np.int64)
    levels = (10 * labels + 100 + np.arange(7)).astype(np.uint8)
    split = Split(np.tile(levels[:, None, None], (1, 28, 28)), labels)
    return Dataset("x", ("a", "b", "c"), split, split, split, synthetic=True, digest="")


def places(sheet, rows, columns):
    pixels, side = np.asarray(sheet), SCALE * 28
    tops = [GAP + r * (side + GAP + CAPTION) + CAPTION for r in range(rows)]
    lefts = [GAP + c * (side + GAP) for c in range(columns)]
    return [np.unique(pixels[top : top + side, left : left + side]) for top in tops for left in lefts]


def test_classes_take_turns_and_each_image_is_shown_once(dataset):
    shown = [int(255 - values[0]) for values in places(contact_sheet(dataset, 2, 4), 2, 4)]
    label_of = dict(zip(dataset.train.images[:, 0, 0].tolist(), dataset.train.labels.tolist(), strict=True))
    assert [label_of.get(level) for level in shown] == [0, 1, 2, 0, 1, 0, 0, None]
    assert shown[-1] == 0  # the eighth place is white paper
    assert len(set(shown)) == 8


def test_another_seed_shows_other_images(dataset):
    sheets = {contact_sheet(dataset, 1, 3, seed).tobytes() for seed in range(10)}
    assert 1 < len(sheets) <= 8
    assert contact_sheet(dataset, 1, 3, 0) == contact_sheet(dataset, 1, 3, 0)


def test_captions_are_drawn(dataset):
    caption = np.asarray(contact_sheet(dataset, 1, 3))[GAP : GAP + CAPTION]
    assert (caption < 200).any()


@pytest.mark.parametrize("size", [{"rows": 0}, {"columns": -1}, {"rows": 10**6}])
def test_a_sheet_of_no_size(dataset, size):
    with pytest.raises(DataError, match="must be from 1 to 1,000"):
        contact_sheet(dataset, **size)


def test_images_in_colour_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 10, 3), dtype=np.uint8)
    split = Split(images, np.arange(3))
    data = Dataset("x", ("aardvark", "b", "c"), split, split, split, synthetic=False, digest="")
    sheet = np.asarray(contact_sheet(data, 1, 3))
    assert sheet.shape == (GAP + 16 + GAP + CAPTION, 3 * (20 + GAP) + GAP, 3)
    for index, image in enumerate(images):
        left, top = GAP + index * (20 + GAP), GAP + CAPTION
        np.testing.assert_array_equal(sheet[top : top + 16 : 2, left : left + 20 : 2], image)

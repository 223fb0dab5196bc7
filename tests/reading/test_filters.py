"""The filters of `assay.reading.filters` give what SciPy gives, bit for bit, and so do readings with them."""

import io

import faults
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter, grey_closing, median_filter
from strokes_drawn import drawn

from assay.reading import find, nist, paper, pieces, specks
from assay.reading.filters import QUICK, closed, depths, median_of_9, near

few = settings(deadline=None, max_examples=25)
sides, seeds = st.tuples(*[st.integers(1, 70)] * 2), st.integers(0, 2**32 - 1)


def scipys_closed(values, window):
    room = np.pad(values, window, mode="symmetric")
    return grey_closing(room, window)[window:-window, window:-window]


def scipys_depths(mask):
    return distance_transform_edt(mask)[mask]


def scipys_near(mask, radius):
    return distance_transform_edt(~mask) <= radius


@few
@given(shape=sides, seed=seeds, half=st.integers(1, 90))
def test_closings_and_medians(shape, seed, half):
    values = np.random.default_rng(seed).random(shape).astype(np.float32)
    assert np.array_equal(closed(values, 2 * half + 1), scipys_closed(values, 2 * half + 1))
    assert np.array_equal(median_of_9(values), median_filter(values, 3))


@few
@given(shape=sides, seed=seeds, share=st.sampled_from([0.02, 0.5, 0.98]), radius=st.floats(0, 15))
def test_distances_and_discs(shape, seed, share, radius):
    mask = np.random.default_rng(seed).random(shape) < share
    mask[0, 0] = True
    assert np.array_equal(near(mask, radius), scipys_near(mask, radius))
    assert np.array_equal(near(mask, int(radius)), scipys_near(mask, int(radius)))
    inside = np.pad(mask, 1)
    assert np.array_equal(depths(inside), scipys_depths(inside))


@pytest.mark.parametrize("shape", [(QUICK, QUICK), (QUICK, 3 * QUICK), (QUICK + 1, QUICK + 1)])
def test_the_longest_distances(shape):
    inside = np.pad(np.ones([side - 2 for side in shape], bool), 1)
    assert np.array_equal(depths(inside), scipys_depths(inside))


@pytest.mark.parametrize("size", [(280, 280), (900, 700)])
def test_even_paper_is_what_all_of_it_would_be(size):
    sheet = np.full(size, np.float32(0.9013))
    sheet[100:150, 100:112] = 0.2
    step = max(1, round(max(size) / paper.COARSE))
    light = gaussian_filter(np.full([side // step for side in size], np.float32(0.9013)), 1.0)
    expected = np.asarray(Image.fromarray(light).resize(size[::-1], Image.Resampling.BILINEAR))
    ink = paper.ink(sheet, 200)
    assert np.array_equal(ink, (np.maximum(expected, sheet) - sheet) / np.maximum(expected, sheet))
    assert ink[120, 105] > 0.5


def test_drawings_and_photographs_are_read_as_with_scipys(monkeypatch):
    four = (np.asarray(drawn("4", 240, 18)) < 128).astype(float)
    made = [
        fault(four, 0, np.random.default_rng(0)) for fault in (faults.shadow, faults.ruled_lines, faults.salt)
    ]
    pictures = [
        drawn("E", 280, 18),
        drawn("a", 280, 3, 60, 170),
        *(Image.open(io.BytesIO(one)) for one in made),
    ]
    ours = [find(picture) for picture in pictures]
    for module, name, scipys in (
        (paper, "closed", scipys_closed),
        (specks, "median_of_9", lambda values: median_filter(values, 3)),
        *((module, "depths", scipys_depths) for module in (pieces, nist)),
        *((module, "near", scipys_near) for module in (pieces, nist)),
    ):
        monkeypatch.setattr(module, name, scipys)
    for one, picture in zip(ours, pictures, strict=True):
        theirs = find(picture)
        assert [item.box for item in one] == [item.box for item in theirs]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, theirs, strict=True))
        assert all(np.array_equal(a.probabilities, b.probabilities) for a, b in zip(one, theirs, strict=True))

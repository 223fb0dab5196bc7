"""Glyphs are reproducible, balanced, placed like EMNIST's, and true to their strokes."""

from itertools import pairwise

import numpy as np
import pytest
from example_counts import drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.data import glyphs
from assay.data.strokes import FONTS, SEGMENTS_PER_SIDE, templates


@settings(max_examples=drawn(5), deadline=None)
@given(st.integers(1, 120), st.integers(0, 2**40), st.sampled_from(["train", "test"]))
def test_an_image_does_not_depend_on_how_many_are_drawn(count, seed, purpose):
    images, labels = glyphs.draw(count, seed, purpose)
    more, more_labels = glyphs.draw(count + 100, seed, purpose)
    np.testing.assert_array_equal(images, more[:count])
    np.testing.assert_array_equal(labels, more_labels[:count])


def test_blocks_join_where_one_ends():
    images, labels = glyphs.draw(glyphs.BLOCK + 47, 3)
    fewer, _ = glyphs.draw(glyphs.BLOCK - 1, 3)
    np.testing.assert_array_equal(images[: len(fewer)], fewer)
    assert len(np.unique(images[[0, glyphs.BLOCK]], axis=0)) == 2
    assert (np.sort(labels.reshape(-1, 47), axis=1) == np.arange(47)).all()


def test_seeds_and_purposes_share_no_image():
    drawn = [glyphs.draw(940, seed, purpose)[0] for seed in (0, 1) for purpose in ("train", "test")]
    assert len(np.unique(np.concatenate(drawn), axis=0)) == 4 * 940


def test_the_longer_side_has_24_pixels_in_the_middle():
    images, _ = glyphs.draw(940, 0)
    for image in images:
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        margins = [rows[0], 27 - rows[-1], columns[0], 27 - columns[-1]]
        assert min(margins) in (2, 3)
        assert abs(margins[0] - margins[1]) <= 1
        assert abs(margins[2] - margins[3]) <= 1
        assert image.max() > 200


def test_pixels_are_the_distance_to_the_nearest_segment(monkeypatch):
    """The window that skips far pixels must change nothing that shows."""
    seen = {}
    rendered = glyphs._rendered
    monkeypatch.setattr(glyphs, "_rendered", lambda *args: seen.update(args=args) or rendered(*args))
    images, _ = glyphs.draw(94, 5)
    points, _, radius, softness = seen["args"]
    pixels = np.stack(np.meshgrid(np.arange(28), np.arange(28)), axis=-1).astype(float)
    for image, segments, r, s in zip(images, points.astype(float), radius, softness, strict=True):
        start, along = segments[:, 0], segments[:, 1] - segments[:, 0]
        gap = pixels[..., None, :] - start
        t = np.clip((gap * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12), 0, 1)
        distance = np.linalg.norm(gap - t[..., None] * along, axis=-1).min(axis=-1)
        expected = 255 * np.clip((r + s / 2 - distance) / s, 0, 1)
        np.testing.assert_allclose(image, expected, atol=1.5)


def test_classes_are_told_apart_by_their_strokes():
    """Nearest class mean is right far above chance: labels belong to their images."""
    images, labels = glyphs.draw(4700, 0)
    means = np.stack([images[labels == k].mean(axis=0).ravel() for k in range(47)])
    test, truth = glyphs.draw(940, 0, "test")
    distance = ((test.reshape(-1, 1, 784) - means) ** 2).sum(axis=-1)
    assert 0.3 < (distance.argmin(axis=1) == truth).mean() < 0.8


@pytest.mark.parametrize("character", glyphs.CLASSES)
def test_every_font_draws_every_class_with_short_segments(character):
    versions = templates(glyphs.CLASSES)[glyphs.CLASSES.index(character)]  # all at once, as they are drawn
    assert len(versions) == len(FONTS)
    for points, stroke in versions:
        assert np.abs(points).max() <= 1 + 1e-6
        assert (points.max(axis=(0, 1)) - points.min(axis=(0, 1))).max() == pytest.approx(2)
        assert np.linalg.norm(points[:, 1] - points[:, 0], axis=-1).max() <= 2 / SEGMENTS_PER_SIDE + 1e-6
        joined = np.isclose(points[:-1, 1], points[1:, 0], atol=1e-6).all(axis=-1)
        assert all(j for j, (s, t) in zip(joined, pairwise(stroke), strict=True) if s == t)

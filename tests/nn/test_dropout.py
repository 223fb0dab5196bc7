"""Dropout: its mask, its expectation, and PyTorch's scaling."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from strategies import any_shapes, batches, generators, maps
from torch.nn import functional as F

from assay.errors import ShapeError, StudyError
from assay.nn import Dropout, Dropout2d
from assay.streams import stream

probabilities = st.sampled_from([0.0, 0.1, 0.5, 0.9])


@given(generators, batches, any_shapes, probabilities)
def test_entries_are_either_left_out_or_scaled_up(rng, n, shape, p):
    x, dy = rng.normal(size=(2, n, *shape))
    layer = Dropout(p)
    y, cache = layer.forward_training({}, x, rng)
    dx, _ = layer.backward({}, cache, dy)
    kept = y != 0
    np.testing.assert_allclose(y, np.where(kept, x / (1 - p), 0), rtol=1e-12)
    np.testing.assert_allclose(dx, np.where(kept, dy / (1 - p), 0), rtol=1e-12)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_share_kept_is_the_inclusion_probability(p):
    x = np.ones((100, 400))
    y, _ = Dropout(p).forward_training({}, x, stream(0, "mask"))
    assert stats.binomtest(int((y > 0).sum()), x.size, 1 - p).pvalue > 1e-3
    assert y.mean() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_kept_entries_are_scaled_as_in_torch(p):
    ours, _ = Dropout(p).forward_training({}, np.ones((50, 9)), stream(0, "mask"))
    theirs = F.dropout(torch.ones(50, 9, dtype=torch.float64), p)
    assert np.unique(ours) == pytest.approx(theirs.unique().numpy())


@given(generators, batches, maps, probabilities)
def test_maps_are_left_out_as_a_whole(rng, n, shape, p):
    y, cache = Dropout2d(p).forward_training({}, np.ones((n, *shape)), rng)
    assert (y == y[:, :, :1, :1]).all()
    dx, _ = Dropout2d(p).backward({}, cache, np.ones_like(y))
    assert (dx == y).all()


def test_maps_are_decided_one_by_one():
    y, _ = Dropout2d(0.5).forward_training({}, np.ones((20, 20, 2, 2)), stream(0, "mask"))
    kept = (y[:, :, 0, 0] > 0).mean(axis=(0, 1))
    assert 0.4 < kept < 0.6


@pytest.mark.parametrize("layer", [Dropout(0.5), Dropout2d(0.5)])
def test_the_mask_is_the_stream_s_in_every_precision(layer):
    x = np.ones((4, 3, 5, 5))
    single, double = (layer.forward_training({}, x.astype(t), stream(1, "mask"))[0] for t in ("f4", "f8"))
    assert single.dtype == np.float32
    assert (single == double).all()
    assert (double != layer.forward_training({}, x, stream(2, "mask"))[0]).any()


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, float("nan")])
def test_a_p_that_leaves_nothing_is_refused(p):
    with pytest.raises(StudyError, match=r"p must be a number in \[0, 1\)"):
        Dropout(p)


def test_vectors_have_no_maps_to_leave_out():
    with pytest.raises(ShapeError, match="expected feature maps"):
        Dropout2d().output_shape((5,))

"""Softmax cross-entropy against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_close, gradient
from strategies import batches, generators
from torch.nn import functional as F

from assay.nn import softmax_cross_entropy
from assay.nn.loss import cross_entropy


@given(generators, batches, st.integers(1, 50), st.sampled_from([1e-3, 1.0, 1e4]))
def test_agrees_with_torch(rng, n, classes, scale):
    scores, labels = scale * rng.normal(size=(n, classes)), rng.integers(0, classes, n)
    loss, dscores = softmax_cross_entropy(scores, labels)
    leaf = torch.tensor(scores, requires_grad=True)
    expected = F.cross_entropy(leaf, torch.tensor(labels))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
    assert_close("dscores", dscores, gradient(leaf))


def test_large_scores_do_not_overflow():
    loss, dscores = softmax_cross_entropy(np.array([[1e300, 0.0]]), np.array([1]))
    assert loss == 1e300
    assert dscores.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_give_nan_without_a_warning(bad):
    loss, dscores = softmax_cross_entropy(np.array([[bad, 0.0]]), np.array([1]))
    assert np.isnan(loss)
    assert np.isnan(dscores).any()


def test_loss_of_float32_scores_is_float64_and_their_gradient_float32():
    scores = np.zeros((2, 47), np.float32)
    loss, dscores = softmax_cross_entropy(scores, np.array([0, 46]))
    assert loss == pytest.approx(np.log(47), rel=1e-15)
    assert dscores.dtype == np.float32


def test_the_mean_is_that_of_the_examples():
    scores, labels = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 2, 0, 1])
    assert cross_entropy(scores, labels).mean() == softmax_cross_entropy(scores, labels)[0]

"""Accuracies whose statistics were worked out elsewhere, in percent and points, to be met to 1e-9."""

from typing import Any

import numpy as np
import pytest


def shares(percent: Any) -> np.ndarray:
    """Return percent or points as the shares that assay takes."""
    return np.asarray(percent) / 100


def points(expected: Any, within: float = 1e-10) -> Any:
    """Return what a share or an interval of shares is to be: ``expected``, in points as ``within`` is."""
    as_shares = tuple(shares(expected)) if isinstance(expected, tuple) else expected / 100
    return pytest.approx(as_shares, rel=1e-9, abs=within / 100)


A = shares([88.31, 88.02, 88.47, 88.19, 87.95, 88.40, 88.11, 88.26])
B = shares([88.05, 87.90, 88.06, 88.01, 87.62, 88.27, 87.78, 87.99])
C = shares([88.28, 88.09, 88.35, 88.22, 88.01, 88.31, 88.15, 88.20])

# Two small networks on 15,800 handwritten characters, 9 paired seeds: how many each got right.
MAX_POOLING = np.array([13997, 13952, 13976, 13959, 13983, 13982, 13938, 13984, 13955]) / 15_800
AVERAGE_POOLING = np.array([13927, 13972, 13949, 13951, 13913, 13971, 13872, 13961, 13974]) / 15_800

FACTORS = {"pool": ("avg", "max"), "bn": ("bn0", "bn1")}
CELLS = {
    ("avg", "bn0"): shares([87.41, 87.18, 87.60, 87.35, 87.12, 87.52]),
    ("avg", "bn1"): shares([88.02, 87.81, 88.09, 87.95, 87.70, 88.11]),
    ("max", "bn0"): shares([87.83, 87.55, 87.96, 87.71, 87.49, 87.90]),
    ("max", "bn1"): shares([88.21, 87.99, 88.35, 88.10, 87.94, 88.30]),
}


def correctness_matrices():
    """Return (6 seeds, 400 images) of correct answers of two arms, by a rule."""
    s, i = np.arange(6)[:, None], np.arange(400)[None, :]
    a = ~(((7 * s + 3 * i + s * i) % 11 == 0) | (i % 10 == 3))
    b = ~(((5 * s + 2 * i + s * i) % 9 == 0) | (i % 10 == 3) | (i % 50 == 7))
    return a, b

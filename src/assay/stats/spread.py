"""The spread of an arm's accuracy over seeds: how much of it is only the finite test set."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from assay.stats.crossed import correctness


@dataclass(frozen=True)
class SeedSpread:
    """Standard deviations over seeds, as shares.

    ``sd`` is the observed one; ``sd_expected_if_independent`` what it would be if every image were an
    independent coin flip; ``distribution_sd`` the spread of the true accuracy, on endless images: 0 where the
    observed one is no wider than coin flips give.
    """

    n: int
    images: int
    sd: float
    sd_expected_if_independent: float
    distribution_sd: float


def seed_spread(correct: ArrayLike) -> SeedSpread:
    """Split the spread of accuracies from ``correct``, (n seeds, M images) of True or False, one arm.

    The unbiased estimator of Jordan (2024), Calibrated Chaos: (M var - mean over images of p (1 - p)) / (M
    - 1).
    """
    x = correctness(correct, "seed_spread").astype(np.float64)
    n, images = x.shape
    variance = float(np.var(x.mean(axis=1), ddof=1))
    coin = float(np.mean(np.var(x, axis=0, ddof=1)))
    real = max(0.0, (images * variance - coin) / (images - 1))
    return SeedSpread(n, images, sqrt(variance), sqrt(coin / images), sqrt(real))

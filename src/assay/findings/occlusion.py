"""Occlusion: which parts of an image an answer rests on (Zeiler and Fergus 2014, section 4.2)."""

import numpy as np
from numpy.typing import NDArray

from assay.findings.trained import Fitted
from assay.shapes import Array

PATCH, STRIDE = 6, 2
"""The side of the patch of paper that is laid over an image, and its steps, in pixels."""
AT_ONCE = 64


def occlusion(
    found: Fitted, image: NDArray[np.uint8], answer: int, *, patch: int = PATCH, stride: int = STRIDE
) -> NDArray[np.float64]:
    """Return how much of the share of class ``answer`` is lost where ``image`` (H, W) is covered.

    A square of paper, ``patch`` pixels wide, is laid over the image at each ``stride``; what the answer's
    share then loses is put down to every pixel covered. Returns the mean loss of each pixel (H, W), from -1
    to 1: negative where ink speaks against the answer.
    """
    height, width = image.shape
    corners = [
        (top, left) for top in _starts(height, patch, stride) for left in _starts(width, patch, stride)
    ]
    covered = np.repeat(image[None], len(corners), axis=0)
    for one, (top, left) in zip(covered, corners, strict=True):
        one[top : top + patch, left : left + patch] = 0
    whole = found.shares(found.scores(image[None]))[0][answer]
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), share in zip(corners, _shares(found, covered, answer), strict=True):
        total[top : top + patch, left : left + patch] += whole - share
        times[top : top + patch, left : left + patch] += 1
    return total / times


def _starts(size: int, patch: int, stride: int) -> list[int]:
    """Return where patches start along an axis, so that every pixel is covered at least once."""
    last = max(size - patch, 0)
    return sorted({*range(0, last + 1, stride), last})


def _shares(found: Fitted, images: NDArray[np.uint8], answer: int) -> list[float]:
    parts: list[Array] = [found.scores(images[at : at + AT_ONCE]) for at in range(0, len(images), AT_ONCE)]
    return [float(share) for part in parts for share in found.shares(part)[:, answer]]

"""Augmentation: training images shifted, rotated and distorted anew each epoch.

A transform is a frozen dataclass that displaces pixels, at random: the new
image's value at p is the old image's at p + d(p). As in Simard, Steinkraus and
Platt (2003, "Best practices for convolutional neural networks applied to
visual document analysis", section 3) the displacements of several transforms
add up, so that an image is resampled, and blurred, once; their order does not
matter. The result for an example is a pure function of (seed, epoch, example)
and the transform: it depends neither on the batch nor on other transforms.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from assay.errors import require
from assay.optim.splitmix import Draws, Floats, key_of

Images = NDArray[np.uint8]
Examples = NDArray[np.int64]
Size = tuple[int, int]

BLOCK = 64  # images displaced together: their arrays then fit in a core's cache
LARGEST = 1_000  # pixels; far beyond any image


@dataclass(frozen=True)
class Transform(ABC):
    """A random displacement of pixels; final subclasses name their ``kind``."""

    kind: ClassVar[str]

    @abstractmethod
    def displacement(self, draws: Draws, size: Size) -> Floats:
        """Return d (N, 2, H, W) in pixels, rows before columns, for N examples of ``size`` (H, W).

        An axis along which d does not vary may have length 1.
        """


@dataclass(frozen=True)
class Shift(Transform):
    """Shift by whole pixels, so that nothing is blurred: each axis by -pixels to pixels, uniformly.

    What leaves the image is lost, and black comes in, as in a random crop
    after padding. ``pixels`` is an integer from 0 to 1,000; EMNIST's characters
    leave a border of 2, the default.
    """

    pixels: int = 2
    kind: ClassVar[str] = "shift"

    def __post_init__(self) -> None:
        """Reject an invalid number of pixels."""
        require(self.pixels in range(LARGEST + 1), "pixels", self.pixels, f"an integer in [0, {LARGEST}]")

    def displacement(self, draws: Draws, size: Size) -> Floats:
        """Draw one vector (N, 2, 1, 1) for each image."""
        del size
        return draws.integers(self.pixels, 2).astype(np.float32)[:, :, None, None]


@dataclass(frozen=True)
class Rotate(Transform):
    """Rotate about the centre by an angle uniform between -degrees and degrees.

    ``degrees`` is from 0 to 180. Past 15, the default (Cireşan et al. 2010),
    some characters become others.
    """

    degrees: float = 15.0
    kind: ClassVar[str] = "rotate"

    def __post_init__(self) -> None:
        """Reject an invalid angle."""
        require(0 <= self.degrees <= 180, "degrees", self.degrees, "a number in [0, 180]")

    def displacement(self, draws: Draws, size: Size) -> Floats:
        """Return (R - I)(p - centre), with R the rotation of each image."""
        angle = np.radians(self.degrees) * draws.uniform(1)[:, :, None]
        row, column = (np.arange(length, dtype=np.float32) - np.float32((length - 1) / 2) for length in size)
        row, column, sine, cosine = row[:, None], column[None, :], np.sin(angle), np.cos(angle) - 1
        turned = (cosine * row + sine * column, cosine * column - sine * row)
        return np.stack(turned, axis=1).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Elastic(Transform):
    """Distort by a smoothed field of random vectors, as the muscles of a hand might (Simard et al. 2003).

    Every pixel draws both components of d uniformly from [-1, 1]; each
    component is smoothed by a Gaussian of unit sum and standard deviation
    ``sigma`` pixels, with zeros outside the image, and multiplied by
    ``alpha``. Away from the border a component's standard deviation is
    alpha / (sqrt(12 pi) sigma): 1.38 pixels for the defaults, the paper's for
    29x29. ``alpha`` is from 0 to 1e6, ``sigma`` from 0.1 to 1,000.
    """

    alpha: float = 34.0
    sigma: float = 4.0
    kind: ClassVar[str] = "elastic"

    def __post_init__(self) -> None:
        """Reject an invalid strength or width."""
        require(0 <= self.alpha <= 1e6, "alpha", self.alpha, "a number in [0, 1e6]")
        require(0.1 <= self.sigma <= LARGEST, "sigma", self.sigma, f"a number in [0.1, {LARGEST}]")

    def displacement(self, draws: Draws, size: Size) -> Floats:
        """Smooth along both axes by a matrix product each; every image has its own product."""
        height, width = size
        noise = draws.uniform(2 * height * width).reshape(-1, 2, height, width)
        down, across = self.alpha * smoother(height, self.sigma), smoother(width, self.sigma)
        return (down @ noise @ across.T).astype(np.float32, copy=False)


KINDS: dict[str, type[Transform]] = {cls.kind: cls for cls in (Shift, Rotate, Elastic)}
"""Every transform by the name that a study file gives it."""


def augment(
    images: Images, examples: Examples, seed: int, epoch: int, transforms: Sequence[Transform]
) -> Images:
    """Return ``images``, each as ``transforms`` make it in ``epoch`` of a run with ``seed``.

    ``images`` are (N, H, W) or (N, H, W, C): all channels of an image move alike. ``examples`` (N,) are
    the images' positions in the training set. Values are interpolated bilinearly and rounded; outside an
    image everything is black. Raises `StudyError` where a kind of transform occurs twice.
    """
    expect_distinct(transforms)
    if not transforms:
        return images
    keys = [key_of(seed, "augment", item.kind, epoch) for item in transforms]
    result, size = np.empty_like(images), (images.shape[1], images.shape[2])
    for start in range(0, len(images), BLOCK):
        block = slice(start, start + BLOCK)
        draws = (Draws(key, examples[block]) for key in keys)
        moves = [item.displacement(drawn, size) for item, drawn in zip(transforms, draws, strict=True)]
        result[block] = resample(images[block], sum(moves[1:], start=moves[0]))
    return result


def expect_distinct(transforms: Sequence[Transform]) -> None:
    """Reject a kind that occurs twice: both would draw the same numbers."""
    kinds = [item.kind for item in transforms]
    require(len(set(kinds)) == len(kinds), "augment", ", ".join(kinds), "transforms of different kinds")


def resample(images: Images, displacement: Floats) -> Images:
    """Return image(p + d(p)), bilinearly interpolated between pixels and the black outside, rounded.

    ``images`` are (N, H, W) or (N, H, W, C). ``displacement`` d is (N, 2, H, W), or 1 along an axis on which
    it does not vary.
    """
    if images.ndim == 4:
        channels = [resample(images[..., channel], displacement) for channel in range(images.shape[3])]
        return np.stack(channels, axis=-1)
    count, height, width = images.shape
    row, across = _parts(displacement[:, 0], np.arange(height)[:, None], height)
    column, along = _parts(displacement[:, 1], np.arange(width), width)
    stride = width + 3
    flat = np.pad(images, ((0, 0), (1, 2), (1, 2))).astype(np.float32).ravel()
    start = np.arange(count)[:, None, None] * ((height + 3) * stride)
    corner = np.broadcast_to(start + row * stride + column, images.shape)
    above, below = (_between(flat, corner + step, along) for step in (0, stride))
    mixed = above + across * (below - above)
    return np.rint(mixed).astype(np.uint8)


def _parts(displacement: Floats, grid: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], Floats]:
    """Return integer and fractional source coordinates, in the image with one pixel of black before it."""
    place = np.clip(displacement + (grid + 1).astype(np.float32), 0, size + 1)
    whole = place.astype(np.int64)  # rounds down, because nothing is negative
    return whole, place - whole.astype(np.float32)


def _between(flat: Floats, index: NDArray[np.int64], share: Floats) -> Floats:
    left = flat[index]
    mixed: Floats = left + share * (flat[index + 1] - left)
    return mixed


@lru_cache(maxsize=16)
def smoother(size: int, sigma: float) -> Floats:
    """Return the matrix (size, size) that smooths a vector by SciPy's Gaussian, with zeros outside."""
    from scipy.ndimage import gaussian_filter1d

    matrix = gaussian_filter1d(np.eye(size), sigma, axis=0, mode="constant")
    return np.asarray(matrix, dtype=np.float32)

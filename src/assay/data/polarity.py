"""Whether characters stand light on dark, as networks here see them, or dark on light paper."""

import numpy as np

from assay.data.examples import AT_ONCE, Images

LIGHT = 160
"""Grey level from which paper is light: scanned paper is seldom white."""
MOST_OF = 0.9
SEEN = 2_000
"""Images looked at, evenly spaced."""


def is_light(images: Images) -> bool:
    """Whether nearly all images (N, H, W) are dark on light: the medians of border and image are light.

    Photographs in colour (N, H, W, 3) have no paper.
    """
    if images.ndim != 3:
        return False
    seen = images[:: -(-len(images) // SEEN)]
    border = np.concatenate([seen[:, 0], seen[:, -1], seen[:, :, 0], seen[:, :, -1]], axis=1)
    whole = seen.reshape(len(seen), -1)
    light = (np.median(border, axis=1) >= LIGHT) & (np.median(whole, axis=1) >= LIGHT)
    return bool(light.mean() >= MOST_OF)


def turn(images: Images) -> None:
    """Exchange light and dark in place."""
    for start in range(0, len(images), AT_ONCE):
        part = images[start : start + AT_ONCE]
        np.subtract(255, part, out=part)

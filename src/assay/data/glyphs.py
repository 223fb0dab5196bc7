"""Characters drawn, not downloaded: the 47 classes of EMNIST Balanced.

Each image is a character of a Hershey font whose strokes are bent by a smooth
random field, slanted, rotated and drawn with a pen of random width. It is
placed as NIST placed EMNIST's: centred, its longer side 24 of 28 pixels. The
images are synthetic, and every report that uses them says so.
"""

import numpy as np
from numpy.typing import NDArray

from assay.data.strokes import Floats, Template, templates
from assay.streams import stream

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
SIZE, INK = 28, 24
BLOCK = 20 * len(CLASSES)  # images whose random numbers are drawn together

# The strength of the distortions, chosen so that a small CNN (two 5x5 convolutions with 8 and 16 maps)
# gets about 90 of 100 test images right after 10 epochs of 20,000, and a linear model 67.
TURN, SLANT, STRETCH = 0.28, 0.65, 0.45  # radians, shear, logarithm of width to height: at most
SLIP = 0.04  # standard deviation of each stroke's place; a character spans -1..1
WAVES, FREQUENCY, BEND = 5, 1.4, 0.055  # sine waves that bend the strokes, radians per unit, amplitude
RADIUS, SOFTNESS = (0.7, 1.9), (1.0, 2.0)  # of the pen, in pixels, from and to

BORDER, WINDOW = 5, 8  # pixels around the image, so that a window never leaves it; a window's side
FAR = np.float32(1e6)


def draw(count: int, seed: int, purpose: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw ``count`` images (N, 28, 28), upright, light on black, and their labels (N,).

    Image i of a ``seed`` and ``purpose`` is the same however many are drawn;
    each run of 47 images, counted from the first, holds every class once.
    """
    images = np.empty((count, SIZE, SIZE), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for block, start in enumerate(range(0, count, BLOCK)):
        wanted = slice(start, min(start + BLOCK, count))
        number = wanted.stop - start
        drawn, shown = _block(stream(seed, "glyphs", purpose, block), number)
        images[wanted], labels[wanted] = drawn, shown
    return images, labels


def _block(random: np.random.Generator, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw the first ``count`` images of a block; a whole block's random numbers are always consumed."""
    labels = random.permuted(np.tile(np.arange(len(CLASSES)), (BLOCK // len(CLASSES), 1)), axis=1).ravel()
    fonts = templates(CLASSES)
    chosen = [fonts[k][int(u * len(fonts[k]))] for k, u in zip(labels, random.random(BLOCK), strict=True)]
    points, lengths = _bent(random, chosen)
    radius, softness = _uniform(random, *RADIUS, BLOCK), _uniform(random, *SOFTNESS, BLOCK)
    points = _placed(points, radius + np.float32(0.5) * softness)
    return _rendered(points[:count], lengths[:count], radius[:count], softness[:count]), labels[:count]


def _bent(random: np.random.Generator, chosen: list[Template]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distorted segments (N, P, 2, 2), padded by repeating the last, and their counts (N,)."""
    lengths = np.array([len(template.stroke) for template in chosen])
    index = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
    points = np.stack([template.points[i] for template, i in zip(chosen, index, strict=True)])
    stroke = np.stack([template.stroke[i] for template, i in zip(chosen, index, strict=True)])

    slips = SLIP * _normal(random, len(chosen), stroke.max() + 1, 2)
    points = points + np.take_along_axis(slips, stroke[:, :, None], axis=1)[:, :, None, :]
    points = points + _waves(random, points)
    return _affine(random, points), lengths


def _waves(random: np.random.Generator, points: Floats) -> Floats:
    """Return a smooth displacement of each point: a sum of long sine waves in random directions."""
    shape = (len(points), 1, 1, WAVES)
    frequency = FREQUENCY * _normal(random, 2, *shape)
    phase = _uniform(random, 0, 2 * np.pi, *shape)
    height = np.sin(points[..., :1] * frequency[0] + points[..., 1:] * frequency[1] + phase)
    amplitude = BEND * _normal(random, 2, *shape)
    return np.stack([(amplitude[axis] * height).sum(axis=-1) for axis in range(2)], axis=-1)


def _affine(random: np.random.Generator, points: Floats) -> Floats:
    """Stretch, slant and rotate each image's points."""
    number = (len(points), 1, 1)
    stretch = np.exp(_uniform(random, -STRETCH, STRETCH, *number))
    slant, turn = _uniform(random, -SLANT, SLANT, *number), _uniform(random, -TURN, TURN, *number)
    x = points[..., 0] * stretch - points[..., 1] * slant
    y = points[..., 1]
    return np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=-1)


def _normal(random: np.random.Generator, *shape: int) -> Floats:
    return random.standard_normal(shape, dtype=np.float32)


def _uniform(random: np.random.Generator, low: float, high: float, *shape: int) -> Floats:
    return random.uniform(low, high, shape).astype(np.float32)


def _placed(points: Floats, margin: Floats) -> Floats:
    """Scale and centre the points so that the ink, ``margin`` beyond them, spans 24 of 28 pixels."""
    low, high = points.min(axis=(1, 2)), points.max(axis=(1, 2))
    scale = (INK - 2 * margin) / (high - low).max(axis=1)
    middle = ((low + high) / 2)[:, None, None, :]
    placed: Floats = (points - middle) * scale[:, None, None, None] + np.float32((SIZE - 1) / 2)
    return placed


def _rendered(
    points: Floats, lengths: NDArray[np.int64], radius: Floats, softness: Floats
) -> NDArray[np.uint8]:
    """Turn segments into grey levels that fall from 255 to 0 across the pen's soft edge."""
    distance = np.sqrt(_squared_distance(points, lengths))
    inside = (radius + softness / 2)[:, None, None] - distance
    ink = np.clip(inside / softness[:, None, None], 0, 1)
    return np.rint(255 * ink).astype(np.uint8)


def _squared_distance(points: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Return the squared distance (N, 28, 28) from each pixel to its image's nearest segment.

    Only a window of pixels around a segment is visited, one segment of every
    image at a time; images are sorted so that those with segments left come first.
    """
    order = np.argsort(-lengths, kind="stable")
    points, lengths = points[order], lengths[order]
    side = SIZE + 2 * BORDER
    nearest = np.full(len(points) * side * side, FAR, dtype=np.float32)
    canvas = np.arange(len(points))[:, None, None] * side * side
    offset = np.arange(WINDOW)
    for p in range(int(lengths.max())):
        left = int(np.searchsorted(-lengths, -p))
        start, end = points[:left, p, 0], points[:left, p, 1]
        corner = np.floor((start + end) / 2).astype(np.int64) - (WINDOW // 2 - 1)
        corner = np.clip(corner, -BORDER, SIZE + BORDER - WINDOW)
        columns, rows = (corner[:, axis, None] + offset for axis in range(2))
        index = canvas[:left] + (rows[:, :, None] + BORDER) * side + columns[:, None, :] + BORDER
        found = _to_segment(columns, rows, start, end)
        nearest[index] = np.minimum(nearest[index], found)
    inner = slice(BORDER, BORDER + SIZE)
    back = np.argsort(order, kind="stable")
    return nearest.reshape(-1, side, side)[back, inner, inner]


def _to_segment(columns: NDArray[np.int64], rows: NDArray[np.int64], start: Floats, end: Floats) -> Floats:
    """Return the squared distances (N, rows, columns) from each window's pixels to its segment."""
    x = (columns - start[:, :1]).astype(np.float32)[:, None, :]
    y = (rows - start[:, 1:]).astype(np.float32)[:, :, None]
    dx, dy = ((end - start)[:, axis, None, None] for axis in range(2))
    squared = np.maximum(dx * dx + dy * dy, np.float32(1e-12))
    along = np.clip(x * (dx / squared) + y * (dy / squared), 0, 1)
    squares: Floats = (x - along * dx) ** 2 + (y - along * dy) ** 2
    return squares

"""A contact sheet: a few images of a data set under their class names."""

from typing import TYPE_CHECKING

import numpy as np

from assay.data.dataset import Dataset
from assay.errors import DataError
from assay.streams import stream

if TYPE_CHECKING:
    from PIL import Image

SCALE, GAP, CAPTION = 2, 6, 14
LARGEST = 1_000


def contact_sheet(dataset: Dataset, rows: int = 8, columns: int = 12, seed: int = 0) -> "Image.Image":
    """Draw ``rows`` x ``columns`` training images class by class, grey ones dark on white.

    Classes take turns in order, so that 48 places show each of 47 classes once;
    which image of a class is shown depends on ``seed``.
    """
    from PIL import Image, ImageDraw

    for name, value in (("rows", rows), ("columns", columns)):
        if not 1 <= value <= LARGEST:
            raise DataError(f"{dataset.name}: {name} must be from 1 to {LARGEST:,}; got {value}")
    images, labels = dataset.train.images, dataset.train.labels
    height, width = (SCALE * size for size in images.shape[1:3])
    cell = (width + GAP, height + GAP + CAPTION)
    colour = images.ndim == 4
    sheet = Image.new("RGB" if colour else "L", (columns * cell[0] + GAP, rows * cell[1] + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for place, index in enumerate(_shown(labels, rows * columns, seed)):
        left, top = GAP + place % columns * cell[0], GAP + place // columns * cell[1]
        pen.text((left, top), dataset.classes[labels[index]][: max(1, width // 6)], fill="dimgrey")
        shown = Image.fromarray(images[index] if colour else 255 - images[index])
        sheet.paste(shown.resize((width, height), Image.Resampling.NEAREST), (left, top + CAPTION))
    return sheet


def _shown(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return up to ``count`` positions, with the classes taking turns."""
    shuffled = stream(seed, "preview").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sizes = np.bincount(labels)
    turn = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return by_class[np.lexsort((labels[by_class], turn))][:count]

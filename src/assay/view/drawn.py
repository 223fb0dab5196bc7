"""What was drawn or pasted: opened within bounds, and divided into characters."""

import io
from typing import TYPE_CHECKING

import numpy as np
from starlette.exceptions import HTTPException

from assay.errors import DataError
from assay.reading import Found, find
from assay.reading.nist import as_nist
from assay.reading.recogniser import recogniser

if TYPE_CHECKING:
    from PIL import Image

MOST_SIDE = 4096
"""Pixels of a drawing's side."""
MOST_PIXELS = 50_000_000
"""Pixels of a picture that is pasted, dropped or chosen."""
KINDS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}
INK = 0.5
"""How dark ink is where a half drawn character is cropped, of the darkest."""


def open_drawing(body: bytes, kind: str, whole: bool) -> "Image.Image":
    """Return a drawing, or with ``whole`` a picture, whose size was looked at before it was unpacked.

    ``kind`` is one of the formats of `KINDS`. Raises 422 for what is too large or cannot be read.
    """
    from PIL import Image, ImageOps

    try:
        found = Image.open(io.BytesIO(body), formats=[kind])
        width, height = found.size
        if width * height > MOST_PIXELS or (not whole and max(width, height) > MOST_SIDE):
            raise HTTPException(422, f"a picture of {width} x {height} pixels is too large")
        found.load()
        return ImageOps.exif_transpose(found)
    except HTTPException:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds of error for a damaged file
        raise HTTPException(422, f"not a {kind} picture that can be read ({str(error)[:80]})") from None


def characters_of(picture: "Image.Image", whole: bool) -> tuple[Found, ...]:
    """Return the characters of a drawing in reading order, none of a blank one.

    What does not look like a character yet, half drawn, is taken as one. Of a ``whole`` picture it is not:
    `DataError` then says that none was found.
    """
    if whole:
        return find(picture)
    grey = np.asarray(picture.convert("L"), np.float32)
    if grey.min() == grey.max():
        return ()
    try:
        return find(picture)
    except DataError:
        return (_half_drawn((grey.max() - grey) / (grey.max() - grey.min())),)


def _half_drawn(ink: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Found:
    pixels = as_nist(ink)
    rows, columns = (np.flatnonzero((ink >= INK).any(axis=axis)) for axis in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Found(box, 0, 0, pixels, recogniser().probabilities(pixels[None])[0])

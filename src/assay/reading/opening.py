"""Open a picture, whatever its format, size and depth, as colours from 0 to 1.

A large photograph is reduced while it is read, in strips, so that it is in memory only once and only as
bytes; JPEG's are decoded reduced. What is left has at most about `LONGER` pixels on its longer side, on which
the smallest writing that can be recognised in a photograph is still a few dozen pixels high.
"""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assay.data.picture_files import ORIENTATION
from assay.data.picture_notes import MOST_PIXELS, lenient, oversized, oversized_exif
from assay.errors import DataError, one_line

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]

LONGER = 1200
LEAST = 160
"""Pixels of the longer side; smaller pictures are enlarged, so that strokes have insides and edges."""
MOST_BYTES = 400_000_000  # of a file on standard input
STRIP = 250_000  # pixels reduced at a time, in several copies
EXPECTED = "expected PNG, JPEG, WebP, TIFF or another picture"


@dataclass(frozen=True)
class Opened:
    """A picture as it was opened, upright.

    ``colours`` are (H, W, 3) from 0 to 1, ``alpha`` (H, W) is None where all is opaque. A pixel here is
    ``zoom`` pixels wide in the picture itself, which is ``size`` (width, height) pixels large.
    """

    name: str
    colours: Floats
    alpha: Floats | None
    zoom: float
    size: tuple[int, int]


def opened(picture: "Image.Image | Path | str | bytes", name: str | None = None) -> Opened:
    """Open a Pillow image, the path of a picture file, or a file's contents, turned as EXIF says.

    Of an animation the first picture is taken. Raises `DataError` where it is not a picture, is damaged or
    empty, or has more than `MOST_PIXELS` pixels.
    """
    from PIL import Image

    if isinstance(picture, Image.Image):
        name = name or "image"
    else:
        name = name or ("picture" if isinstance(picture, bytes) else str(picture) or "''")
    try:
        with lenient():
            if isinstance(picture, Image.Image):
                return _upright(_reduced(picture, name))
            if not isinstance(picture, bytes) and not Path(picture).is_file():
                raise DataError(f"{name}: is not a file (name a picture, such as a PNG or JPEG)")
            if problem := oversized(picture if isinstance(picture, bytes) else Path(picture)):
                raise DataError(f"{name}: {problem}")
            source = io.BytesIO(picture) if isinstance(picture, bytes) else Path(picture)
            with closing(_pillow(source)) as image:
                reduced = _reduced(image, name)
            return _upright(reduced)
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{name}: does not fit into memory (give a smaller copy)") from None
    except Exception as error:  # Pillow's decoders raise many kinds of error for a damaged file
        raise DataError(f"{name}: cannot be read as a picture ({_said(error, name)}); {EXPECTED}") from error


def _said(error: Exception, name: str) -> str:
    text = one_line(str(error)) or type(error).__name__
    if type(error).__name__ == "DecompressionBombError":
        return f"it has more than {MOST_PIXELS:,} pixels; give a smaller copy"
    return "its format is not known here" if "cannot identify" in text and name else text


def _pillow(source: io.BytesIO | Path) -> "Image.Image":
    """Open with Pillow; HEIC's, as phones take them, with pillow-heif where that is installed."""
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(source)
    except UnidentifiedImageError:
        if not _is_heic(source):
            raise
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise DataError(
            f"{'picture' if isinstance(source, io.BytesIO) else source}: is HEIC, which needs the package "
            "pillow-heif (pip install 'assay[heic]'), or save it as JPEG"
        ) from None
    register_heif_opener()
    return Image.open(source)


def _is_heic(source: io.BytesIO | Path) -> bool:
    """Whether a file begins as HEIF's do: a box "ftyp" of a brand that it knows."""
    if isinstance(source, io.BytesIO):
        source.seek(0)
        begin = source.read(12)
        source.seek(0)
    else:
        with source.open("rb") as file:
            begin = file.read(12)
    return begin[4:8] == b"ftyp" and begin[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1")


@dataclass(frozen=True)
class _Reduced:
    """A picture of ``size`` as it lies in its file, reduced: (H, W, C), and how EXIF says to turn it."""

    name: str
    values: NDArray[np.float32 | np.uint8]
    turn: int
    size: tuple[int, int]


def _reduced(image: "Image.Image", name: str) -> _Reduced:
    if image.format == "EPS":
        raise DataError(f"{name}: is PostScript, a program, which is not run (save it as PNG or JPEG)")
    if problem := oversized_exif(image):
        raise DataError(f"{name}: {problem}")
    size = width, height = image.size
    if not width or not height:
        raise DataError(f"{name}: has no pixels ({width} x {height})")
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{name}: has {width} x {height} pixels, more than {MOST_PIXELS:,} (give a smaller copy)"
        )
    turn = image.getexif().get(ORIENTATION, 1)
    turn = turn if turn in range(1, 9) else 1
    if image.format == "JPEG":
        image.draft(None, (min(width, LONGER), min(height, LONGER)))
    strips = [*_strips(image, max(1, round(max(image.size) / LONGER)))]
    return _Reduced(name, np.concatenate(strips), turn, size)


def _upright(picture: _Reduced) -> Opened:
    colours, alpha = _unit(picture.values)
    parts = [_enlarged(_turned(part, picture.turn)) for part in (colours, alpha) if part is not None]
    size = picture.size if picture.turn < 5 else picture.size[::-1]
    zoom = max(size) / max(parts[0].shape[:2])
    return Opened(picture.name, parts[0], parts[1] if len(parts) > 1 else None, zoom, size)


def _strips(image: "Image.Image", factor: int) -> Iterator[NDArray[np.float32 | np.uint8]]:
    """Yield strips of the picture (H, W, C), from the top, each reduced by ``factor``: 1, 3 or 4 channels."""
    width, height = image.size
    rows = max(factor, STRIP // width // factor * factor)
    whole = image.mode.startswith(("I", "F"))  # 16 bits and more
    mode = "RGBA" if image.has_transparency_data else "RGB"
    image.load()
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        if whole:
            yield _means(np.asarray(strip, np.float32)[..., None], factor)
        else:
            # Pillow reduces colours by their opacity only in this mode.
            strip = strip.convert(mode)
            small = strip if factor == 1 else strip.reduce(factor)
            yield np.asarray(small)


def _means(values: Floats, factor: int) -> Floats:
    """Return means over squares of ``factor`` pixels; smaller ones at the ends."""
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], factor)
        counts = np.diff(np.append(starts, values.shape[axis])).astype(np.float32)
        sums = np.add.reduceat(values, starts, axis=axis)
        shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
        values = (sums / counts.reshape(shape)).astype(np.float32)
    return values


def _unit(values: NDArray[np.float32 | np.uint8]) -> tuple[Floats, Floats | None]:
    """Return colours (H, W, 3) and opacity (H, W) from 0 to 1; 16 bits are stretched over what they use."""
    if values.dtype == np.uint8:
        levels = (values / np.float32(255)).astype(np.float32)
        return levels[..., :3], levels[..., 3] if values.shape[2] == 4 else None
    values = np.nan_to_num(values, posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    scaled = ((values - low) / np.float32((high - low) or 1)).astype(np.float32)
    return np.repeat(scaled, 3, axis=2), None


def _turned(values: Floats, turn: int) -> Floats:
    """Turn a picture upright, as EXIF's orientation ``turn``, 1 to 8, says."""
    if turn in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        values = values[::-1]
    if turn in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def _enlarged(values: Floats) -> Floats:
    """Enlarge a small picture by a whole number, with bicubic interpolation.

    It swings beyond the shades at an edge, and what is lighter than the paper would be light ink, so
    no pixel is lighter or darker than all those around the one that it comes from.
    """
    factor = -(-LEAST // max(values.shape[:2]))
    if factor == 1:
        return values
    from PIL import Image
    from scipy.ndimage import maximum_filter, minimum_filter

    size = (values.shape[1] * factor, values.shape[0] * factor)
    layers = [values] if values.ndim == 2 else [values[..., layer] for layer in range(values.shape[2])]
    large = [np.asarray(Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC)) for layer in layers]
    around = (3, 3, 1)[: values.ndim]
    low, high = (
        np.repeat(np.repeat(limit(values, around), factor, axis=0), factor, axis=1)
        for limit in (minimum_filter, maximum_filter)
    )
    found: Floats = np.clip(large[0] if values.ndim == 2 else np.stack(large, -1), low, high)
    return found

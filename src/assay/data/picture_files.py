"""Picture files as images of one size: how large, in colour or not, and how they are brought there."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.data.picture_notes import MOST_PIXELS, lenient, oversized, oversized_exif
from assay.data.polarity import is_light
from assay.errors import DataError
from assay.shapes import Shape

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm")
MOST_SIDE = 65_535
STRIP = 1 << 20  # pixels of which copies are made at a time
ORIENTATION = 0x0112  # the EXIF tag
SAMPLE = 32
"""Side of the coarse picture from which colours are judged."""
ALIKE = 4
"""Mean levels by which grey pictures that are saved in colour may differ from one tint of all."""


@dataclass(frozen=True)
class Form:
    """The size (height, width) of all images, and whether they have three channels."""

    size: tuple[int, int]
    colour: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image."""
        return (*self.size, 3) if self.colour else self.size


def opened(source: Path | bytes, name: str) -> "Image.Image":
    """Open a picture; its pixels are not read yet. Raises `DataError` if it is not one, or far too large."""
    from PIL import Image

    with _reading(name):
        if isinstance(source, Path) and not source.is_file():
            raise DataError(f"{name}: is not a file (name a picture, such as a PNG or JPEG)")
        if problem := oversized(source):
            raise DataError(f"{name}: {problem}")
        image = Image.open(BytesIO(source) if isinstance(source, bytes) else source)
    if problem := oversized_exif(image):
        image.close()
        raise DataError(f"{name}: {problem}")
    if image.format == "EPS":
        image.close()
        raise DataError(f"{name}: is PostScript, a program, which is not run (save it as PNG or JPEG)")
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise _too_large(name, f"{image.width}x{image.height}")
    if max(image.size) > MOST_SIDE:
        image.close()
        raise DataError(f"{name}: {image.width}x{image.height} pixels, expected sides up to {MOST_SIDE:,}")
    return image


def sample(image: "Image.Image", name: str) -> NDArray[np.float64]:
    """Return a picture's colours (3, N), coarsely; `DataError` where it cannot be read."""
    with _reading(name):
        image.draft("RGB", (64, 64))
        small = _flat(image, "RGB").resize((SAMPLE, SAMPLE))
    return np.asarray(small, dtype=np.float64).reshape(-1, 3).T


def show_colour(samples: Iterable[NDArray[np.float64]]) -> bool:
    """Whether pictures show colours: more than one tint, such as that of their paper, explains."""
    colours = np.concatenate([*samples], axis=1)
    grey = colours.mean(axis=0)
    tint = colours @ grey / max(grey @ grey, 1)
    return bool(np.abs(colours - tint[:, None] * grey).mean() > ALIKE)


def fitted(image: "Image.Image", form: Form, name: str) -> NDArray[np.uint8]:
    """Return a picture's pixels in ``form``: the whole picture, its proportions kept, in the middle.

    What is left beside it has the median colour of its border. It is turned as its camera says, and
    transparent parts are white.
    """
    from PIL import Image, ImageOps

    height, width = form.size
    with _reading(name):
        image.draft("RGB" if form.colour else "L", (2 * width, 2 * height))
        if image.getexif().get(ORIENTATION, 1) in range(2, 9):  # otherwise it would be copied
            image = ImageOps.exif_transpose(image)
        turned = _flat(image, "RGB" if form.colour else "L")
        share = min(width / turned.width, height / turned.height)
        inner = max(1, round(turned.width * share)), max(1, round(turned.height * share))
        small = np.asarray(turned if turned.size == inner else turned.resize(inner, Image.Resampling.BICUBIC))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    result = np.empty(form.shape, np.uint8)
    result[:] = np.median(edge, axis=0).astype(np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    result[top : top + inner[1], left : left + inner[0]] = small
    return result


def as_trained(picture: "Image.Image | Path", shape: Shape) -> NDArray[np.uint8]:
    """Return a picture as ``images:DIR`` has it, for a network that takes the input ``shape`` (C, H, W).

    Light and dark are exchanged in a grey picture on light paper. Raises `DataError` for a file that is no
    picture.
    """
    channels, height, width = shape
    form = Form((height, width), channels == 3)
    if isinstance(picture, Path):
        with opened(picture, str(picture)) as image:
            found = fitted(image, form, str(picture))
    else:
        found = fitted(picture, form, "image")
    return 255 - found if is_light(found[None]) else found


def _flat(image: "Image.Image", mode: str) -> "Image.Image":
    """Return a picture with 8 bits a channel, over white where it is transparent; itself where it is so."""
    from PIL import Image

    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert(mode)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _over_white(image, mode)
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return levels (H, W) as bytes: as they are up to 255, else as shares of 65,535."""
    most = 255 if levels.max(initial=0) <= 255 else 65535
    found, rows = np.empty(levels.shape, np.uint8), max(1, STRIP // max(1, levels.shape[1]))
    for top in range(0, len(levels), rows):
        strip = levels[top : top + rows].astype(np.float64)
        found[top : top + rows] = (strip.clip(0, most) * (255 / most)).astype(np.uint8)
    return found


def _over_white(image: "Image.Image", mode: str) -> "Image.Image":
    from PIL import Image

    found, rows = Image.new(mode, image.size), max(1, STRIP // max(1, image.width))
    for top in range(0, image.height, rows):
        layers = image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA")
        paper = Image.new("RGBA", layers.size, "white")
        found.paste(Image.alpha_composite(paper, layers).convert(mode), (0, top))
    return found


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Make Pillow's errors `DataError`; what it warns of, sizes and odd metadata, is refused or no matter."""
    try:
        with lenient():
            yield
    except DataError:
        raise
    except Exception as error:  # its decoders raise many kinds of error for a damaged file
        raise _unreadable(name, error) from None


def _too_large(name: str, pixels: str) -> DataError:
    return DataError(f"{name}: {pixels} pixels, more than {MOST_PIXELS:,} (give a smaller copy)")


def _unreadable(name: str, error: Exception) -> DataError:
    if type(error).__name__ == "DecompressionBombError":
        return _too_large(name, f"{int(re.findall(r'[0-9]+', str(error))[0]):,}")
    reason = " ".join(str(error).split())[:100] or type(error).__name__
    if type(error).__name__ == "UnidentifiedImageError":  # whose text repeats the name
        reason = "its format is not known here"
    return DataError(
        f"{name}: cannot be read as a picture ({reason}); expected PNG, JPEG, WebP or TIFF "
        "(repair it, or move it out of the way)"
    )

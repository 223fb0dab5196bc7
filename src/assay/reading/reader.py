"""Read the characters in pictures: `read` with the recogniser that comes with assay, `find` for any other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.errors import DataError
from assay.reading.opening import Opened, opened
from assay.reading.order import PieceGroup
from assay.reading.page import read_page
from assay.reading.recogniser import Recogniser, recogniser

if TYPE_CHECKING:
    from PIL import Image

LIKELIEST = 3
"""How many classes are named for each character."""

Readable: TypeAlias = "Image.Image | Path | str | bytes | NDArray[np.integer[Any]]"
"""A Pillow image, a picture file's path or contents, or an array (H, W) or (H, W, 3) of whole numbers."""
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the upright picture; right and bottom lie outside."""


@dataclass(frozen=True)
class Found:
    """A character found in a picture: its box, its line and its word, counted from 0, and its image.

    ``pixels`` are (28, 28), light on black, as EMNIST's images; ``probabilities`` (K,) are the recogniser's.
    """

    box: Box
    line: int
    word: int
    pixels: NDArray[np.uint8] = field(repr=False)
    probabilities: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class ReadCharacter:
    """A character that was read.

    ``likeliest`` are the three likeliest characters with their probabilities, of which ``character`` and
    ``confidence`` are the first; of a hundred characters read with 0.9, about ninety are right. ``line`` and
    ``word`` count from 0, the words through all lines.
    """

    character: str
    confidence: float
    likeliest: tuple[tuple[str, float], ...]
    box: Box
    line: int
    word: int


@dataclass(frozen=True)
class Reading:
    """What is written in a picture: its characters in reading order."""

    name: str
    characters: tuple[ReadCharacter, ...]

    @property
    def text(self) -> str:
        """The text: words separated by spaces, lines by line ends."""
        text = ""
        for before, one in zip((None, *self.characters), self.characters, strict=False):
            if before and before.line != one.line:
                text += "\n"
            elif before and before.word != one.word:
                text += " "
            text += one.character
        return text


def read(image: Readable, *, one: bool = False, name: str | None = None) -> Reading:
    """Read the characters in a picture with the recogniser that comes with assay.

    ``image`` is a Pillow image, the path of a picture file, its contents, or an array (H, W) or (H, W, 3) of
    whole numbers from 0 to 255, of any size, dark on light or light on dark. Upper and lower case of letters
    that look alike are one class. With ``one``, the picture must show one character. ``name`` is what the
    picture is called, by default its path. Raises `DataError` where it cannot be opened, no character is
    found, or with ``one`` several are.
    """
    network = recogniser()
    name = name or (str(image) if isinstance(image, str | PathLike) else "image")
    found = find(image, one=one, name=name, network=network)
    return Reading(name, tuple(_read(item, network.classes) for item in found))


def find(
    image: Readable, *, one: bool = False, name: str | None = None, network: Recogniser | None = None
) -> tuple[Found, ...]:
    """Find the characters in a picture, in reading order, each prepared as NIST prepared EMNIST's.

    Takes and raises what `read` does. Where a picture can be understood in several ways, ``network``, by
    default the one that comes with assay, decides by which it recognises more.
    """
    network = network or recogniser()
    picture = opened(_picture(image), name)
    page = read_page(picture, network.probabilities)
    if not page.characters:
        what = "blank picture, no character found" if page.blank else "no character found"
        raise DataError(f"{picture.name}: {what}")
    if one and len(page.characters) > 1:
        raise DataError(
            f"{picture.name}: looks like {len(page.characters)} characters, expected one (crop the picture, "
            "or leave out --one)"
        )
    return tuple(
        Found(_box(item.part, picture), item.line, item.word, item.pixels, item.probabilities)
        for item in page.characters
    )


def prepare(image: Readable) -> NDArray[np.uint8]:
    """Return the one character in a picture as (28, 28), light on black, upright, as NIST prepared EMNIST's.

    Takes what `read` does. Raises `DataError` where the picture cannot be opened, no character is found, or
    several are.
    """
    return find(image, one=True)[0].pixels


def _picture(image: Any) -> "Image.Image | Path | str | bytes":
    if not isinstance(image, np.ndarray):
        return image if isinstance(image, bytes | str) or not isinstance(image, PathLike) else Path(image)
    from PIL import Image

    whole = np.issubdtype(image.dtype, np.integer) and image.size and 0 <= image.min() <= image.max() <= 255
    if not whole or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise DataError(
            f"image: found an array of {image.dtype}, shape {image.shape}, expected whole numbers from 0 to "
            "255, (H, W) or (H, W, 3)"
        )
    return Image.fromarray(image.astype(np.uint8))


def _box(part: PieceGroup, picture: Opened) -> Box:
    """Return a part's box in pixels of the picture itself."""
    width, height = picture.size
    left, top, right, bottom = (
        round(edge * picture.zoom) for edge in (part.left, part.top, part.right, part.bottom)
    )
    return left, top, max(left + 1, min(right, width)), max(top + 1, min(bottom, height))


def likeliest(probabilities: NDArray[np.float64], classes: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return the `LIKELIEST` classes with their probabilities."""
    order = np.argsort(-probabilities, kind="stable")[:LIKELIEST]
    return tuple((classes[index], float(probabilities[index])) for index in order)


def _read(found: Found, classes: Sequence[str]) -> ReadCharacter:
    ranking = likeliest(found.probabilities, classes)
    return ReadCharacter(*ranking[0], ranking, found.box, found.line, found.word)

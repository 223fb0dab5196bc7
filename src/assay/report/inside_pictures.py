"""The pictures of what networks do with images: examples of mistakes, kernels, feature maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.findings.confusion import Mistake
from assay.findings.feature_maps import Features, Kernels, LayerMaps
from assay.findings.inside import Inside
from assay.findings.numbers import plural
from assay.report.pictures import Picture, characters, coloured, signed

KERNELS, UNITS, MAPS, VALUES = 8, 6, 8, 32
"""How many stand in a row: kernels, units' weights, feature maps, single values."""


@dataclass(frozen=True)
class InsidePictures:
    """``mistakes`` has a picture for both directions of each confused pair, None where none was made."""

    mistakes: Sequence[tuple[Picture | None, Picture | None]] = ()
    kernels: Picture | None = None
    image: Picture | None = None
    layers: Sequence[Picture] = ()


def draw(inside: Inside | None) -> InsidePictures:
    """Draw the pictures that the findings allow."""
    if inside is None:
        return InsidePictures()
    pairs = inside.confusion.pairs if inside.confusion else ()
    seen = inside.features
    return InsidePictures(
        [
            (_mistake(a, f"mistake{index}a"), _mistake(b, f"mistake{index}b"))
            for index, (a, b) in enumerate(pairs)
        ],
        _kernels(inside.kernels) if inside.kernels else None,
        _image(seen) if seen else None,
        [_maps(maps, f"maps{index}", seen) for index, maps in enumerate(seen.layers)] if seen else (),
    )


def _mistake(mistake: Mistake, key: str) -> Picture | None:
    if not mistake.examples:
        return None
    words = f"{plural(len(mistake.examples), 'test image')} of {mistake.true} read as {mistake.answer}"
    return characters(np.stack([example.image for example in mistake.examples]), key, words)


def _kernels(kernels: Kernels) -> Picture:
    what = "weights of units" if kernels.dense else "kernels"
    words = f"{len(kernels.weights)} of {kernels.total} {what} of {kernels.layer}, as images"
    columns, tile = (UNITS, 84) if kernels.dense else (KERNELS, 40)
    return (coloured if kernels.weights.ndim == 4 else signed)(
        kernels.weights, columns, tile, "kernels", words
    )


def _image(seen: Features) -> Picture:
    return characters(seen.image[None], "image", f"Test image {seen.index}, {seen.true}")


def _maps(maps: LayerMaps, key: str, seen: Features) -> Picture:
    what, columns, tile = ("values", VALUES, 12) if maps.single else ("feature maps", MAPS, 52)
    words = f"{len(maps.maps)} of {maps.total} {what} of {maps.layer} for test image {seen.index}"
    return signed(maps.maps, columns, tile, key, words)

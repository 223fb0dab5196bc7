"""Characters, kernels and feature maps as small pictures, PNG or PDF, each with alternative text."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from assay.report.canvas import write_figure
from assay.shapes import Array

POSITIVE, NEGATIVE = "#7f63b8", "#d9822b"
"""Purple and orange, told apart by the colour-blind, on light and on dark."""
SHADES = 32
ZOOM, LEAST = 2.0, 18
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (h, w), (h, w, 3) or, with opacity, (h, w, 4), what they show, and a page's zoom."""

    key: str
    description: str
    zoom: float
    pixels: Pixels = field(repr=False)

    @property
    def uri(self) -> str:
        """The picture as PNG in an address, for a page."""
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(self.pixels).save(file, "PNG", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height

    def save(self, path: Path) -> None:
        """Write the picture as SVG or PDF, every pixel a sharp square."""
        width, height = self.size
        figure = Figure(figsize=(width / 50, height / 50))  # outside the style: no room around the pixels
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        axes.imshow(self.pixels, interpolation="nearest", cmap="gray", vmin=0, vmax=255, aspect="auto")
        with path.open("wb") as file:
            write_figure(figure, file, path.suffix.removeprefix("."), self.key)


def characters(images: Pixels, key: str, description: str) -> Picture:
    """Show images side by side: (n, H, W), light on black, dark on white; (n, H, W, 3) in colour."""
    tiles = 255 - images if images.ndim == 3 else images
    return Picture(key, description, ZOOM, _sheet(tiles, len(tiles), gap=2, blank=255))


def signed(maps: Array, columns: int, tile: float, key: str, description: str) -> Picture:
    """Show maps (n, h, w) in rows: purple above zero, orange below, the stronger the further from it.

    A page shows each map ``tile`` pixels wide.
    """
    strongest = float(np.abs(maps).max()) or 1.0
    shades = np.rint(np.abs(maps) / strongest * (SHADES - 1)) * (255 / (SHADES - 1))
    colours = np.where(maps[..., None] > 0, *(np.array(to_rgb(c)) for c in (POSITIVE, NEGATIVE)))
    tiles = np.concatenate([np.rint(255 * colours), shades[..., None]], axis=-1).astype(np.uint8)
    tiles[tiles[..., 3] == 0] = 0
    larger = max(1, LEAST // maps.shape[2])  # so that the gap is small beside the smallest map, too
    tiles = tiles.repeat(larger, axis=1).repeat(larger, axis=2)
    return Picture(key, description, tile / tiles.shape[2], _sheet(tiles, columns, gap=2, blank=0))


def coloured(maps: Array, columns: int, tile: float, key: str, description: str) -> Picture:
    """Show maps (n, h, w, 3) of red, green and blue in rows: grey is zero, brighter is above."""
    strongest = float(np.abs(maps).max()) or 1.0
    tiles = np.rint(127.5 + 127.5 * maps / strongest).astype(np.uint8)
    larger = max(1, LEAST // maps.shape[2])
    tiles = tiles.repeat(larger, axis=1).repeat(larger, axis=2)
    return Picture(key, description, tile / tiles.shape[2], _sheet(tiles, columns, gap=2, blank=255))


def _sheet(tiles: Pixels, columns: int, gap: int, blank: int) -> Pixels:
    """Lay out tiles (n, h, w, ...) in rows, ``gap`` pixels apart."""
    count, height, width = tiles.shape[:3]
    columns = min(columns, count)
    rows = -(-count // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap, *tiles.shape[3:])
    sheet = np.full(size, blank, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet

"""Sixteen things that are wrong with people's pictures of a character, each at two strengths.

Each fault draws ``ink`` (H, W), 0 on paper to 1 in a stroke, as the contents of a picture file.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate, shift

Ink = NDArray[np.float64]
Draw = np.random.Generator
Fault = Callable[[Ink, int, Draw], bytes]

SCALE = 10
PEN, PAPER = 0.1, 0.95


def large(image: NDArray[np.uint8], scale: int = SCALE, margin: int = 3) -> Ink:
    """Return the ink of an image (28, 28) drawn ``scale`` times as large: its pen grows with it."""
    padded = np.pad(image, margin)
    size = len(padded) * scale
    return np.asarray(Image.fromarray(padded).resize((size, size), Image.Resampling.BICUBIC)) / 255


def shades(ink: Ink, pen: float = PEN, paper: float = PAPER) -> Ink:
    """Return ink on paper, from 0, black, to 1."""
    return paper + (pen - paper) * ink


def png(values: Ink, **options: Any) -> bytes:
    """Return shades (H, W) or colours (H, W, C) from 0 to 1 as a PNG file."""
    return _saved(Image.fromarray(np.rint(255 * values.clip(0, 1)).astype(np.uint8)), "PNG", **options)


def jpeg(values: Ink, quality: int = 80, **options: Any) -> bytes:
    """Return the same as a JPEG file."""
    image = Image.fromarray(np.rint(255 * values.clip(0, 1)).astype(np.uint8))
    return _saved(image, "JPEG", quality=quality, **options)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(ink: Ink, strength: int, draw: Draw) -> bytes:
    """No fault."""
    return png(shades(ink))


def uneven_light(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Light falls off across the sheet, in any direction, to 45% or 20%."""
    angle = draw.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    slope = (np.cos(angle) * x + np.sin(angle) * y) / (abs(np.cos(angle)) + abs(np.sin(angle)))
    darkest = (0.45, 0.2)[strength]
    return jpeg(shades(ink) * (darkest + (1 - darkest) * (slope + 1) / 2))


def vignette(ink: Ink, strength: int, draw: Draw) -> bytes:
    """The corners have 45% or 15% of the middle's light."""
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    return jpeg(shades(ink) * (1 - (1 - (0.45, 0.15)[strength]) * (x * x + y * y) / 2))


def shadow(ink: Ink, strength: int, draw: Draw) -> bytes:
    """A shadow's edge crosses the character; in it are 60% or 35% of the light."""
    angle, away = draw.uniform(0, 2 * np.pi), draw.uniform(-0.3, 0.3)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    dark = (np.cos(angle) * x + np.sin(angle) * y > away).astype(float)
    light = 1 - (0.4, 0.65)[strength] * gaussian_filter(dark, (4, 2)[strength])
    return jpeg(shades(ink) * light + draw.normal(0, 0.01, ink.shape))


def small_in_photograph(ink: Ink, strength: int, draw: Draw) -> bytes:
    """The character is a twelfth or a thirtieth of a photograph's width."""
    height, width = 1500, 2000
    size = width // (12, 30)[strength]
    image = np.asarray(Image.fromarray((255 * ink.clip(0, 1)).astype(np.uint8)).resize((size, size))) / 255
    sheet = np.zeros((height, width))
    top, left = (
        draw.integers(height // 5, height * 4 // 5 - size),
        draw.integers(width // 5, width * 4 // 5 - size),
    )
    sheet[top : top + size, left : left + size] = image
    light = np.linspace(1, 0.6, width) + draw.normal(0, 0.02, (height, width))
    return jpeg(shades(gaussian_filter(sheet, 0.7)) * light)


def dark_desk(ink: Ink, strength: int, draw: Draw) -> bytes:
    """The sheet lies on a dark desk, turned by up to 3 or 8 degrees, with grain."""
    margin = ink.shape[0] * (1, 3)[strength] // 6
    turn = draw.uniform(-1, 1) * (3, 8)[strength]
    sheet = np.pad(np.ones_like(ink), margin)
    turned = rotate(sheet, turn, reshape=False, order=1)
    grain = 0.25 + 0.05 * gaussian_filter(draw.normal(0, 1, sheet.shape), (1, 12)) * 6
    written = rotate(np.pad(ink, margin), turn, reshape=False, order=1)
    return jpeg(turned * shades(written) + (1 - turned) * grain)


def frame(ink: Ink, strength: int, draw: Draw) -> bytes:
    """A frame of 1 or 8 pixels, at the edge or a little within."""
    inset, thick = ((0, 1), (8, 8))[strength]
    framed = np.pad(ink, (2, 12)[strength])
    inside = np.zeros(framed.shape, bool)
    inside[inset + thick : -inset - thick, inset + thick : -inset - thick] = True
    outside = np.ones(framed.shape, bool)
    if inset:
        outside = np.zeros(framed.shape, bool)
        outside[inset:-inset, inset:-inset] = True
    return png(shades(np.maximum(framed, outside & ~inside)))


def ruled_lines(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Pale ruled lines, or squares as dark as most ink and turned by a degree."""
    lines = np.zeros(tuple(2 * size for size in ink.shape))
    step = ink.shape[0] // 4
    first = draw.integers(step)
    lines[first::step] = 1
    lines[first + 1 :: step] = 1
    if strength:
        lines[:, first::step] = 1
        lines = rotate(lines, 1, reshape=False, order=1)
    half = ink.shape[0] // 2, ink.shape[1] // 2
    lines = lines[half[0] : half[0] + ink.shape[0], half[1] : half[1] + ink.shape[1]]
    return png(shades(np.maximum(ink, (0.35, 0.7)[strength] * lines)))


def specks(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Six or 25 specks of dust, 2 to 5 pixels in radius, anywhere."""
    dusty = ink.copy()
    rows, columns = np.ogrid[: ink.shape[0], : ink.shape[1]]
    for _ in range((6, 25)[strength]):
        y, x, radius = draw.uniform(0, ink.shape[0]), draw.uniform(0, ink.shape[1]), draw.uniform(2, 5)
        dusty[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = 1
    return png(shades(dusty))


def salt(ink: Ink, strength: int, draw: Draw) -> bytes:
    """One in 50 or one in 10 pixels is black or white."""
    values = shades(ink)
    hit = draw.random(ink.shape) < (0.02, 0.1)[strength]
    return png(np.where(hit, draw.integers(0, 2, ink.shape), values))


def coloured(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Blue ink on cream, or orange ink on dark blue, with noise."""
    pen, paper = (((0.1, 0.2, 0.6), (0.95, 0.9, 0.7)), ((0.85, 0.4, 0.1), (0.1, 0.15, 0.4)))[strength]
    values = np.array(paper) + ink[..., None] * (np.array(pen) - np.array(paper))
    return jpeg(values + draw.normal(0, 0.02, values.shape), 90)


def equally_light(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Red on green, or purple on ochre, of the same lightness."""
    pen, paper = (((0.85, 0.2, 0.2), (0.1, 0.58, 0.15)), ((0.6, 0.4, 0.65), (0.55, 0.5, 0.25)))[strength]
    values = np.array(paper) + ink[..., None] * (np.array(pen) - np.array(paper))
    return png(values)


def transparent(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Ink on a transparent sheet; or a white sheet cut out on transparency, its ink half transparent."""
    if not strength:
        return png(np.stack([np.zeros_like(ink)] * 3 + [ink], -1))
    margin = ink.shape[0] // 3
    written, sheet = np.pad(ink, margin), np.pad(np.ones_like(ink), margin)
    grey = shades(written, 0.1, 1.0)
    return png(np.stack([grey] * 3 + [sheet * (1 - 0.4 * written)], -1))


def odd_depth(ink: Ink, strength: int, draw: Draw) -> bytes:
    """12 bits kept in 16, or a range of 1,500 in the middle of 16 bits, with noise."""
    values = shades(ink)
    levels = 4095 * values if not strength else 30_000 + 1500 * (values + draw.normal(0, 0.03, ink.shape))
    return _saved(Image.fromarray(np.rint(levels).clip(0, 65535).astype(np.uint16)), "PNG")


def cropped(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Cropped to the ink, or 4 pixels into it."""
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    into = (0, 4)[strength]
    inside = ink[rows[0] + into : rows[-1] + 1 - into, columns[0] + into : columns[-1] + 1 - into]
    return png(shades(inside))


def turned(ink: Ink, strength: int, draw: Draw) -> bytes:
    """A photograph on its side, or turned and mirrored, which EXIF says."""
    orientation = (6, 5)[strength]
    back = {6: Image.Transpose.ROTATE_90, 5: Image.Transpose.TRANSPOSE}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.rint(255 * shades(ink).clip(0, 1)).astype(np.uint8)).transpose(back)
    return _saved(image, "JPEG", exif=exif, quality=(80, 25)[strength])


def chalk(ink: Ink, strength: int, draw: Draw) -> bytes:
    """Light on dark, with uneven light, and smeared on a grey board at the greater strength."""
    pen, board = ((0.95, 0.1), (0.7, 0.25))[strength]
    light = np.linspace(1, (0.7, 0.5)[strength], ink.shape[1])
    smear = gaussian_filter(draw.normal(0, 1, ink.shape), 15) * (0, 0.5)[strength]
    return jpeg((shades(ink, pen, board) + smear) * light + draw.normal(0, 0.015, ink.shape))


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        uneven_light, vignette, shadow, small_in_photograph, dark_desk, frame, ruled_lines, specks, salt,
        coloured, equally_light, transparent, odd_depth, cropped, turned, chalk,
    )
}  # fmt: skip


def word(images: list[NDArray[np.uint8]], draw: Draw) -> bytes:
    """Return characters written beside each other, spaced and placed as a hand would."""
    scale = 6
    parts = [large(image, scale, 0) for image in images]
    height, gap = 28 * scale, 28 * scale // 5
    sheet = np.zeros((2 * height, len(parts) * (height + 2 * gap) + 2 * height))
    at = height
    for part in parts:
        columns = np.flatnonzero((part > 0.5).any(axis=0))
        tight = part[:, max(0, columns[0] - 2) : columns[-1] + 3]
        top = height // 2 + draw.integers(-8, 9)
        sheet[top : top + height, at : at + tight.shape[1]] = tight
        at += tight.shape[1] + int(draw.uniform(0.5, 1.5) * gap)
    sheet = sheet[:, : at + height]
    return jpeg(shades(shift(sheet, draw.uniform(-0.5, 0.5, 2), order=1)))


def empty_sheets(draw: Draw) -> dict[str, bytes]:
    """Return 20 sheets on which nothing is written, blank or patterned, by name."""
    size = 400
    y, x = np.mgrid[:size, :size]
    noise = draw.normal(0, 1, (size, size))
    wide = gaussian_filter(noise, 20) * 30
    grain = gaussian_filter(noise, (2, 30)) * 8
    shaded = 0.9 - 0.5 * np.hypot(x - 150, y - 250) / size
    patterns: dict[str, Ink] = {
        "white": np.ones((size, size)),
        "black": np.zeros((size, size)),
        "grey with noise": 0.6 + 0.03 * noise,
        "much noise": 0.5 + 0.15 * noise,
        "slope": 0.2 + 0.7 * x / size,
        "vignette": shaded,
        "soft shadow": 0.9 - 0.4 / (1 + np.exp((x + y - size) / 12)),
        "hard shadow": np.where(x + 0.4 * y > 300, 0.5, 0.9),
        "clouds": 0.7 + 0.1 * wide,
        "wood": 0.5 + 0.1 * grain,
        "stripes": np.where(x // 20 % 2, 0.3, 0.9),
        "slanted stripes": np.where((x + y) // 25 % 2, 0.4, 0.8),
        "checks": np.where((x // 40 + y // 40) % 2, 0.2, 0.9),
        "squared paper": np.where((x % 30 < 2) | (y % 30 < 2), 0.5, 0.95),
        "ruled paper": np.where(y % 50 < 2, 0.4, 0.95) * (0.6 + 0.4 * x / size),
        "dots": np.where((x % 40 - 20) ** 2 + (y % 40 - 20) ** 2 < 16, 0.2, 0.95),
        "discs": np.where((x % 80 - 40) ** 2 + (y % 80 - 40) ** 2 < 500, 0.2, 0.95),
        "desk and sheet": np.where((abs(x - 200) < 150) & (abs(y - 200) < 120), 0.95, 0.25) + 0.01 * noise,
        "frame": np.where((np.maximum(abs(x - 200), abs(y - 200)) - 170) // 6 == 0, 0.1, 0.95),
        "specks": np.where(gaussian_filter(noise, 1.2) > 0.75, 0.3, 0.95),
    }  # fmt: skip
    return {name: jpeg(values, 90) for name, values in patterns.items()}

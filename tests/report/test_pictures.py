"""Pictures taken apart again."""

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.colors import to_rgb
from PIL import Image

from assay.report.pictures import NEGATIVE, POSITIVE, SHADES, Picture, characters, coloured, signed

MAPS = arrays(
    np.float64,
    array_shapes(min_dims=3, max_dims=3, max_side=6),
    elements=st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False),
)


def decoded(picture: Picture) -> np.ndarray:
    """Read a picture as a browser would."""
    head, _, data = picture.uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def tiles(picture: Picture, maps: np.ndarray, columns: int) -> np.ndarray:
    """Cut the tiles out of a sheet, and take one pixel of each that was enlarged."""
    sheet, (count, height, width) = decoded(picture), maps.shape[:3]
    larger = max(1, 18 // width)
    step = (height * larger + 2, width * larger + 2)
    places = [divmod(index, min(columns, count)) for index in range(count)]
    return np.array(
        [
            sheet[row * step[0] :, column * step[1] :][: height * larger : larger, : width * larger : larger]
            for row, column in places
        ]
    )


@given(MAPS, st.integers(1, 8))
def test_signs_are_colours_and_sizes_opacity(maps: np.ndarray, columns: int) -> None:
    found = tiles(signed(maps, columns, 40, "key", "words"), maps, columns)
    strongest = np.abs(maps).max() or 1
    np.testing.assert_allclose(found[..., 3] / 255, np.abs(maps) / strongest, atol=1 / (SHADES - 1))
    for colour, where in ((POSITIVE, maps > 0), (NEGATIVE, maps < 0)):
        shown = found[where & (found[..., 3] > 0)]
        assert (shown[:, :3] == np.rint(255 * np.array(to_rgb(colour)))).all()


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(3), st.just(5))))
def test_characters_stand_side_by_side_dark_on_white(images: np.ndarray) -> None:
    sheet = decoded(characters(images, "key", "words"))
    assert sheet.shape == (3, 7 * len(images) - 2)
    for index, image in enumerate(images):
        np.testing.assert_array_equal(sheet[:, 7 * index : 7 * index + 5], 255 - image)
        assert (sheet[:, 7 * index + 5 : 7 * index + 7] == 255).all()


@pytest.mark.parametrize("picture", [
    characters(np.eye(4, dtype=np.uint8)[None] * 255, "eye", "words"),
    signed(np.eye(4)[None] - 0.5, 1, 40, "eye", "words"),
], ids=["grey", "signed"])  # fmt: skip
def test_pictures_are_written_sharp_and_the_same_each_time(picture: Picture, tmp_path: Path) -> None:
    for path in (tmp_path / "a.svg", tmp_path / "a.pdf"):
        picture.save(path)
        again = path.with_stem("b")
        picture.save(again)
        assert path.read_bytes() == again.read_bytes()
    (image,) = ET.parse(tmp_path / "a.svg").getroot().iter("{http://www.w3.org/2000/svg}image")
    assert image.get("{http://www.w3.org/1999/xlink}href").strip().startswith("data:image/png")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_kernels_in_colour_are_grey_at_zero_and_images_in_colour_stay_as_they_are() -> None:
    maps = np.zeros((3, 2, 2, 3))
    maps[1, ..., 0], maps[2, ..., 1] = 2.0, -4.0
    shown = tiles(coloured(maps, 2, 40, "key", "words"), maps, 2)
    np.testing.assert_array_equal(shown[0], 128)
    np.testing.assert_array_equal(shown[1], np.broadcast_to([191, 128, 128], (2, 2, 3)))
    np.testing.assert_array_equal(shown[2], np.broadcast_to([128, 0, 128], (2, 2, 3)))
    images = np.arange(2 * 3 * 5 * 3, dtype=np.uint8).reshape(2, 3, 5, 3)
    sheet = decoded(characters(images, "key", "words"))
    np.testing.assert_array_equal(sheet[:, :5], images[0])

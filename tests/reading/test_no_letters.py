"""What is drawn around letters or under them, and what is no letter though it is ink."""

import io

import faults
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import rotate
from strokes_drawn import drawn

import assay
from assay.errors import DataError

SIDE = 340
ROOM = 50
LETTERS = {name: np.pad(np.asarray(drawn(name, SIDE - 2 * ROOM, 18)) < 128, ROOM) for name in "4E0"}


def text(ink):
    """Return what is read on paper with ``ink``, nothing where no character is found."""
    try:
        return assay.read(faults.png(faults.shades(ink))).text
    except DataError as error:
        assert "no character found" in str(error)  # noqa: PT017
        return ""


def pen(draw_with):
    """Return the ink that ``draw_with`` leaves on a sheet."""
    sheet = Image.new("L", (SIDE, SIDE))
    draw_with(ImageDraw.Draw(sheet))
    return np.asarray(sheet) / 255


@pytest.mark.parametrize(("thick", "gap"), [(4, 0), (12, 0), (4, 15)], ids=["thin", "pen", "open"])
@pytest.mark.parametrize("name", "4E")
def test_a_letter_in_a_ring_is_the_letter(name, thick, gap):
    box = [20, 20, SIDE - 20, SIDE - 20]
    ring = pen(lambda sheet: sheet.arc(box, 200, 560 - gap, 255, thick))
    assert text(np.maximum(LETTERS[name], ring)) == name


@pytest.mark.parametrize("turn", [0, 2])
def test_an_underline_is_left_out(turn):
    nought = LETTERS["0"]
    rows, columns = (np.flatnonzero(nought.any(axis=axis)) for axis in (1, 0))
    top, reach = rows[-1] + 24, slice(columns[0] - 25, columns[-1] + 26)
    line = np.zeros((SIDE, SIDE))
    line[top : top + 8, reach] = 1
    assert text(np.maximum(nought, rotate(line, turn, reshape=False, order=1))) == "0"


def test_an_oval_is_no_letter_and_a_stroke_is():
    def oval(half):
        return pen(lambda sheet: sheet.ellipse([90, 170 - half, 250, 170 + half], 255))

    assert text(oval(40)) == text(oval(40).T) == text(rotate(oval(45), 30, reshape=False, order=1)) == ""
    assert text(oval(10).T) in ("1", "I", "L")


def test_a_gradient_that_fills_a_picture_is_no_tight_crop():
    rows, columns = np.mgrid[:400, :500]
    slope = 0.2 + 0.6 * (columns * np.cos(2.585) + rows) / 900
    with pytest.raises(DataError, match="no character found"):
        assay.read(faults.jpeg(np.stack([slope, 0.9 * slope, 1 - slope], -1)))


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n"


def test_postscript_is_not_run(monkeypatch):
    from PIL import EpsImagePlugin

    def run(*_, **__):
        pytest.fail("the program was run")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    with pytest.raises(DataError, match="is PostScript, a program, which is not run"):
        assay.read(POSTSCRIPT)


@pytest.mark.parametrize("value", ["abc", 0, 9, float("nan")])
def test_an_orientation_that_is_none_is_no_matter(value, monkeypatch):
    monkeypatch.setattr(Image.Exif, "get", lambda *_: value)
    assert assay.read(faults.png(faults.shades(LETTERS["4"]))).text == "4"


def test_a_pillow_image_that_cannot_be_decoded_is_one_line_and_so_is_a_long_name():
    whole = faults.png(faults.shades(LETTERS["4"]))
    with pytest.raises(DataError, match="image: cannot be read as a picture"):
        assay.read(Image.open(io.BytesIO(whole[: len(whole) // 2])))
    with pytest.raises(DataError, match="cannot be read as a picture"):
        assay.read("x" * 300)

"""Letters with edges as hard as a screen's, drawn with rectangles or typed, and sheets and frames as hard."""

import faults
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from strokes_drawn import drawn

import assay
from assay.errors import DataError

FOUR = np.asarray(drawn("4", 240, 18)) < 128
DOTS = {
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "I": "1 1 1 1 1 1 1",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "E": "11111 10000 10000 11111 10000 10000 11111",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "O": "11111 10001 10001 10001 10001 10001 11111",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "7": "11111 00001 00001 00001 00001 00001 00001",
}


def block(name, cell=12):
    """Return a letter of squares."""
    dots = np.array([[int(dot) for dot in row] for row in DOTS[name].split()], bool)
    return np.kron(dots, np.ones((cell, cell), bool))


def typed(text, size, antialiased):
    image = Image.new("L", (size * (len(text) + 2), 2 * size))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if antialiased else "1"
    draw.text((size, size // 3), text, 255, ImageFont.load_default(size))
    return np.asarray(image) / 255


def picture(ink, light=False):
    """Return ink as a picture of two levels, dark on light or light on dark."""
    return Image.fromarray(np.uint8(255 * (np.asarray(ink, float) if light else 1.0 - ink)))


def text(image):
    """Return what is read, nothing where no character is found."""
    try:
        return assay.read(image).text
    except DataError as error:
        assert "no character found" in str(error)  # noqa: PT017
        return ""


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("name", DOTS)
def test_a_letter_of_squares_is_no_blank_picture(name, light):
    assert len(text(picture(np.pad(block(name), 40), light))) == 1


@pytest.mark.parametrize("name", "LTEH7")
def test_a_letter_of_squares_is_the_letter(name):
    assert text(picture(np.pad(block(name), 40))) == name


@pytest.mark.parametrize("antialiased", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("size", [20, 90])
def test_typed_letters_are_found(size, antialiased):
    assert len(text(picture(typed("LTDB", size, antialiased)))) == 4
    assert all(len(text(picture(typed(letter, size, antialiased)))) == 1 for letter in "LIP1")


def on_desk(sheet, desk, around=0.7):
    """Lay a sheet on a desk of an even shade, its edges as hard as a screen's."""
    room = round(around * max(sheet.shape))
    return Image.fromarray(np.uint8(255 * np.pad(sheet, room, constant_values=desk)))


@pytest.mark.parametrize(("pen", "paper", "desk"), [(0.1, 0.95, 0.2), (0.9, 0.05, 0.95), (0.5, 0.0, 1.0)])
def test_what_is_written_on_a_hard_edged_sheet_is_read_and_not_the_sheet(pen, paper, desk):
    assert text(on_desk(faults.shades(FOUR.astype(float), pen, paper), desk)) == "4"
    other = np.asarray(drawn("E", 240, 18)) < 128
    assert text(on_desk(faults.shades(other.astype(float), pen, paper), desk, 0.4)) == "E"


@pytest.mark.parametrize("shape", [(120, 120), (100, 200), (80, 240)])
@pytest.mark.parametrize(("paper", "desk"), [(0.95, 0.2), (0.1, 0.95)])
def test_an_empty_label_is_no_letter(shape, paper, desk):
    assert text(on_desk(np.full(shape, paper), desk, 1.2)) == ""


@pytest.mark.parametrize(("inset", "thick"), [(2, 2), (10, 1), (8, 12), (60, 6)])
def test_an_empty_frame_is_no_letter_and_what_is_in_one_is_read(inset, thick):
    for ink, expected in ((FOUR, "4"), (np.zeros_like(FOUR), "")):
        framed = np.pad(np.pad(np.pad(ink, 20), thick, constant_values=True), inset)
        assert text(picture(framed)) == expected


def test_a_level_bar_is_no_letter_and_an_upright_one_is():
    bar = np.ones((14, 120), bool)
    assert text(picture(np.pad(bar, 60))) == ""
    assert text(picture(np.pad(bar.T, 60))) in ("1", "I", "L")


def test_stripes_to_the_border_are_no_letters():
    stripes = np.arange(400) // 20 % 2 == 1
    assert text(picture(np.tile(stripes, (400, 1)))) == ""

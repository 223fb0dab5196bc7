"""Pictures as people take them: each fault alone, on characters drawn with a pen; and files that are none."""

import io
import subprocess
import sys
import zlib

import faults
import numpy as np
import pytest
from PIL import Image
from strokes_drawn import drawn

import assay
from assay.errors import DataError
from assay.reading.opening import ORIENTATION, opened
from assay.reading.recogniser import card, recogniser

FOUR, SEVEN, E = (np.asarray(drawn(name, 240, 18)) < 128 for name in "47E")


def ink(character):
    return character.astype(float)


def text(content):
    return assay.read(content).text


@pytest.mark.parametrize("strength", [1])
@pytest.mark.parametrize("fault", faults.FAULTS.values(), ids=faults.FAULTS)
def test_a_4_is_read_through_every_fault(fault, strength):
    assert text(fault(ink(FOUR), strength, np.random.default_rng(5))) == "4"


def test_two_characters_are_two_with_their_boxes():
    both = assay.read(faults.png(faults.shades(np.hstack([ink(FOUR), ink(SEVEN)]))))
    assert both.text in ("47", "4 7")
    left, right = both.characters
    assert left.box[2] <= 240 <= right.box[0]
    for character, drawing, start in ((left, FOUR, 0), (right, SEVEN, 240)):
        rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
        expected = (start + columns[0], rows[0], start + columns[-1] + 1, rows[-1] + 1)
        assert np.abs(np.subtract(character.box, expected)).max() <= 3
        assert [share for _, share in character.likeliest] == sorted(
            (share for _, share in character.likeliest), reverse=True
        )
    with pytest.raises(DataError, match="looks like 2 characters"):
        assay.read(faults.png(faults.shades(np.hstack([ink(FOUR), ink(SEVEN)]))), one=True)


def test_lines_and_words_are_read_in_order():
    gap = np.zeros((240, 240))
    first = np.hstack([ink(FOUR), ink(SEVEN), gap, gap, ink(E), ink(SEVEN)])
    second = np.hstack([ink(SEVEN), ink(FOUR), gap, gap, gap, gap])
    assert text(faults.png(faults.shades(np.vstack([first, second])))) == "47 E7\n74"


def test_a_tight_crop_of_an_e_is_an_e():
    rows, columns = (np.flatnonzero(E.any(axis=axis)) for axis in (1, 0))
    crop = ink(E)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert text(faults.png(faults.shades(crop))) == "E"


@pytest.mark.parametrize("name", [*faults.empty_sheets(np.random.default_rng(1))])
def test_nothing_is_read_on_an_empty_sheet(name):
    sheet = faults.empty_sheets(np.random.default_rng(1))[name]
    with pytest.raises(DataError, match="no character found"):
        assay.read(sheet)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_pillow_turns_it(turn):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[ORIENTATION] = turn
    image = Image.fromarray(np.arange(240 * 200).reshape(240, 200).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)), float) / 255
    found = opened(file.getvalue())
    assert found.size == expected.shape[::-1]
    assert np.allclose(found.colours[..., 0], expected, atol=1e-6)


def bomb():
    """Return a PNG that says it has 60,000 x 60,000 pixels."""
    header = b"IHDR" + (60_000).to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4)


PLAIN = faults.png(faults.shades(ink(FOUR)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PLAIN[: len(PLAIN) // 2], "cannot be read as a picture"),
        (b"", "cannot be read as a picture"),
        (b"%PDF-1.7 and more", "cannot be read as a picture"),
        (bomb(), "cannot be read as a picture|pixels"),
        (Image.new("L", (0, 0)), "has no pixels"),
        (np.zeros((3, 4, 5), np.uint8), "expected whole numbers"),
        (np.full((30, 30), 0.5), "expected whole numbers"),
        ("absent.png", "is not a file"),
    ],
)
def test_what_is_no_picture_is_one_line(content, words):
    with pytest.raises(DataError, match=words) as caught:
        assay.read(content)
    assert "\n" not in str(caught.value)


def test_heic_is_read():
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(np.uint8(255 * (1 - 0.9 * ink(FOUR)))).convert("RGB")).save(file)
    assert text(file.getvalue()) == "4"


def test_the_recogniser_is_small_and_calibrated():
    found = recogniser()
    assert sum(value.size for value in found.weights.values()) * 2 < 700_000
    assert card()["calibration_error"] < 0.02
    assert card()["test_accuracy_interval_95"][0] < card()["test_accuracy"]
    assert len(found.classes) == found.network.output_shape[0] == 47


def test_reading_compiles_nothing():
    code = "import sys, assay; assay.read('four.png'); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("'four.png'", repr(PLAIN))],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert set(done.stdout.split()).isdisjoint({"numba", "torch", "pydantic", "matplotlib", "pandas"})
